/* SPDX-License-Identifier: BSD-2-Clause */
/* A section [exporter NAME] is a destination: "to" is its URL, and every option that may stand in
 * the query of a URL may be a key of its own instead. The two become one URL, so that nothing else
 * has to know of them; the name is what messages call it. */
#include <string.h>

#include "base/nearest.h"
#include "export/destination_url.h"
#include "setup/config_parts.h"

#define EXPORTER  "exporter"
#define PLACE	  "to"
#define NAME_MOST 64

bool config_is_exporter(const char *section)
{
	return g_str_has_prefix(section, EXPORTER) &&
	       (section[strlen(EXPORTER)] == '\0' || section[strlen(EXPORTER)] == ' ');
}

static bool is_good_name(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (g_ascii_iscntrl(*c) || *c == '"')
			return false;
	}
	return *name && strlen(name) <= NAME_MOST;
}

static void unknown_key(struct config *config, const char *section, const char *key, char **keys)
{
	guint line = config_line(config, section, key);
	g_autofree char *list = g_strjoinv(", ", keys);
	const char *nearest = nearest_name(key, (const char *const *)keys);

	if (!nearest && nearest_name(key, (const char *const[]){ PLACE, NULL }))
		nearest = PLACE;
	if (nearest)
		config_fault(config, line, "unknown key '%s' in [%s]; did you mean '%s'?", key,
			     section, nearest);
	else
		config_fault(config, line,
			     "unknown key '%s' in [%s]; there are " PLACE " and the options of a "
			     "destination: %s",
			     key, section, list);
}

/* The URL with every other key of the section in its query; NULL: some key is wrong, which is told.
 */
static char *url_of(struct config *config, const char *section)
{
	g_auto(GStrv) known = destination_url_keys();
	g_auto(GStrv) keys = g_key_file_get_keys(config->keys, section, NULL, NULL);
	const guint before = config->faults->len;
	char *url;

	if (!g_strv_contains((const char *const *)keys, PLACE)) {
		config_fault(config, config_line(config, section, NULL),
			     "[%s] does not say where to; add '" PLACE " = URL', as in " PLACE
			     " = ipfix+tcp://collector:4739",
			     section);
		return NULL;
	}
	url = config_text(config, section, PLACE);
	for (guint i = 0; keys[i]; i++) {
		g_autofree char *before_it = NULL;
		g_autofree char *value = NULL;

		if (strcmp(keys[i], PLACE) == 0)
			continue;
		if (!g_strv_contains((const char *const *)known, keys[i])) {
			unknown_key(config, section, keys[i], known);
			continue;
		}
		value = config_text(config, section, keys[i]);
		if (!value || !url)
			continue;
		before_it = url;
		url = destination_url_with(before_it, keys[i], value);
	}
	if (config->faults->len > before)
		g_clear_pointer(&url, g_free);
	return url;
}

/* The line at fault is that of the key, or where the URL itself is wrong, of that. */
static bool is_good_url(struct config *config, const char *section, const char *name,
			const char *url)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *key = NULL;
	struct destination_url parsed;
	guint line;

	if (destination_url_parse_as(url, name, &parsed, &key, &error)) {
		destination_url_clear(&parsed);
		return true;
	}
	line = key ? config_line(config, section, key) : 0;
	config_fault(config, line ? line : config_line(config, section, PLACE), "%s",
		     error->message);
	return false;
}

void config_read_exporter(struct config *config, const char *section)
{
	const char *name = section + strlen(EXPORTER);
	guint line = config_line(config, section, NULL);
	g_autofree char *url = NULL;

	name += strspn(name, " ");
	if (!is_good_name(name)) {
		config_fault(config, line,
			     "[%s]: write [" EXPORTER " NAME], the name of up to %d characters",
			     section, NAME_MOST);
		return;
	}
	url = url_of(config, section);
	if (url && is_good_url(config, section, name, url))
		options_add_exporter(config->options, name, url,
				     config_line(config, section, PLACE));
}
