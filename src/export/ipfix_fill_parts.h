/* SPDX-License-Identifier: BSD-2-Clause */
/* A fill plan as those know it who make it (ipfix_fill.c) and who run it (ipfix_fill_run.c). */
#ifndef WEIR_EXPORT_IPFIX_FILL_PARTS_H
#define WEIR_EXPORT_IPFIX_FILL_PARTS_H

#include <fixbuf/public.h>
#include <string.h>

#include "export/ipfix_fill.h"

/* What offsets of a step are relative to. Both sides of a biflow have one each. */
enum base {
	BASE_KEY,
	BASE_SIDE,
	BASE_SIDE_REVERSE,
	BASE_SHAPE,
	BASE_SHAPE_REVERSE,
	BASE_TCP,
	BASE_TCP_REVERSE,
	BASE_FACTS,
	BASE_FACTS_REVERSE,
	BASES,
};

/* The hottest fields are numbers that are stored as they lie: they are copied here, not asked for
 * by their getter. */
enum fill_op {
	FILL_ASK,
	FILL_COPY8,
	FILL_COPY16,
	FILL_COPY32,
	FILL_COPY64,
	FILL_NUMBER, /* the record's is wider or narrower than the flow's, or in other units */
	FILL_ID,
	FILL_TEXT,
	FILL_NTOP, /* in ntop's unit and octets */
};

struct fill_step {
	union {
		field_get *get;
		const struct template_column *column; /* FILL_NTOP */
	};
	guint16 to;
	guint16 from;
	guint8 op; /* enum fill_op */
	guint8 base;
	guint8 size; /* of the load */
	guint8 type; /* enum field_type */
	bool reverse;
};

struct fill_plan {
	size_t size;
	size_t length;
	guint bases; /* that are read: 1 << enum base */
	bool reverses;
	size_t count;
	struct fill_step steps[];
};

/* RFC 7011, section 7: the length takes one octet or three. */
static inline size_t fill_text_octets(size_t length)
{
	return (length < 255 ? 1 : 3) + length;
}

static inline void fill_put_text(guint8 *to, const struct flow_text *text)
{
	const fbVarfield_t stored = { .buf = (guint8 *)(guintptr)text->octets,
				      .len = text->length };

	memcpy(to, &stored, sizeof(stored));
}

#endif
