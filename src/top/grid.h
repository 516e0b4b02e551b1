/* SPDX-License-Identifier: BSD-2-Clause */
/* What a screen shows, before it does: characters and how they look. */
#ifndef WEIR_TOP_GRID_H
#define WEIR_TOP_GRID_H

#include <glib.h>

enum top_look {
	TOP_PLAIN,
	TOP_STRONG,
	TOP_FAINT,
	TOP_BAR, /* headings */
	TOP_SELECTED,
	TOP_GRAPH,
	TOP_GOOD,
	TOP_BAD,
	TOP_LOOKS,
};

struct top_cell {
	gunichar character; /* 0: the right half of the one before */
	enum top_look look;
};

struct top_grid {
	guint rows;
	guint columns;
	struct top_cell *cells; /* row after row */
};

/* All blank. */
struct top_grid *top_grid_new(guint rows, guint columns);
void top_grid_free(struct top_grid *grid);

/* A whole row in one look, without changing what stands there. */
void top_grid_look(struct top_grid *grid, guint row, enum top_look look);
/* UTF-8; what is no character that can be seen becomes '?'. Clipped to the width and to the grid.
 * Returns the columns taken. */
guint top_grid_put(struct top_grid *grid, guint row, guint column, guint width, const char *text);
/* The same, ending before that column. */
void top_grid_put_right(struct top_grid *grid, guint row, guint end, guint width, const char *text);
void top_grid_set(struct top_grid *grid, guint row, guint column, gunichar character,
		  enum top_look look);
/* Columns that a text takes. */
guint top_grid_width(const char *text);
/* A row as UTF-8 without blanks at its end; free with g_free. */
char *top_grid_row(const struct top_grid *grid, guint row);

#endif
