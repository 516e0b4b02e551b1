/* SPDX-License-Identifier: BSD-2-Clause */
/* What a row of the table says, and which of it there is room for. */
#ifndef WEIR_TOP_COLUMNS_H
#define WEIR_TOP_COLUMNS_H

#include "top/table.h"

struct top_column_facts {
	const struct top_sums *total;
	guint64 turn_ns; /* 0: there are no rates yet */
};

struct top_column {
	const char *heading;
	guint width;
	enum top_sort sort; /* that goes by it; TOP_SORTS: none does */
	/* Free with g_free. */
	char *(*text)(const struct top_sums *sums, const struct top_column_facts *facts);
};

struct top_column_place {
	const struct top_column *column;
	guint end; /* the screen's column behind it */
};

#define TOP_COLUMNS 16

struct top_columns {
	guint label_width;
	guint count;
	struct top_column_place places[TOP_COLUMNS];
};

/* rates: of the last turn; else shares of the total. The sort's own column is always there where
 * there is room for one. */
struct top_columns top_columns_for(const struct top_query *query, bool rates, guint width);

#endif
