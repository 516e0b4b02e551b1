/* SPDX-License-Identifier: BSD-2-Clause */
/* Two memories: of networks (geo_cache.h), which may forget, and of the places they are in. What
 * databases say of an address is a record of each; addresses with the same records share one place,
 * which is read once. Places never go one by one, as records point at them: when there are too
 * many, or other databases, a new store of them begins and the old one is kept a batch longer. */
#include "enrich/geo.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"
#include "enrich/geo_cache.h"
#include "enrich/geo_database.h"

#define CACHE_PLACES (1u << 15) /* networks: 1 MiB */
#define STORE_MAX    65536	/* places: some 30 MiB with long texts */
#define CHUNK	     (64 * 1024)
#define LOOK_US	     G_USEC_PER_SEC

/* What makes places different. */
struct key {
	const char *class;
	guint32 records[GEO_DATABASES_MAX];
};

struct stored {
	struct key key;
	struct flow_place place;
};

struct store {
	GHashTable *places; /* struct stored */
	GStringChunk *texts;
	struct flow_database about[GEO_DATABASES_MAX];
};

/* What the other thread brings. */
struct loaded {
	GPtrArray *databases; /* NULL: see error */
	GError *error;
};

/* Whether a file is the one it was. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct geo {
	char **paths;
	GPtrArray *databases; /* struct geo_database */
	struct geo_cache *cache;
	struct store *store;
	struct store *before;
	struct geo_counts counts;

	/* Of each path: the file that was read last, if in vain, and what was there at the last
	 * look. */
	struct identity read[GEO_DATABASES_MAX];
	struct identity seen[GEO_DATABASES_MAX];
	gint64 look_us;
	bool wanted; /* to be read anew, when the loader is free */
	GThread *loader;
	struct loaded *loaded; /* by the loader, at its end: atomic */
};

/* --- places --- */

