/* SPDX-License-Identifier: BSD-2-Clause */
/* The table as text, once, for scripts. */
#ifndef WEIR_TOP_PRINT_H
#define WEIR_TOP_PRINT_H

#include <stdio.h>

#include "top/ui.h"

/* A heading, then a line a row: whole numbers, then what the row is, which may have blanks. At most
 * `limit` rows, 0: all; then what is in no row, and the total. */
void top_print_table(const struct top_table *table, const struct top_query *query, guint limit,
		     FILE *to);
/* The same as one JSON object: group, sort, rows, others, total. */
void top_print_json(const struct top_table *table, const struct top_query *query, guint limit,
		    FILE *to);

#endif
