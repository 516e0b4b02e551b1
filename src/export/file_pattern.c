/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversions are those that sort, and few, so that the escapes of a URL stay recognizable: of
 * the letters only "d" and "F" could begin an escape as well, and escapes may be written with the
 * other case of these. */
#include "export/file_pattern.h"

#include <stdbool.h>
#include <string.h>

#define CONVERSIONS "YymdjHMSsFT"

static bool is_conversion(char letter)
{
	return letter != '\0' && strchr(CONVERSIONS, letter) != NULL;
}

/* What stands after a "%" of the pattern. */
static bool is_pattern_letter(char letter)
{
	return letter == '%' || is_conversion(letter);
}

static bool is_escape(const char *at, const char *end)
{
	return end - at >= 3 && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2]);
}

/* One octet of the path; false: a stray "%". An escaped "%" may begin a conversion. */
static bool take_one(const char **path, const char *end, GString *pattern)
{
	const char *at = *path;
	char octet = *at;

	*path = at + 1;
	if (octet == '%' && is_escape(at, end) && !is_conversion(at[1])) {
		octet = (char)(g_ascii_xdigit_value(at[1]) << 4 | g_ascii_xdigit_value(at[2]));
		*path = at + 3;
	}
	if (octet == '\0')
		return false;
	g_string_append_c(pattern, octet);
	if (octet != '%')
		return true;
	/* Its letter; the second "%" of a literal one may be escaped, too. */
	at = *path;
	if (end - at >= 3 && strncmp(at, "%25", 3) == 0)
		*path = at + 3;
	else if (at < end && is_pattern_letter(*at))
		*path = at + 1;
	else
		return false;
	g_string_append_c(pattern, *at);
	return true;
}

char *file_pattern_unescape(const char *path, const char *end)
{
	GString *pattern = g_string_new(NULL);

	while (path < end) {
		if (!take_one(&path, end, pattern)) {
			g_string_free(pattern, TRUE);
			return NULL;
		}
	}
	return g_string_free(pattern, FALSE);
}

static void append_conversion(GString *name, char letter, guint64 seconds)
{
	const char format[] = { '%', letter, '\0' };
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)seconds);
	g_autofree char *text = time != NULL ? g_date_time_format(time, format) : NULL;

	if (text != NULL)
		g_string_append(name, text);
	else /* beyond the year 9999 */
		g_string_append_printf(name, "%" G_GUINT64_FORMAT, seconds);
}

static void append_expanded(GString *name, const char *pattern, const char *end, guint64 seconds)
{
	for (const char *at = pattern; at < end; at++) {
		if (*at != '%')
			g_string_append_c(name, *at);
		else if (*++at == '%')
			g_string_append_c(name, '%');
		else
			append_conversion(name, *at, seconds);
	}
}

static bool is_suffix(const char *from, const char *end)
{
	for (const char *at = from + 1; at < end; at++) {
		if (!g_ascii_isalnum(*at))
			return false;
	}
	return end - from > 1;
}

/* Where ".json" or ".json.gz" begins; programs tell files by it, so it stays at the end. */
static const char *suffix_of(const char *pattern)
{
	const char *slash = strrchr(pattern, '/');
	const char *base = slash != NULL ? slash + 1 : pattern;
	const char *end = base + strlen(base);
	const char *suffix = end;

	for (const char *at = end - 1; at > base; at--) {
		if (*at != '.')
			continue;
		if (!is_suffix(at, suffix))
			break;
		suffix = at;
		if (strcmp(at, ".gz") != 0)
			break;
	}
	return suffix;
}

char *file_pattern_name(const char *pattern, guint64 seconds, guint number)
{
	const char *suffix = suffix_of(pattern);
	GString *name = g_string_new(NULL);

	append_expanded(name, pattern, suffix, seconds);
	/* An underscore sorts after the dot: the first file comes first. */
	if (number > 0)
		g_string_append_printf(name, "_%03u", number);
	g_string_append(name, suffix);
	return g_string_free(name, FALSE);
}

char *file_pattern_folder(const char *pattern)
{
	g_autofree char *fixed = g_strndup(pattern, strcspn(pattern, "%"));
	char *slash = strrchr(fixed, '/');

	if (slash == NULL)
		return g_strdup(".");
	slash[slash == fixed] = '\0';
	return g_steal_pointer(&fixed);
}