static guint key_hash(gconstpointer pointer)
{
	const struct key *key = pointer;
	guint hash = g_direct_hash(key->class);

	for (guint i = 0; i < GEO_DATABASES_MAX; i++)
		hash = (hash ^ key->records[i]) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

static gboolean key_equal(gconstpointer one, gconstpointer other)
{
	return memcmp(one, other, sizeof(struct key)) == 0;
}

static struct store *store_new(const GPtrArray *databases)
{
	struct store *store = g_new0(struct store, 1);

	store->places = g_hash_table_new_full(key_hash, key_equal, NULL, g_free);
	store->texts = g_string_chunk_new(CHUNK);
	for (guint i = 0; i < databases->len; i++) {
		const struct flow_database *about =
			geo_database_about(g_ptr_array_index(databases, i));
		g_autofree char *type = g_strndup(about->type.octets, about->type.length);

		store->about[i].built_ns = about->built_ns;
		store->about[i].type = flow_text_of(g_string_chunk_insert(store->texts, type));
	}
	return store;
}

static void store_free(struct store *store)
{
	if (!store)
		return;
	g_hash_table_unref(store->places);
	g_string_chunk_free(store->texts);
	g_free(store);
}

static void begin_store(struct geo *geo)
{
	store_free(geo->before);
	geo->before = geo->store;
	geo->store = store_new(geo->databases);
	geo_cache_clear(geo->cache);
}

static struct flow_text text_of(const char *text)
{
	return (struct flow_text){ text, strlen(text) };
}

static struct stored *make_place(struct geo *geo, const struct key *key)
{
	struct stored *stored = g_new0(struct stored, 1);
	struct flow_place *place = &stored->place;

	stored->key = *key;
	place->cells[FLOW_PLACE_CLASS].text = text_of(key->class);
	place->known = 1u << FLOW_PLACE_CLASS;
	for (guint i = 0; i < geo->databases->len; i++) {
		guint32 known = place->known;

		if (key->records[i] == GEO_NO_RECORD)
			continue;
		geo_database_read(g_ptr_array_index(geo->databases, i), key->records[i],
				  geo->store->texts, place);
		if (place->known != known && !place->database)
			place->database = &geo->store->about[i];
	}
	g_hash_table_insert(geo->store->places, &stored->key, stored);
	return stored;
}

/* The user's own, which may well be about private networks. */
static bool is_own(const struct geo_database *database)
{
	return geo_database_holds(database) & (1u << FLOW_PLACE_LABEL | 1u << FLOW_PLACE_SITE);
}

/* Of databases that have other records besides, only those of the user count here. */
static bool is_labelled(const struct geo_database *database, guint32 record)
{
	g_autoptr(GStringChunk) chunk = g_string_chunk_new(256);
	struct flow_place place = { 0 };

	geo_database_read(database, record, chunk, &place);
	return place.known & (1u << FLOW_PLACE_LABEL | 1u << FLOW_PLACE_SITE);
}

static guint32 find_record(const struct geo_database *database, const struct geo_address *address,
			   bool special, guint *bits)
{
	guint32 record;
	guint own_bits;

	if (special && !is_own(database))
		return GEO_NO_RECORD;
	record = geo_database_find(database, address, &own_bits);
	*bits = MAX(*bits, own_bits);
	if (special && record != GEO_NO_RECORD && !is_labelled(database, record))
		return GEO_NO_RECORD;
	return record;
}

static struct geo_answer ask(struct geo *geo, const struct geo_address *address)
{
	struct key key;
	const struct stored *stored;
	bool special;
	guint bits;

	memset(&key, 0, sizeof(key)); /* compared as octets */
	key.class = geo_address_class(address, &special, &bits);
	for (guint i = 0; i < geo->databases->len; i++)
		key.records[i] =
			find_record(g_ptr_array_index(geo->databases, i), address, special, &bits);
	stored = g_hash_table_lookup(geo->store->places, &key);
	if (!stored)
		stored = make_place(geo, &key);
	return (struct geo_answer){ &stored->place, bits };
}

const struct flow_place *geo_find(struct geo *geo, const guint8 octets[16], guint8 version,
				  guint *ret_bits)
{
	const struct geo_address address = geo_address_of(octets, version);
	struct geo_answer answer = geo_cache_find(geo->cache, &address);

	geo->counts.lookups++;
	if (answer.value) {
		geo->counts.hits++;
	} else {
		answer = ask(geo, &address);
		geo_cache_add(geo->cache, &address, &answer);
	}
	if (ret_bits)
		*ret_bits =
			geo_address_is_ipv4(&address) ? answer.bits - GEO_IPV4_BITS : answer.bits;
	return answer.value;
}

void geo_enrich(struct geo *geo, struct flow_batch *batch)
{
	if (g_hash_table_size(geo->store->places) > STORE_MAX)
		begin_store(geo);
	for (size_t i = 0; i < batch->count; i++) {
		const struct flow_key *key = &batch->records[i].flow.key;
		struct flow_extra *extra = &batch->extras[i];

		extra->place[FLOW_FROM_LOW] =
			geo_find(geo, (const guint8 *)key->low, key->version, NULL);
		extra->place[FLOW_FROM_HIGH] =
			geo_find(geo, (const guint8 *)key->high, key->version, NULL);
	}
}

/* --- databases --- */

static void free_database(gpointer database)
{
	geo_database_free(database);
}

static GPtrArray *open_all(char *const *paths, GError **error)
{
	GPtrArray *databases = g_ptr_array_new_with_free_func(free_database);

	for (guint i = 0; paths[i]; i++) {
		struct geo_database *database = geo_database_open(paths[i], error);

		if (!database) {
			g_ptr_array_unref(databases);
			return NULL;
		}
		g_ptr_array_add(databases, database);
	}
	return databases;
}

static struct identity identity_of(const char *path)
{
	struct identity identity = { 0 };
	struct stat now;

	if (stat(path, &now) == 0)
		identity = (struct identity){ now.st_dev, now.st_ino, now.st_size, now.st_mtim };
	return identity;
}

static bool is_same(const struct identity *one, const struct identity *other)
{
	return one->device == other->device && one->inode == other->inode &&
	       one->size == other->size && one->changed.tv_sec == other->changed.tv_sec &&
	       one->changed.tv_nsec == other->changed.tv_nsec;
}

struct geo *geo_new(const char *const *paths, GError **error)
{
	struct geo *geo;

	if (g_strv_length((char **)(guintptr)paths) > GEO_DATABASES_MAX) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%s: %d geolocation databases at once are the most; leave some out",
			    paths[GEO_DATABASES_MAX], GEO_DATABASES_MAX);
		return NULL;
	}
	geo = g_new0(struct geo, 1);
	geo->paths = g_strdupv((char **)(guintptr)paths);
	for (guint i = 0; geo->paths[i]; i++)
		geo->read[i] = identity_of(geo->paths[i]);
	geo->databases = open_all(geo->paths, error);
	if (!geo->databases) {
		geo_free(geo);
		return NULL;
	}
	geo->cache = geo_cache_new(CACHE_PLACES);
	geo->store = store_new(geo->databases);
	return geo;
}

