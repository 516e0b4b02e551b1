/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an address is and whose it is, as far as it is known. */
#ifndef WEIR_FLOW_PLACE_H
#define WEIR_FLOW_PLACE_H

#include <glib.h>
#include <stdbool.h>

#include "flow/text.h"

enum flow_place_value {
#define PLACE(id, name, kind) FLOW_PLACE_##id,
#include "flow/place.def"
#undef PLACE
	FLOW_PLACE_VALUES,
};

enum flow_place_kind {
	FLOW_PLACE_TEXT,
	FLOW_PLACE_REAL,
	FLOW_PLACE_NUMBER,
};

/* A geolocation database, as told to readers of records. */
struct flow_database {
	struct flow_text type;
	guint64 built_ns; /* since 1970; 0: it does not say */
};

struct flow_place {
	guint32 known; /* a bit for each enum flow_place_value; the others are 0 or empty */
	const struct flow_database *database; /* the first that knew the address; NULL: none */
	union {
		struct flow_text text;
		double real;
		guint64 number;
	} cells[FLOW_PLACE_VALUES];
};

/* "countryCode", ... */
const char *flow_place_name(enum flow_place_value value);

/* Known when compiling, where the value is. */
static inline enum flow_place_kind flow_place_kind(enum flow_place_value value)
{
	switch (value) {
#define PLACE(id, name, kind) \
	case FLOW_PLACE_##id: \
		return FLOW_PLACE_##kind;
#include "flow/place.def"
#undef PLACE
	default:
		return FLOW_PLACE_NUMBER;
	}
}

static inline bool flow_place_knows(const struct flow_place *place, enum flow_place_value value)
{
	return place && place->known & G_GUINT64_CONSTANT(1) << value;
}

#endif
