/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people write them: 1M, 500ms, 0x2a. Exact, but for the last:
 * nothing else goes through floating point. */
#ifndef WEIR_BASE_QUANTITY_H
#define WEIR_BASE_QUANTITY_H

#include <glib.h>
#include <stdbool.h>

enum quantity_kind {
	QUANTITY_NUMBER,   /* decimal or 0x and hexadecimal; no suffix */
	QUANTITY_COUNT,	   /* suffix k, M or G: powers of 1000 */
	QUANTITY_DURATION, /* in nanoseconds; suffix ns, us, ms, s, m, h or d; without one, seconds
			    */
};

/* False when text is not a quantity of that kind or does not fit 64 bits. */
bool quantity_parse(enum quantity_kind kind, const char *text, guint64 *ret_value);

/* The shortest exact way to write it with a whole number: 15s, 1M; free with g_free. */
char *quantity_format(enum quantity_kind kind, guint64 value);

/* Near enough for the eye, in three digits: 123, 12.3k, 4.56M; free with g_free. */
char *quantity_short(double number);

#endif
