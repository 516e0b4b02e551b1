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

/* The keys that may go into the query of the URL, with their values; those that are wrong are told.
 */
static void take_keys(struct config *config, const char *section, GPtrArray *names,
		      GPtrArray *values)
{
	g_auto(GStrv) known = destination_url_keys();
	g_auto(GStrv) keys = g_key_file_get_keys(config->keys, section, NULL, NULL);

	for (guint i = 0; keys[i]; i++) {
		char *value;

		if (strcmp(keys[i], PLACE) == 0)
			continue;
		if (!g_strv_contains((const char *const *)known, keys[i])) {
			unknown_key(config, section, keys[i], known);
			continue;
		}
		value = config_text(config, section, keys[i]);
		if (!value)
			continue;
		g_ptr_array_add(names, g_strdup(keys[i]));
		g_ptr_array_add(values, value);
	}
}

static char *join(const char *place, const GPtrArray *names, const GPtrArray *values)
{
	char *url = g_strdup(place);

	for (guint i = 0; i < names->len; i++) {
		g_autofree char *before = url;

		url = destination_url_with(before, g_ptr_array_index(names, i),
					   g_ptr_array_index(values, i));
	}
	return url;
}

/* Where it is an option that is wrong, ret_key is that. */
static bool is_good_url(struct config *config, const char *section, const char *name,
			const char *url, char **ret_key)
{
	g_autoptr(GError) error = NULL;
	struct destination_url parsed;
	guint line;

	if (destination_url_parse_as(url, name, &parsed, ret_key, &error)) {
		destination_url_clear(&parsed);
		return true;
	}
	line = *ret_key ? config_line(config, section, *ret_key) : 0;
	config_fault(config, line ? line : config_line(config, section, PLACE), "%s",
		     error->message);
	return false;
}

static bool drop(const char *key, GPtrArray *names, GPtrArray *values)
{
	guint at;

	if (!key || !g_ptr_array_find_with_equal_func(names, key, g_str_equal, &at))
		return false;
	g_ptr_array_remove_index(names, at);
	g_ptr_array_remove_index(values, at);
	return true;
}

/* NULL: something is wrong, all of which is told: an option that is wrong is left out of the next
 * attempt. */
static char *url_of(struct config *config, const char *section, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *place = NULL;
	const guint before = config->faults->len;

	take_keys(config, section, names, values);
	if (!config_line(config, section, PLACE)) {
		config_fault(config, config_line(config, section, NULL),
			     "[%s] does not say where to; add '" PLACE " = URL', as in " PLACE
			     " = ipfix+tcp://collector:4739",
			     section);
		return NULL;
	}
	place = config_text(config, section, PLACE);
	while (place) {
		g_autofree char *url = join(place, names, values);
		g_autofree char *key = NULL;

		if (is_good_url(config, section, name, url, &key))
			return config->faults->len == before ? g_steal_pointer(&url) : NULL;
		if (!drop(key, names, values))
			break;
	}
	return NULL;
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
	url = url_of(config, section, name);
	if (url)
		options_add_exporter(config->options, name, url,
				     config_line(config, section, PLACE));
}
