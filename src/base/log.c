/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdio.h>

void log_line(const char *format, ...)
{
	g_autofree char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	/* Names of files are the user's: nothing in them shall steer the terminal. */
	for (char *c = line; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	fprintf(stderr, "weir: %s\n", line);
}

void log_error(GError *error)
{
	if (!error)
		return;
	log_line("%s", error->message);
	g_error_free(error);
}
