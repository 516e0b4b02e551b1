/* SPDX-License-Identifier: BSD-2-Clause */
/* User space reads by the kernel's calls for maps, many places a call. What a packet changes
 * meanwhile may be read half: a flow's own line then says another time than its sides, and the
 * place is read again.
 *
 * A key is in the same set of every CPU's table, so sets are read side by side and parts found
 * there. Of the kernel's hash tables, each of which has its own order, the keys are read first:
 * hashes that come more than once are looked for in every table. */
#include "capture/kernel_look.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_BY_SIDE (4u << 20) /* octets, over all CPUs */
#define SETS_MAX     64
#define FLOWS	     512 /* of a hash table, at first */
#define FLOWS_MAX    (1u << 20)
#define TRIES	     8

struct look {
	const struct kernel_tables *tables;
	guint32 value;
	kernel_parts *sink;
	void *data;
	struct flow_record *records; /* one a CPU */
	const struct flow_record **parts;
	size_t count;
	bool enough;
};

static const struct flow_key *key_of(const void *flow)
{
	return &((const struct flow *)flow)->key;
}

static bool same_key(const void *a, const void *b)
{
	return memcmp(key_of(a), key_of(b), sizeof(struct flow_key)) == 0;
}

/* The first three cache lines are of every detail. */
static bool is_whole(const void *octets)
{
	const struct flow *flow = octets;
	const guint8 version = flow->key.version & FLOW_KEY_VERSION;

	return (version == 4 || version == 6) && flow_packets(flow) > 0 &&
	       flow->last_ns == flow_last_ns(flow);
}

static void add_part(struct look *look, int cpu, const void *flow)
{
	struct flow_record *record = &look->records[look->count];

	kernel_tables_record(look->tables, flow, record);
	record->cpu = (guint16)cpu;
	look->parts[look->count++] = record;
}

static void tell(struct look *look)
{
	look->enough |= !look->sink(look->data, look->parts, look->count);
	look->count = 0;
}

/* --- sets --- */

struct sets {
	guint8 *values; /* of each CPU, so many sets */
	guint32 *keys;
	guint32 at_once;
	guint32 from;
	guint32 count;
};

static guint8 *set_of(const struct look *look, const struct sets *sets, int cpu, guint32 set)
{
	return sets->values + ((gsize)cpu * sets->at_once + set) * look->value;
}

static guint32 tag_of(const guint8 *set, guint way)
{
	struct set_header header;

	memcpy(&header, set, sizeof(header));
	return header.tag[way];
}

static guint8 *entry_of(const struct look *look, guint8 *set, guint way)
{
	return set + sizeof(struct set_header) + (gsize)way * look->tables->stride;
}

static bool read_sets(const struct look *look, struct sets *sets, int cpu, GError **error)
{
	guint32 before = sets->from - 1;
	guint32 after;
	guint32 count = sets->count;

	if (!bpf_map_lookup_batch(look->tables->fds[cpu], sets->from ? &before : NULL, &after,
				  sets->keys, set_of(look, sets, cpu, 0), &count, NULL) ||
	    errno == ENOENT)
		return true;
	return kernel_fail(error, "reading a flow table", errno);
}

/* Half-read flows are read again, with their set. */
static bool settle_set(const struct look *look, const struct sets *sets, int cpu, guint32 number)
{
	guint8 *set = set_of(look, sets, cpu, number);
	const guint32 key = sets->from + number;
	bool whole = false;

	for (int i = 0; i < TRIES && !whole; i++) {
		if (i > 0 && bpf_map_lookup_elem(look->tables->fds[cpu], &key, set))
			return false;
		whole = true;
		for (guint way = 0; way < SET_WAYS; way++)
			whole &= !tag_of(set, way) || is_whole(entry_of(look, set, way));
	}
	return true;
}

static const guint8 *find_in_set(const struct look *look, const struct sets *sets, int cpu,
				 guint32 number, const void *flow)
{
	guint8 *set = set_of(look, sets, cpu, number);

	if (look->tables->fds[cpu] < 0)
		return NULL;
	for (guint way = 0; way < SET_WAYS; way++) {
		if (tag_of(set, way) && same_key(entry_of(look, set, way), flow))
			return entry_of(look, set, way);
	}
	return NULL;
}

