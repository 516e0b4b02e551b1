/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of a line for a person's eyes: a text on its way into a column. Whatever
 * fills a cell adds to what is in it. */
#ifndef WEIR_EXPORT_CELL_H
#define WEIR_EXPORT_CELL_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "export/print.h"

struct cell {
	size_t length;
	char text[128];
};

/* Columns that a value needs at most. */
enum cell_width {
	CELL_DURATION = 6,
	CELL_PROTOCOL = 5,
	CELL_IPV4_END = 21,
	CELL_IPV6_END = 47,
	CELL_AMOUNT = 4,
};

static inline void cell_char(struct cell *cell, char c)
{
	cell->text[cell->length++] = c;
}

static inline void cell_string(struct cell *cell, const char *text)
{
	size_t length = strlen(text);

	memcpy(cell->text + cell->length, text, length);
	cell->length += length;
}

static inline void cell_number(struct cell *cell, guint64 value)
{
	cell->length = (size_t)(print_u64(cell->text + cell->length, value) - cell->text);
}

static inline void cell_digits(struct cell *cell, guint64 value, guint digits)
{
	cell->length =
		(size_t)(print_digits(cell->text + cell->length, value, digits) - cell->text);
}

/* ICMP, TCP, UDP; a number where there is no short name. */
void cell_protocol(struct cell *cell, guint64 protocol);
/* 0us 999us 12.3ms 807ms 4.567s 123.4s 16m40s 27h46m 5d04h */
void cell_duration(struct cell *cell, guint64 duration_ns);
/* 9999 10k 999k 1.2M */
void cell_amount(struct cell *cell, guint64 amount);
/* One end of a flow; a port of 0 is none. */
void cell_end(struct cell *cell, bool ipv6, const guint8 *address, guint64 port);
/* flowEndReason in a word of at most 7 letters. */
const char *cell_end_word(guint64 reason);

void cell_put_blanks(GString *out, size_t used, size_t width);
/* Into a column, and a blank after it. */
void cell_put_left(GString *out, const struct cell *cell, size_t width);
void cell_put_right(GString *out, const struct cell *cell, size_t width);

#endif
