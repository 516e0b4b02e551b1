/* SPDX-License-Identifier: BSD-2-Clause */
/* What fields.def's rows about places ask of the ends of a flow. */
#ifndef WEIR_FLOW_FIELDS_PLACE_H
#define WEIR_FLOW_FIELDS_PLACE_H

#include "flow/fields.h"

/* The ends a record calls source and destination. */
enum field_end {
	FIELD_SOURCE,
	FIELD_DESTINATION,
};

static inline const struct flow_place *place_of(const struct flow_view *view, enum field_end end)
{
	return view->extra ? view->extra->place[end == FIELD_SOURCE ? view->from : !view->from]
			   : NULL;
}

static inline void place_value(const struct flow_view *view, enum field_end end,
			       enum flow_place_value which, union field_value *ret_value)
{
	const struct flow_place *place = place_of(view, end);

	switch (flow_place_kind(which)) {
	case FLOW_PLACE_TEXT:
		ret_value->text = place ? place->cells[which].text : (struct flow_text){ NULL, 0 };
		break;
	case FLOW_PLACE_REAL:
		ret_value->real = place ? place->cells[which].real : 0;
		break;
	case FLOW_PLACE_NUMBER:
		ret_value->number = place ? place->cells[which].number : 0;
		break;
	}
}

static inline bool place_known(const struct flow_view *view, enum field_end end,
			       enum flow_place_value which)
{
	return flow_place_knows(place_of(view, end), which);
}

field_known knows_database;
field_known knows_database_time;
/* Of the source's address, where it has one, else of the destination's. */
field_get database_type;
field_get database_time;

#endif
