/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what may be known of a place, made from place.def. */
#include "flow/place.h"

static const struct {
	const char *name;
	enum flow_place_kind kind;
} values[FLOW_PLACE_VALUES] = {
#define PLACE(id, name, kind) [FLOW_PLACE_##id] = { name, FLOW_PLACE_##kind },
#include "flow/place.def"
#undef PLACE
};

const char *flow_place_name(enum flow_place_value value)
{
	return values[value].name;
}

enum flow_place_kind flow_place_kind(enum flow_place_value value)
{
	return values[value].kind;
}
