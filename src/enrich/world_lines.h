/* SPDX-License-Identifier: BSD-2-Clause */
/* A text file of any length, line by line, in bounded memory. */
#ifndef WEIR_ENRICH_WORLD_LINES_H
#define WEIR_ENRICH_WORLD_LINES_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#define WORLD_LINE_MAX 65536

struct world_lines {
	FILE *stream;
	const char *name; /* in errors */
	guint64 number;	  /* of the line, from 1 on */
	guint column;	  /* in errors, unless 0 */
	bool failed;
	char line[WORLD_LINE_MAX + 2]; /* without its end; the reader's to cut up */
};

/* False at the end, or when failed is set and the error with it: it cannot be read, or a line is
 * too long. */
bool world_lines_next(struct world_lines *lines, GError **error);
/* An error about the line read last; false. */
bool world_lines_refuse(const struct world_lines *lines, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* "# Generated: Sat, 29 Oct 2022 05:59:54 GMT", as both sources begin; 0: not such a line. */
gint64 world_lines_made(const struct world_lines *lines);

#endif
