/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdio.h>

static log_taker *diverted;
static void *diverted_data;

void log_divert(log_taker *taker, void *data)
{
	diverted = taker;
	diverted_data = data;
}

void log_line(const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	line = g_strconcat("weir: ", text, NULL);
	/* Names of files are the user's: nothing in them shall steer the terminal. */
	for (char *c = line; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	if (diverted)
		diverted(diverted_data, line);
	else
		fprintf(stderr, "%s\n", line);
}

void log_error(GError *error)
{
	if (!error)
		return;
	log_line("%s", error->message);
	g_error_free(error);
}
