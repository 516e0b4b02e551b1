/* SPDX-License-Identifier: BSD-2-Clause */
/* A key's text, the line it is on, and what is wrong with it. */
#include <string.h>

#include "setup/config_parts.h"

void config_fault(struct config *config, guint line, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list values;

	va_start(values, format);
	text = g_strdup_vprintf(format, values);
	va_end(values);
	g_ptr_array_add(config->faults, g_strdup_printf("%s:%u: %s", config->name, line, text));
}

guint config_line(const struct config *config, const char *section, const char *key)
{
	g_autofree char *place = key ? g_strdup_printf("%s\n%s", section, key) : g_strdup(section);

	return GPOINTER_TO_UINT(g_hash_table_lookup(config->lines, place));
}

/* GKeyFile's own check is no use: a second bad escape is set over its first error. */
static bool escapes_good(const char *raw, bool list)
{
	for (const char *c = strchr(raw, '\\'); c; c = strchr(c + 2, '\\')) {
		if (!c[1] || !strchr(list ? "sntr\\;" : "sntr\\", c[1]))
			return false;
	}
	return true;
}

bool config_escapes_good(struct config *config, const char *section, const char *key, bool list)
{
	g_autofree char *raw = g_key_file_get_value(config->keys, section, key, NULL);

	if (escapes_good(raw, list))
		return true;
	config_fault(config, config_line(config, section, key),
		     "%s: the backslash begins no escape; write \\\\ for a backslash", key);
	return false;
}

char *config_text(struct config *config, const char *section, const char *key)
{
	char *text;

	if (!config_escapes_good(config, section, key, false))
		return NULL;
	text = g_key_file_get_string(config->keys, section, key, NULL);
	return text ? g_strstrip(text) : g_strdup("");
}
