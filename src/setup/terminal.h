/* SPDX-License-Identifier: BSD-2-Clause */
/* A terminal to draw frames on, which never makes the run wait: a frame that it does not take is
 * skipped. Whatever way the process ends, short of SIGKILL, the terminal is as it was found. */
#ifndef WEIR_SETUP_TERMINAL_H
#define WEIR_SETUP_TERMINAL_H

#include <glib.h>
#include <stdbool.h>

struct terminal;

struct terminal_size {
	guint rows;
	guint columns;
};

/* Changes nothing yet. NULL where no frames can be drawn: not a terminal, one that knows no control
 * sequences, or one that other processes have in the foreground. One at a time. */
struct terminal *terminal_open(int fd);
/* Leaves, and waits until the terminal has taken that. */
void terminal_free(struct terminal *terminal);

struct terminal_size terminal_size(const struct terminal *terminal);
/* False while the terminal has not taken the last frame yet, or is not ours to draw on. */
bool terminal_ready(struct terminal *terminal);
/* Draws, where terminal_ready() has just said so: the screen of its own is entered first. */
void terminal_show(struct terminal *terminal, const char *frame, size_t length);
/* Back to the screen as it was found, as far as the terminal takes it without waiting. */
void terminal_leave(struct terminal *terminal);

/* How the terminal is, before who draws on it by other means changes it. */
void terminal_remember(int fd);
/* Who draws on the terminal by other means wants it restored all the same, with this text, when the
 * process ends in the midst of it. Not while there is a struct terminal. */
void terminal_borrow(const char *leave);
/* It was restored. */
void terminal_return(void);

/* The same at once, for a process about to end: may be called by a signal handler. */
void terminal_restore(void);

#endif
