/* SPDX-License-Identifier: BSD-2-Clause */
/* When to draw, and what of the past a frame needs. */
#include "setup/live_view.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "setup/live_frame.h"

#define LOOK_US	 (G_USEC_PER_SEC / 10)
#define DRAW_US	 G_USEC_PER_SEC
#define RATE_US	 (G_USEC_PER_SEC / 2) /* a shorter time says little of a rate */
#define SAID_MAX 100

struct live_view {
	struct terminal *terminal;
	char *title;
	char *hint;
	gint64 began;
	gint64 next_look;
	gint64 next_draw;
	struct terminal_size size; /* of the last frame */

	gint64 counted; /* when `seen` was */
	struct account_seen seen;
	double packets_s;
	double bits_s;

	GPtrArray *said; /* since the first frame: told at the end, when nothing hides it */
	guint64 flows_count;
	struct live_flow flows[LIVE_FLOWS];
};

/* Too many messages: the first ones tell what began it. */
static void on_line(void *data, const char *line)
{
	struct live_view *view = data;

	if (view->said->len == SAID_MAX)
		g_ptr_array_remove_index(view->said, SAID_MAX - 1);
	g_ptr_array_add(view->said, g_strdup(line));
}

struct live_view *live_view_new(struct terminal *terminal, const char *title, const char *hint)
{
	struct live_view *view = g_new0(struct live_view, 1);

	view->terminal = terminal;
	view->title = g_strdup(title);
	view->hint = g_strdup(hint);
	view->began = g_get_monotonic_time();
	view->packets_s = -1;
	view->said = g_ptr_array_new_with_free_func(g_free);
	return view;
}

void live_view_free(struct live_view *view)
{
	if (!view)
		return;
	terminal_free(view->terminal);
	log_divert(NULL, NULL);
	for (guint i = 0; i < view->said->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(view->said, i));
	g_ptr_array_free(view->said, TRUE);
	g_free(view->title);
	g_free(view->hint);
	g_free(view);
}

void live_view_take(struct live_view *view, const struct flow_batch *batch)
{
	if (!view)
		return;
	for (size_t i = 0; i < batch->count; i++)
		view->flows[view->flows_count++ % LIVE_FLOWS] = live_flow_of(&batch->records[i]);
}

bool live_view_due(struct live_view *view)
{
	gint64 now = g_get_monotonic_time();
	struct terminal_size size;

	if (!view || now < view->next_look)
		return false;
	view->next_look = now + LOOK_US;
	if (!terminal_ready(view->terminal))
		return false;
	size = terminal_size(view->terminal);
	return now >= view->next_draw || size.rows != view->size.rows ||
	       size.columns != view->size.columns;
}

static void measure(struct live_view *view, const struct account_seen *seen, gint64 now)
{
	double seconds = (double)(now - view->counted) / G_USEC_PER_SEC;

	if (view->counted && now - view->counted < RATE_US)
		return;
	if (view->counted) {
		view->packets_s = (double)(seen->packets - view->seen.packets) / seconds;
		view->bits_s = (double)(seen->frame_octets - view->seen.frame_octets) * 8 / seconds;
	}
	view->counted = now;
	view->seen = *seen;
}

void live_view_draw(struct live_view *view, const struct account *account)
{
	gint64 now = g_get_monotonic_time();
	struct live_frame frame = {
		.title = view->title,
		.hint = view->hint,
		.run_us = now - view->began,
		.account = account,
		.flows = view->flows,
		.flows_count = view->flows_count,
	};
	GString *text;

	/* Messages to a file or a pipe are no harm to the screen. */
	if (view->next_draw == 0 && isatty(STDERR_FILENO))
		log_divert(on_line, view);
	measure(view, &account->seen, now);
	frame.packets_s = view->packets_s;
	frame.bits_s = view->bits_s;
	if (view->said->len > 0)
		frame.said = g_ptr_array_index(view->said, view->said->len - 1);
	view->size = terminal_size(view->terminal);
	view->next_draw = now + DRAW_US;
	text = live_frame_draw(&frame, view->size.rows, view->size.columns);
	terminal_show(view->terminal, text->str, text->len);
	g_string_free(text, TRUE);
}

void live_view_leave(struct live_view *view)
{
	if (view)
		terminal_leave(view->terminal);
}
