/* SPDX-License-Identifier: BSD-2-Clause */
/* What whoever looks has chosen, and what keys do to that. */
#ifndef WEIR_TOP_UI_H
#define WEIR_TOP_UI_H

#include "top/filter.h"
#include "top/table.h"

/* Beside characters. */
enum top_key_code {
	TOP_KEY_UP = 0x110000,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_BACKSPACE,
};

#define TOP_KEY_ENTER  '\n'
#define TOP_KEY_ESCAPE 0x1b

enum top_mode {
	TOP_BROWSING,
	TOP_FILTERING,
	TOP_HELPING,
};

/* Where Backspace goes. */
struct top_place {
	enum top_group group;
	struct top_key key;
};

struct top_ui {
	struct top_query query;
	bool rates; /* the source has some, to sort by */
	enum top_mode mode;
	GString *input;	 /* of the filter, while it is typed */
	GString *filter; /* the text in force */
	struct top_filter *taken;
	struct top_place places[TOP_CONDITIONS]; /* one for each condition of the query */
	/* Which row is chosen: the one of this key if there is one, else the one at this place. */
	bool follows;
	struct top_key key;
	guint at;
	guint offset; /* of the first row shown */
	guint page;   /* rows shown at a time */
	bool paused;
	bool quits;
};

struct top_ui *top_ui_new(enum top_group group, enum top_sort sort, const char *filter, bool rates);
void top_ui_free(struct top_ui *ui);

/* table: what was shown when the key was typed. */
void top_ui_key(struct top_ui *ui, const struct top_table *table, guint32 key);
/* Finds the chosen row in a new table, and what part of it a page of so many rows shows. */
void top_ui_settle(struct top_ui *ui, const struct top_table *table, guint page);

#endif
