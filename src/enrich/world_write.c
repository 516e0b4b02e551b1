/* SPDX-License-Identifier: BSD-2-Clause */
/* What a database says of an entry, under the paths that MaxMind's own use, so that every reader
 * finds it; what they have no path for is under "weir". */
#include <stdlib.h>

#include "enrich/world_continents.h"
#include "enrich/world_parts.h"

/* Where the user's own ranges say nothing: the source made last, if it names a country. Of equally
 * old ones the countries' file, which is checked by more eyes. */
static const char *country_of(const struct world *world, const struct world_entry *entry,
			      const struct world_cells *own, char *letters)
{
	enum world_source source = WORLD_COUNTRIES;

	if (own && own->texts[WORLD_OWN_COUNTRY])
		return own->texts[WORLD_OWN_COUNTRY];
	if (world->made[WORLD_NETWORKS] > world->made[WORLD_COUNTRIES])
		source = WORLD_NETWORKS;
	if (!entry->countries[source].letters[0])
		source = source == WORLD_NETWORKS ? WORLD_COUNTRIES : WORLD_NETWORKS;
	letters[0] = entry->countries[source].letters[0];
	letters[1] = entry->countries[source].letters[1];
	letters[2] = '\0';
	return letters[0] ? letters : NULL;
}

static const struct mmdb_value *text_of(struct world *world, const char *text)
{
	return text ? mmdb_utf8(world->values, text) : NULL;
}

static const struct mmdb_value *cell(struct world *world, const struct world_cells *own,
				     enum world_own column)
{
	return own ? text_of(world, own->texts[column]) : NULL;
}

static const struct mmdb_value *degrees(struct world *world, const struct world_cells *own,
					enum world_own column)
{
	if (!own || !own->texts[column])
		return NULL;
	return mmdb_double(world->values, g_ascii_strtod(own->texts[column], NULL));
}

/* NULL when none of its pairs has a value. */
static const struct mmdb_value *map_of(struct world *world, const struct mmdb_pair *pairs,
				       gsize count)
{
	bool any = false;

	for (gsize i = 0; i < count; i++)
		any |= pairs[i].value != NULL;
	return any ? mmdb_map(world->values, pairs, count) : NULL;
}

static const struct mmdb_value *map_of_one(struct world *world, const char *key,
					   const struct mmdb_value *value)
{
	const struct mmdb_pair pair = { key, value };

	return map_of(world, &pair, 1);
}

static guint32 as_number_of(const struct world_entry *entry, const struct world_cells *own)
{
	const char *text = own ? own->texts[WORLD_OWN_AS_NUMBER] : NULL;

	return text ? (guint32)strtoul(text, NULL, 10) : entry->as_number;
}

static const struct mmdb_value *as_name_of(struct world *world, const struct world_cells *own,
					   guint32 number)
{
	const struct mmdb_value *name = cell(world, own, WORLD_OWN_AS_NAME);

	return name ? name : g_hash_table_lookup(world->as_names, GUINT_TO_POINTER(number));
}

/* NULL: nothing is known. */
static const struct mmdb_value *meaning_of(struct world *world, const struct world_entry *entry)
{
	const struct world_cells *own =
		entry->own ? interned_at(world->owns, entry->own - 1) : NULL;
	guint32 number = as_number_of(entry, own);
	char letters[3];
	const char *country = country_of(world, entry, own, letters);
	const struct mmdb_value *city = cell(world, own, WORLD_OWN_CITY);
	const struct mmdb_pair location[] = {
		{ "latitude", degrees(world, own, WORLD_OWN_LATITUDE) },
		{ "longitude", degrees(world, own, WORLD_OWN_LONGITUDE) },
	};
	const struct mmdb_pair weir[] = {
		{ "label", cell(world, own, WORLD_OWN_LABEL) },
		{ "site", cell(world, own, WORLD_OWN_SITE) },
	};
	const char *continent = country ? world_continent(country) : NULL;
	const struct mmdb_pair all[] = {
		{ "autonomous_system_number", number ? mmdb_uint32(world->values, number) : NULL },
		{ "autonomous_system_organization", as_name_of(world, own, number) },
		{ "city", map_of_one(world, "names", map_of_one(world, "en", city)) },
		{ "continent", map_of_one(world, "code", text_of(world, continent)) },
		{ "country", map_of_one(world, "iso_code", text_of(world, country)) },
		{ "location", map_of(world, location, G_N_ELEMENTS(location)) },
		{ "weir", map_of(world, weir, G_N_ELEMENTS(weir)) },
	};

	return map_of(world, all, G_N_ELEMENTS(all));
}

static char *day_of(gint64 made)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(made);

	return made && time ? g_date_time_format(time, "%Y-%m-%d") : g_strdup("an unknown day");
}

/* The licence asks for who made the data, under what licence, and that it was changed. */
static char *description_of(const struct world *world)
{
	g_autofree char *countries = day_of(world->made[WORLD_COUNTRIES]);
	g_autofree char *networks = day_of(world->made[WORLD_NETWORKS]);
	bool own = interned_count(world->owns) > 0;

	if (!world->is_of_the_world)
		return g_strdup("Own ranges, by weir geo build");
	return g_strdup_printf(
		"Countries, autonomous systems%s: IPFire Location database, countries of %s, "
		"networks of %s (https://location.ipfire.org/), by IPFire Development Team, "
		"CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/); converted and "
		"joined by weir",
		own ? " and own ranges" : "", countries, networks);
}

static guint32 same_meaning(guint32 number, void *data)
{
	return ((const guint32 *)data)[number];
}

/* Entries that differ in what is not written are one from now on, and so are their networks. */
static void join_equals(struct world *world, const struct mmdb_value *const *meaning)
{
	static const char *const everywhere[] = { "0.0.0.0/0", "::/0" };
	g_autoptr(GHashTable) first = g_hash_table_new(NULL, NULL);
	guint32 count = interned_count(world->entries);
	g_autofree guint32 *numbers = g_new0(guint32, count);
	struct mmdb_range range = { 0 };

	for (guint32 i = 1; i < count; i++) {
		gpointer known;

		if (!meaning[i])
			continue;
		known = g_hash_table_lookup(first, meaning[i]);
		numbers[i] = known ? GPOINTER_TO_UINT(known) : i;
		if (!known)
			g_hash_table_insert(first, (gpointer)meaning[i], GUINT_TO_POINTER(i));
	}
	for (guint i = 0; i < G_N_ELEMENTS(everywhere); i++) {
		mmdb_range_parse(everywhere[i], &range);
		mmdb_tree_change(world->tree, &range, same_meaning, numbers);
	}
}

bool world_write(struct world *world, const char *path, guint64 build_epoch,
		 struct mmdb_size *ret_size, GError **error)
{
	static const char *const languages[] = { "en", NULL };
	g_autofree char *description = description_of(world);
	g_autofree const struct mmdb_value **meaning =
		g_new0(const struct mmdb_value *, interned_count(world->entries));
	const struct mmdb_info info = {
		.database_type = world->is_of_the_world ? "weir-Country-ASN" : "weir-Own",
		.description = description,
		.languages = languages,
		.build_epoch = build_epoch,
	};
	const struct mmdb_content content = { world->tree, world->values, meaning };

	for (guint32 i = 0; i < interned_count(world->entries); i++)
		meaning[i] = meaning_of(world, interned_at(world->entries, i));
	join_equals(world, meaning);
	return mmdb_write(&content, &info, path, ret_size, error);
}