/* Whoever has the lowest number tells the key, with the parts of the others. */
static void tell_entry(struct look *look, const struct sets *sets, int cpu, guint32 number,
		       guint way)
{
	guint8 *set = set_of(look, sets, cpu, number);
	const guint8 *flow = entry_of(look, set, way);

	if (!tag_of(set, way) || !is_whole(flow))
		return;
	for (int other = 0; other < cpu; other++) {
		if (find_in_set(look, sets, other, number, flow))
			return;
	}
	add_part(look, cpu, flow);
	for (int other = cpu + 1; other < look->tables->cpus && !look->tables->one; other++) {
		const guint8 *part = find_in_set(look, sets, other, number, flow);

		if (part)
			add_part(look, other, part);
	}
	tell(look);
}

static bool look_at_block(struct look *look, struct sets *sets, GError **error)
{
	const int cpus = look->tables->one ? 1 : look->tables->cpus;

	for (int cpu = 0; cpu < cpus; cpu++) {
		if (look->tables->fds[cpu] >= 0 && !read_sets(look, sets, cpu, error))
			return false;
	}
	for (guint32 number = 0; number < sets->count; number++) {
		for (int cpu = 0; cpu < cpus; cpu++) {
			if (look->tables->fds[cpu] >= 0 && !settle_set(look, sets, cpu, number))
				return kernel_fail(error, "reading a flow table", errno);
		}
		for (int cpu = 0; cpu < cpus; cpu++) {
			for (guint way = 0; way < SET_WAYS && look->tables->fds[cpu] >= 0; way++)
				tell_entry(look, sets, cpu, number, way);
		}
	}
	return true;
}

static bool look_at_sets(struct look *look, GError **error)
{
	const guint32 most = SIDE_BY_SIDE / look->value / (guint32)look->tables->cpus;
	struct sets sets = { .at_once = CLAMP(most, 1, SETS_MAX) };
	bool good = true;

	sets.values = g_malloc((gsize)look->tables->cpus * sets.at_once * look->value);
	sets.keys = g_new(guint32, sets.at_once);
	for (; good && !look->enough && sets.from < look->tables->sets; sets.from += sets.at_once) {
		sets.count = MIN(sets.at_once, look->tables->sets - sets.from);
		good = look_at_block(look, &sets, error);
	}
	g_free(sets.values);
	g_free(sets.keys);
	return good;
}

/* --- the kernel's hash --- */

/* What is done with a flow of a CPU's table. */
typedef void hash_visit(struct look *look, int cpu, const guint8 *flow, GArray *hashes);

static guint64 hash_of(const void *flow)
{
	guint64 words[FLOW_KEY_WORDS];
	guint64 hash = 0;

	flow_key_words(key_of(flow), words);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		hash = (hash ^ words[i]) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
	}
	return hash;
}

static bool read_flow(const struct look *look, int cpu, const void *like, guint8 *ret_flow)
{
	const struct flow_key key = *key_of(like);
	bool there = false;

	for (int i = 0; i < TRIES; i++) {
		there = !bpf_map_lookup_elem(look->tables->fds[cpu], &key, ret_flow);
		if (!there || is_whole(ret_flow))
			break;
	}
	return there;
}

/* What a call gives: whole chains of the table. */
struct chains {
	guint32 room; /* flows */
	guint32 count;
	guint8 *flows;
	struct flow_key *keys;
	guint32 at;
	bool begun;
	bool last;
};

/* 0, or why not; ENOSPC: there is no room for a chain. */
static int read_chains(const struct look *look, int cpu, struct chains *chains)
{
	guint32 next = 0;
	int code = 0;

	chains->count = chains->room;
	if (bpf_map_lookup_batch(look->tables->fds[cpu], chains->begun ? &chains->at : NULL, &next,
				 chains->keys, chains->flows, &chains->count, NULL))
		code = errno;
	chains->last = code == ENOENT;
	if (code && !chains->last)
		return code;
	chains->at = next;
	chains->begun = true;
	return 0;
}

static void make_room(const struct look *look, struct chains *chains, guint32 room)
{
	chains->room = room;
	chains->flows = g_realloc(chains->flows, (gsize)room * look->value);
	chains->keys = g_realloc(chains->keys, room * sizeof(*chains->keys));
}

