/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a run is: one line on a terminal, drawn over and over, gone at the end. */
#ifndef WEIR_SETUP_PROGRESS_H
#define WEIR_SETUP_PROGRESS_H

#include <glib.h>
#include <stdio.h>

struct progress;

/* Monotonic time in microseconds. */
typedef gint64 progress_clock(void);

struct progress *progress_new(FILE *to, progress_clock *clock);
/* Wipes the line, if one was drawn. */
void progress_free(struct progress *progress);

/* Draws at most five times a second, and not in the first half second, so that short runs stay
 * still. data is the progress; size is 0 where it is not known. */
void progress_report(void *data, const char *file, guint64 offset, guint64 size, guint64 packets);

struct progress_state {
	const char *file;
	guint64 offset; /* of the file */
	guint64 size;
	guint64 packets; /* of the run */
	gint64 file_us;	 /* since this file began */
	gint64 run_us;	 /* since the run began */
};

/* The line, without its controls, cut to a width in columns; free with g_free. */
char *progress_line(const struct progress_state *state, size_t width);

#endif
