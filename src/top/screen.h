/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal by way of ncurses. One at a time. */
#ifndef WEIR_TOP_SCREEN_H
#define WEIR_TOP_SCREEN_H

#include <stdbool.h>

#include "top/grid.h"

struct top_screen;

/* Standard output must be a terminal that knows more than lines; keys come from standard input or,
 * where that is something else, from the controlling terminal. */
struct top_screen *top_screen_open(GError **error);
/* The terminal is as it was found. */
void top_screen_close(struct top_screen *screen);

/* What makes the terminal itself again, for whoever must end without top_screen_close(); good as
 * long as the screen. */
const char *top_screen_leave(const struct top_screen *screen);

void top_screen_size(const struct top_screen *screen, guint *ret_rows, guint *ret_columns);
/* utf8: characters beyond ASCII can be shown. */
void top_screen_show(struct top_screen *screen, const struct top_grid *grid, bool utf8);
/* Waits for a key, for something to read at fd or for the time in milliseconds. False: the terminal
 * is gone. */
bool top_screen_wait(struct top_screen *screen, int fd, int milliseconds);
/* A character or enum top_key_code; 0: no more for now. */
guint32 top_screen_key(struct top_screen *screen);

#endif