static bool walk_hash(struct look *look, int cpu, hash_visit *visit, GArray *hashes, GError **error)
{
	struct chains chains = { .room = 0 };
	int code = 0;

	make_room(look, &chains, FLOWS);
	while (!look->enough && !chains.last && !code) {
		code = read_chains(look, cpu, &chains);
		if (code == ENOSPC && chains.room < FLOWS_MAX) {
			make_room(look, &chains, 2 * chains.room);
			code = 0;
			continue;
		}
		for (guint32 i = 0; !code && i < chains.count; i++)
			visit(look, cpu, chains.flows + (gsize)i * look->value, hashes);
	}
	g_free(chains.flows);
	g_free(chains.keys);
	return code ? kernel_fail(error, "reading a flow table", code) : true;
}

static void take_hash(struct look *look, int cpu, const guint8 *flow, GArray *hashes)
{
	const guint64 hash = hash_of(flow);

	(void)look;
	(void)cpu;
	g_array_append_val(hashes, hash);
}

static int by_value(const void *a, const void *b)
{
	const guint64 left = *(const guint64 *)a;
	const guint64 right = *(const guint64 *)b;

	return (left > right) - (left < right);
}

/* Only those stay that come more than once. */
static void keep_repeated(GArray *hashes)
{
	guint64 *hash = (void *)hashes->data;
	guint kept = 0;

	if (hashes->len == 0)
		return; /* nor is there an array to sort */
	qsort(hash, hashes->len, sizeof(*hash), by_value);
	for (guint i = 1; i < hashes->len; i++) {
		if (hash[i] == hash[i - 1] && (kept == 0 || hash[kept - 1] != hash[i]))
			hash[kept++] = hash[i];
	}
	g_array_set_size(hashes, kept);
}

static void tell_flow(struct look *look, int cpu, const guint8 *read, GArray *hashes)
{
	const guint64 hash = hash_of(read);
	g_autofree guint8 *again = is_whole(read) ? NULL : g_malloc(look->value);
	g_autofree guint8 *part = NULL;
	const guint8 *flow = again ? again : read;

	if (look->enough || (again && !read_flow(look, cpu, read, again)))
		return;
	add_part(look, cpu, flow);
	if (hashes->len && bsearch(&hash, hashes->data, hashes->len, sizeof(hash), by_value))
		part = g_malloc(look->value);
	for (int other = 0; part && other < look->tables->cpus; other++) {
		if (other == cpu || look->tables->fds[other] < 0 ||
		    !read_flow(look, other, flow, part))
			continue;
		if (other < cpu) {
			look->count = 0; /* that one told it */
			return;
		}
		add_part(look, other, part);
	}
	tell(look);
}

static bool walk_all(struct look *look, hash_visit *visit, GArray *hashes, GError **error)
{
	const int cpus = look->tables->one ? 1 : look->tables->cpus;
	bool good = true;

	for (int cpu = 0; cpu < cpus && good; cpu++) {
		if (look->tables->fds[cpu] >= 0)
			good = walk_hash(look, cpu, visit, hashes, error);
	}
	return good;
}

static bool look_at_hashes(struct look *look, GError **error)
{
	g_autoptr(GArray) hashes = g_array_new(FALSE, FALSE, sizeof(guint64));

	if (look->tables->cpus > 1 && !look->tables->one) {
		if (!walk_all(look, take_hash, hashes, error))
			return false;
		keep_repeated(hashes);
	}
	return walk_all(look, tell_flow, hashes, error);
}

bool kernel_look(const struct kernel_tables *tables, kernel_parts *sink, void *data, GError **error)
{
	struct look look = { .tables = tables,
			     /* the kernel gives values in whole words */
			     .value = (kernel_tables_value(tables) + 7) / 8 * 8,
			     .sink = sink,
			     .data = data };
	bool good;

	look.records = g_new0(struct flow_record, tables->cpus);
	look.parts = g_new0(const struct flow_record *, tables->cpus);
	good = tables->cache == KERNEL_CACHE_SET ? look_at_sets(&look, error)
						 : look_at_hashes(&look, error);
	g_free(look.records);
	g_free(look.parts);
	return good;
}
