/* SPDX-License-Identifier: BSD-2-Clause */
/* The view as a grid of characters, whatever its size. */
#ifndef WEIR_TOP_PAGE_H
#define WEIR_TOP_PAGE_H

#include "top/grid.h"
#include "top/history.h"
#include "top/ui.h"

/* The account of the source, in packets. */
struct top_account {
	bool known;
	bool settled; /* it is over, or a moment's: the balance says something */
	bool balanced;
	guint64 seen;
	guint64 metered;
	guint64 set_aside;
	guint64 dropped;
	guint64 in_cache_flows;
	/* Of so many flows the largest were looked at; as many as there are where none is left out.
	 */
	guint64 looked_at;
	guint64 of_flows;
};

struct top_page {
	const char *source; /* what is looked at */
	const char *state;  /* how that is */
	bool trouble;	    /* and it is not well */
	bool rates;	    /* of the last turn; else shares of the total are shown */
	bool utf8;
	guint64 turn_ns;
	struct top_account account;
	const struct top_history *history;
	const struct top_table *table;
	const struct top_ui *ui;
};

/* Rows of the table that a page of this height shows. */
guint top_page_rows(guint rows);
struct top_grid *top_page_draw(const struct top_page *page, guint rows, guint columns);

#endif
