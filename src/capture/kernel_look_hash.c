/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's hash tables are read by its calls for maps, many places a call. Each has its own
 * order, so the keys are read first: hashes that come more than once are looked for in every
 * table. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/kernel_look_parts.h"

#define FLOWS	  512 /* at first */
#define FLOWS_MAX (1u << 20)

/* What is done with a flow of a CPU's table. */
typedef void hash_visit(struct look *look, int cpu, const guint8 *flow, GArray *hashes);

static bool read_flow(const struct look *look, int cpu, const void *like, guint8 *ret_flow)
{
	const struct flow_key key = *look_key(like);
	bool there = false;

	for (int i = 0; i < LOOK_TRIES; i++) {
		there = !bpf_map_lookup_elem(look->tables->fds[cpu], &key, ret_flow) &&
			look_same_key(ret_flow, like); /* its place may be another's by now */
		if (!there || look_is_whole(ret_flow))
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
	const guint64 hash = flow_key_id(look_key(flow));

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

/* All that the CPUs have of it is told at once, wherever it was met first: a part may leave, or
 * come to a CPU whose flows were told, before another CPU's are. */
static void tell_parts(struct look *look, int cpu, const guint8 *flow)
{
	g_autofree guint8 *part = g_malloc(look->value);

	for (int other = 0; other < look->cpus; other++) {
		if (other != cpu && look->tables->fds[other] >= 0 &&
		    read_flow(look, other, flow, part))
			look_add_part(look, other, part);
	}
}

static void tell_flow(struct look *look, int cpu, const guint8 *read, GArray *hashes)
{
	const guint64 hash = flow_key_id(look_key(read));
	const guint64 *repeated =
		hashes->len ? bsearch(&hash, hashes->data, hashes->len, sizeof(hash), by_value)
			    : NULL;
	guint8 *told =
		repeated ? look->told + (repeated - (const guint64 *)(gpointer)hashes->data) : NULL;
	g_autofree guint8 *again = look_is_whole(read) ? NULL : g_malloc(look->value);
	const guint8 *flow = again ? again : read;

	if (look->enough || (told && *told) || (again && !read_flow(look, cpu, read, again)))
		return;
	look_add_part(look, cpu, flow);
	if (told) {
		*told = true;
		tell_parts(look, cpu, flow);
	}
	look_tell(look);
}

static bool walk_all(struct look *look, hash_visit *visit, GArray *hashes, GError **error)
{
	bool good = true;

	for (int cpu = 0; cpu < look->cpus && good; cpu++) {
		if (look->tables->fds[cpu] >= 0)
			good = walk_hash(look, cpu, visit, hashes, error);
	}
	return good;
}

bool look_at_hashes(struct look *look, GError **error)
{
	g_autoptr(GArray) hashes = g_array_new(FALSE, FALSE, sizeof(guint64));
	g_autofree guint8 *told = NULL;

	if (look->cpus > 1) {
		if (!walk_all(look, take_hash, hashes, error))
			return false;
		keep_repeated(hashes);
	}
	told = g_malloc0(hashes->len);
	look->told = told;
	return walk_all(look, tell_flow, hashes, error);
}
