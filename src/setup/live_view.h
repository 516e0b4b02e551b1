/* SPDX-License-Identifier: BSD-2-Clause */
/* The view of a live run on a terminal. It keeps a windowful of flows, draws a few times a second
 * at most, and never waits for the terminal. */
#ifndef WEIR_SETUP_LIVE_VIEW_H
#define WEIR_SETUP_LIVE_VIEW_H

#include "setup/account.h"
#include "setup/terminal.h"

struct live_view;

/* Takes the terminal. title and hint: see struct live_frame. */
struct live_view *live_view_new(struct terminal *terminal, const char *title, const char *hint);
/* Waits until the terminal is as it was; what was logged meanwhile is said. */
void live_view_free(struct live_view *view);

/* A run without a view gives NULL to all of these. */

/* Flows that just left. */
void live_view_take(struct live_view *view, const struct flow_batch *batch);
/* Whether it is time for a frame; to be asked several times a second. */
bool live_view_due(struct live_view *view);
/* Where live_view_due() has just said so. */
void live_view_draw(struct live_view *view, const struct account *account);
/* No more frames; never waits. */
void live_view_leave(struct live_view *view);

#endif
