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

void place_value(const struct flow_view *view, enum field_end end, enum flow_place_value which,
		 union field_value *ret_value);
field_known knows_database;
field_known knows_database_time;
bool place_known(const struct flow_view *view, enum field_end end, enum flow_place_value which);

/* Of the source's address, where it has one, else of the destination's. */
field_get database_type;
field_get database_time;

#endif
