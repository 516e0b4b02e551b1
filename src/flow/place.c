/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what may be known of a place, made from place.def. */
#include "flow/place.h"

const char *flow_place_name(enum flow_place_value value)
{
	static const char *const names[FLOW_PLACE_VALUES] = {
#define PLACE(id, name, kind) [FLOW_PLACE_##id] = (name),
#include "flow/place.def"
#undef PLACE
	};

	return names[value];
}
