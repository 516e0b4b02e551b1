/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/show.h"

#define LOOK_MS	 200		      /* for signals, and a window of another size */
#define TABLE_US (G_USEC_PER_SEC / 4) /* a table is made at most so often unless a key asks */

struct show {
	struct top_screen *screen;
	struct top_desk *desk;
	const struct top_show_options *options;
	struct top_ui *ui;
	struct top_table *table; /* of the last drawing */
	gint64 made;		 /* when that was */
	bool stale;		 /* there is something newer */
	guint rows;
	guint columns;
};

static void draw(struct show *show)
{
	struct top_desk *desk = show->desk;
	struct top_page page = { .ui = show->ui, .utf8 = show->options->utf8 };
	struct top_grid *grid;

	top_screen_size(show->screen, &show->rows, &show->columns);
	top_table_free(show->table);
	top_desk_lock(desk);
	show->table = top_table_new(desk->model, &show->ui->query);
	top_ui_settle(show->ui, show->table, top_page_rows(show->rows));
	page.table = show->table;
	page.source = desk->source;
	page.state = desk->state;
	page.trouble = desk->trouble;
	page.rates = desk->rates;
	page.turn_ns = top_model_turn_ns(desk->model);
	page.account = desk->account;
	page.history = &desk->history;
	grid = top_page_draw(&page, show->rows, show->columns);
	top_desk_unlock(desk, false);
	top_screen_show(show->screen, grid, page.utf8);
	top_grid_free(grid);
	show->made = g_get_monotonic_time();
	show->stale = false;
}

static bool is_resized(const struct show *show)
{
	guint rows;
	guint columns;

	top_screen_size(show->screen, &rows, &columns);
	return rows != show->rows || columns != show->columns;
}

/* True: some key was typed. */
static bool take_keys(struct show *show)
{
	bool paused = show->ui->paused;
	guint32 key = top_screen_key(show->screen);
	bool typed = key != 0;

	/* Each of them is about what the one before made of the screen. */
	for (; key && !show->ui->quits; key = top_screen_key(show->screen)) {
		top_ui_key(show->ui, show->table, key);
		draw(show);
	}
	if (show->ui->paused != paused)
		top_desk_pause(show->desk, show->ui->paused);
	return typed;
}

static int milliseconds_to_go(const struct show *show)
{
	gint64 left = show->made + TABLE_US - g_get_monotonic_time();

	return show->stale ? (int)CLAMP(left / 1000 + 1, 0, LOOK_MS) : LOOK_MS;
}

static bool turn(struct show *show)
{
	/* Nothing is to be heard of what is newer before it can be drawn. */
	if (!top_screen_wait(show->screen, show->stale ? -1 : top_desk_fd(show->desk),
			     milliseconds_to_go(show)))
		return false;
	show->stale |= top_desk_is_new(show->desk);
	if (!take_keys(show) &&
	    (is_resized(show) || (show->stale && g_get_monotonic_time() >= show->made + TABLE_US)))
		draw(show);
	return !show->ui->quits && !show->options->stop();
}

void top_show(struct top_screen *screen, struct top_desk *desk,
	      const struct top_show_options *options)
{
	struct show show = {
		.screen = screen,
		.desk = desk,
		.options = options,
		.ui = top_ui_new(options->group, options->sort, options->filter, desk->rates),
	};

	draw(&show);
	while (turn(&show))
		;
	top_table_free(show.table);
	top_ui_free(show.ui);
}
