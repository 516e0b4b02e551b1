/* SPDX-License-Identifier: BSD-2-Clause */
/* The getters of fields about places. */
#include "flow/fields_place.h"

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
