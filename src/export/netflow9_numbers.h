/* SPDX-License-Identifier: BSD-2-Clause */
/* netflow9_numbers.def: what NetFlow v9, and ntop under its own enterprise number, call an element.
 */
#ifndef WEIR_EXPORT_NETFLOW9_NUMBERS_H
#define WEIR_EXPORT_NETFLOW9_NUMBERS_H

#include "export/netflow_time.h"
#include "export/template.h"

#define NTOP_PEN	35632
/* Where nProbe and its collectors put ntop's elements in NetFlow v9, which has no enterprises. */
#define NTOP_FIRST	57472
#define NTOP_ID(number) ((guint16)((number)-NTOP_FIRST))

/* Our own elements that have no number of anybody's. */
#define OURS_FIRST 49152

enum netflow9_unit {
	UNIT_AS_IT_IS,
	UNIT_OCTETS, /* addresses, octets */
	UNIT_TEXT,   /* filled with zeros: v9 has no variable length */
	UNIT_UPTIME,
	UNIT_MILLISECONDS,
	UNIT_LOW_OCTET,
	UNIT_US_HALF_AS_MS,
	UNIT_REAL_US_AS_MS,
	UNIT_DEGREES, /* text: -122.084000 */
};

enum netflow9_kind {
	KIND_ANY,
	KIND_BIFLOW,
	KIND_UNIFLOW,
};

struct netflow9_number {
	const char *element;
	bool reverse;
	guint16 number;
	guint8 octets;
	enum netflow9_unit unit;
	enum netflow9_kind kind;
	const char *ntop; /* what ntop calls its element; NULL: it is none of its */
};

extern const struct netflow9_number netflow9_numbers[];
extern const size_t netflow9_numbers_count;

/* Is the row about this field in a template of this direction? */
bool netflow9_number_is_for(const struct netflow9_number *number, const struct field *field,
			    bool reverse, bool biflow);
/* ntop's element that says what our own does, NULL: it has none. */
const struct netflow9_number *ntop_number_of(const struct field *field, bool reverse, bool biflow);

/* The value in that unit; time is that of UNIT_UPTIME alone. */
guint64 netflow9_unit_value(enum netflow9_unit unit, const union field_value *value,
			    const struct netflow_time *time);
/* Degrees as text, filled with zeros; nothing but zeros where they are not known. */
void netflow9_degrees(double degrees, bool known, guint8 *to, guint8 octets);
/* What does not fit is the highest value. */
guint64 netflow9_fit(guint64 number, guint8 octets);

#endif
