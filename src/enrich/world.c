/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sources say of the same addresses is kept side by side, in one entry for all addresses
 * of which they say the same; the tree has the entries' numbers. Which source is right is decided
 * when all is known, so the order of reading does not matter. */
#include "enrich/world.h"

#include <string.h>

#include "enrich/world_parts.h"

struct world *world_new(void)
{
	struct world *world = g_new0(struct world, 1);
	struct world_entry none = { 0 };

	world->tree = mmdb_tree_new();
	world->values = mmdb_values_new();
	world->entries = interned_new(sizeof(struct world_entry));
	world->owns = interned_new(sizeof(struct world_cells));
	world->texts = g_string_chunk_new(4096);
	world->as_names = g_hash_table_new(NULL, NULL);
	interned_number(world->entries, &none); /* 0: of what nobody speaks */
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	mmdb_tree_free(world->tree);
	mmdb_values_free(world->values);
	interned_free(world->entries);
	interned_free(world->owns);
	g_string_chunk_free(world->texts);
	g_hash_table_destroy(world->as_names);
	g_free(world);
}

void world_set_made(struct world *world, enum world_source source, gint64 made)
{
	world->made[source] = made;
}

gint64 world_made(const struct world *world, enum world_source source)
{
	return world->made[source];
}

void world_name_as(struct world *world, guint32 number, const char *name)
{
	g_hash_table_insert(world->as_names, GUINT_TO_POINTER(number),
			    (gpointer)mmdb_utf8(world->values, name));
}

/* One thing said of a range. Neighbours mostly had the same before, and so have the same now. */
struct saying {
	struct world *world;
	void (*say)(const struct saying *saying, struct world_entry *entry);
	struct world_country country;
	guint32 as_number;
	const char *const *cells;
	guint32 last_before;
	guint32 last_after;
};

static guint32 change_entry(guint32 number, void *data)
{
	struct saying *saying = data;
	struct world_entry entry;

	if (saying->last_after && number == saying->last_before)
		return saying->last_after;
	entry = *(const struct world_entry *)interned_at(saying->world->entries, number);
	saying->say(saying, &entry);
	saying->last_before = number;
	saying->last_after = interned_number(saying->world->entries, &entry);
	return saying->last_after;
}

static struct world_country country_of(const char *text)
{
	struct world_country country = { { 0 } };

	if (text && *text)
		memcpy(country.letters, text, 2);
	return country;
}

static void say_country(const struct saying *saying, struct world_entry *entry)
{
	entry->countries[WORLD_COUNTRIES] = saying->country;
}

static void say_network(const struct saying *saying, struct world_entry *entry)
{
	entry->countries[WORLD_NETWORKS] = saying->country;
	entry->as_number = saying->as_number;
}

static void say_own(const struct saying *saying, struct world_entry *entry)
{
	struct world *world = saying->world;
	struct world_cells cells = { { NULL } };

	if (entry->own)
		cells = *(const struct world_cells *)interned_at(world->owns, entry->own - 1);
	for (guint i = 0; i < WORLD_OWN; i++) {
		if (saying->cells[i])
			cells.texts[i] =
				g_string_chunk_insert_const(world->texts, saying->cells[i]);
	}
	entry->own = interned_number(world->owns, &cells) + 1;
}

void world_set_country(struct world *world, const struct mmdb_range *range, const char *country)
{
	struct saying saying = { .world = world,
				 .say = say_country,
				 .country = country_of(country) };

	world->is_of_the_world = true;
	mmdb_tree_change(world->tree, range, change_entry, &saying);
}

void world_set_network(struct world *world, const struct mmdb_range *range, const char *country,
		       guint32 number)
{
	struct saying saying = { .world = world,
				 .say = say_network,
				 .country = country_of(country),
				 .as_number = number };

	world->is_of_the_world = true;
	mmdb_tree_change(world->tree, range, change_entry, &saying);
}

void world_set_own(struct world *world, const struct mmdb_range *range,
		   const char *const cells[WORLD_OWN])
{
	struct saying saying = { .world = world, .say = say_own, .cells = cells };

	mmdb_tree_change(world->tree, range, change_entry, &saying);
}
