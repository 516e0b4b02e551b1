/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines into a buffer of fixed size: a file without line ends must not fill the memory. */
#include "enrich/world_lines.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

#define GENERATED "# Generated:"

bool world_lines_refuse(const struct world_lines *lines, GError **error, const char *format, ...)
{
	g_autofree char *column =
		lines->column ? g_strdup_printf("%u: ", lines->column) : g_strdup(" ");
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_DAMAGED, "%s:%" G_GUINT64_FORMAT ":%s%s",
		    lines->name, MAX(lines->number, 1), column, what);
	return false;
}

bool world_lines_next(struct world_lines *lines, GError **error)
{
	size_t length;

	errno = 0;
	if (!fgets(lines->line, sizeof(lines->line), lines->stream)) {
		lines->failed = ferror(lines->stream);
		if (lines->failed)
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", lines->name,
				    g_strerror(errno));
		return false;
	}
	lines->number++;
	length = strlen(lines->line);
	if (length > WORLD_LINE_MAX) {
		lines->failed = true;
		return world_lines_refuse(lines, error,
					  "is longer than %d octets; is this a text file?",
					  WORLD_LINE_MAX);
	}
	while (length > 0 && (lines->line[length - 1] == '\n' || lines->line[length - 1] == '\r'))
		length--;
	lines->line[length] = '\0';
	return true;
}

static int month_of(const char *name)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *found = strlen(name) == 3 ? strstr(months, name) : NULL;

	return found && (found - months) % 3 == 0 ? (int)(found - months) / 3 + 1 : 0;
}

gint64 world_lines_made(const struct world_lines *lines)
{
	g_auto(GStrv) words = NULL;
	g_autoptr(GDateTime) time = NULL;
	guint64 numbers[5]; /* day, year, hour, minute, second */
	static const guint at[] = { 1, 3, 4, 5, 6 };

	if (!g_str_has_prefix(lines->line, GENERATED " "))
		return 0;
	words = g_strsplit_set(lines->line + strlen(GENERATED " "), " :", -1);
	if (g_strv_length(words) != 8)
		return 0;
	for (guint i = 0; i < G_N_ELEMENTS(at); i++) {
		if (!g_ascii_string_to_unsigned(words[at[i]], 10, 0, 9999, &numbers[i], NULL))
			return 0;
	}
	time = g_date_time_new_utc((int)numbers[1], month_of(words[2]), (int)numbers[0],
				   (int)numbers[2], (int)numbers[3], (double)numbers[4]);
	return time ? g_date_time_to_unix(time) : 0;
}
