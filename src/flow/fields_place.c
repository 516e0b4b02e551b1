/* SPDX-License-Identifier: BSD-2-Clause */
/* The getters of fields about places. */
#include "flow/fields_place.h"

#include <string.h>

static const struct flow_place *place_of(const struct flow_view *view, enum field_end end)
{
	return view->extra ? view->extra->place[end == FIELD_SOURCE ? view->from : !view->from]
			   : NULL;
}

void place_value(const struct flow_view *view, enum field_end end, enum flow_place_value which,
		 union field_value *ret_value)
{
	const struct flow_place *place = place_of(view, end);

	memset(ret_value, 0, sizeof(*ret_value));
	if (!place)
		return;
	switch (flow_place_kind(which)) {
	case FLOW_PLACE_TEXT:
		ret_value->text = place->cells[which].text;
		break;
	case FLOW_PLACE_REAL:
		ret_value->real = place->cells[which].real;
		break;
	case FLOW_PLACE_NUMBER:
		ret_value->number = place->cells[which].number;
		break;
	}
}

bool place_known(const struct flow_view *view, enum field_end end, enum flow_place_value which)
{
	return flow_place_knows(place_of(view, end), which);
}

/* That of the source, where it has one. */
static const struct flow_database *database_of(const struct flow_view *view)
{
	for (enum field_end end = FIELD_SOURCE; end <= FIELD_DESTINATION; end++) {
		const struct flow_place *place = place_of(view, end);

		if (place && place->database)
			return place->database;
	}
	return NULL;
}

bool knows_database(const struct flow_view *view)
{
	return database_of(view);
}

bool knows_database_time(const struct flow_view *view)
{
	return database_of(view) && database_of(view)->built_ns > 0;
}

void database_type(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_database *database = database_of(view);

	ret_value->text = database ? database->type : (struct flow_text){ NULL, 0 };
}

void database_time(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_database *database = database_of(view);

	ret_value->number = database ? database->built_ns : 0;
}