static void loaded_free(struct loaded *loaded)
{
	if (!loaded)
		return;
	if (loaded->databases)
		g_ptr_array_unref(loaded->databases);
	g_clear_error(&loaded->error);
	g_free(loaded);
}

void geo_free(struct geo *geo)
{
	if (!geo)
		return;
	if (geo->loader)
		g_thread_join(geo->loader);
	loaded_free(geo->loaded);
	if (geo->databases)
		g_ptr_array_unref(geo->databases);
	geo_cache_free(geo->cache);
	store_free(geo->store);
	store_free(geo->before);
	g_strfreev(geo->paths);
	g_free(geo);
}

/* --- other databases at the same paths --- */

static gpointer load(gpointer data)
{
	struct geo *geo = data;
	struct loaded *loaded = g_new0(struct loaded, 1);

	loaded->databases = open_all(geo->paths, &loaded->error);
	g_atomic_pointer_set(&geo->loaded, loaded);
	return NULL;
}

/* A file that is there, is another than the one read last, and has not changed since the last look:
 * who copies over it, instead of renaming, is not read half-way. A file that is gone may come. */
static bool is_replaced(struct geo *geo)
{
	bool replaced = false;

	for (guint i = 0; geo->paths[i]; i++) {
		struct identity now = identity_of(geo->paths[i]);
		bool still = is_same(&now, &geo->seen[i]);

		geo->seen[i] = now;
		replaced |= now.inode != 0 && still && !is_same(&now, &geo->read[i]);
	}
	return replaced;
}

static void start_loading(struct geo *geo)
{
	geo->wanted = false;
	for (guint i = 0; geo->paths[i]; i++)
		geo->read[i] = identity_of(geo->paths[i]);
	geo->loader = g_thread_new("geo", load, geo);
}

static void take(struct geo *geo, GPtrArray *databases)
{
	g_ptr_array_unref(geo->databases);
	geo->databases = databases;
	begin_store(geo);
	geo->counts.reloads++;
	log_line("geolocation: read anew: %s", geo->paths[0]);
}

static void finish_loading(struct geo *geo)
{
	struct loaded *loaded = g_atomic_pointer_get(&geo->loaded);

	if (!loaded)
		return;
	g_thread_join(g_steal_pointer(&geo->loader));
	geo->loaded = NULL;
	if (loaded->databases) {
		take(geo, g_steal_pointer(&loaded->databases));
	} else {
		geo->counts.reload_failures++;
		log_warning("geolocation: %s; what was read before is used on",
			    loaded->error->message);
	}
	loaded_free(loaded);
}

void geo_tick(struct geo *geo)
{
	gint64 now = g_get_monotonic_time();

	if (geo->loader) {
		finish_loading(geo);
		return;
	}
	if (geo->wanted) {
		start_loading(geo);
		return;
	}
	if (now < geo->look_us)
		return;
	geo->look_us = now + LOOK_US;
	if (is_replaced(geo))
		start_loading(geo);
}

void geo_reload(struct geo *geo)
{
	geo->wanted = geo->paths[0] != NULL;
}

const struct geo_counts *geo_counts(const struct geo *geo)
{
	return &geo->counts;
}

guint geo_databases(const struct geo *geo)
{
	return geo->databases->len;
}

const struct flow_database *geo_database_at(const struct geo *geo, guint index)
{
	return geo_database_about(g_ptr_array_index(geo->databases, index));
}

const char *geo_path_at(const struct geo *geo, guint index)
{
	return geo->paths[index];
}

guint32 geo_holds_at(const struct geo *geo, guint index)
{
	return geo_database_holds(g_ptr_array_index(geo->databases, index));
}
