/* SPDX-License-Identifier: BSD-2-Clause */
/* What a packet changes meanwhile may be read half: a flow's own line then says another time than
 * its sides, and the place is read again.
 *
 * Sets are looked at by a program in the kernel that gives what is in them: empty ones, of which
 * there are many, cost next to nothing. A key is in the same set of every CPU's table, so parts are
 * found there. */
#include "capture/kernel_look.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/kernel_look_parts.h"

#define LOOKED	 "looked"
#define SETS	 LOOK_SETS
#define REST_US	 50   /* at first */
#define REST_MAX 2000 /* us */

const struct flow_key *look_key(const void *flow)
{
	return &((const struct flow *)flow)->key;
}

bool look_same_key(const void *a, const void *b)
{
	return memcmp(look_key(a), look_key(b), sizeof(struct flow_key)) == 0;
}

/* The first three cache lines are of every detail. */
bool look_is_whole(const void *octets)
{
	const struct flow *flow = octets;
	const guint8 version = flow->key.version & FLOW_KEY_VERSION;

	return (version == 4 || version == 6) && flow_packets(flow) > 0 &&
	       flow->last_ns == flow_last_ns(flow);
}

void look_add_part(struct look *look, int cpu, const void *flow)
{
	struct flow_record *record = &look->records[look->count];

	kernel_tables_record(look->tables, flow, record);
	record->cpu = (guint16)cpu;
	look->parts[look->count++] = record;
}

void look_tell(struct look *look)
{
	look->enough |= !look->sink(look->data, look->parts, look->count);
	look->count = 0;
}

/* --- sets --- */

/* Of a CPU, in the order of their sets. */
struct found {
	GByteArray *rows; /* of struct cache_row, cut */
	guint at;	  /* of the set under way */
	guint end;
};

struct sets {
	gsize row;	    /* octets */
	const guint8 *seen; /* what the kernel puts there */
	struct found *found;
};

static struct cache_row *row_of(const struct sets *sets, const struct found *found, guint number)
{
	return (gpointer)(found->rows->data + number * sets->row);
}

static guint rows_of(const struct sets *sets, const struct found *found)
{
	return found->rows->len / (guint)sets->row;
}

static bool is_settled(const struct cache_row *row)
{
	return !row->changed && look_is_whole(&row->flow);
}

static bool call(const struct look *look, struct cache_look *what, GError **error)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = what, .ctx_size_in = sizeof(*what));

	if (bpf_prog_test_run_opts(look->tables->look, &opts))
		return kernel_fail(error, "reading a flow table", errno);
	return true;
}

/* What is in these sets of a CPU. */
static bool find(const struct look *look, const struct sets *sets, struct cache_look what,
		 GError **error)
{
	GByteArray *rows = sets->found[what.cpu].rows;
	const guint32 end = what.from + what.sets;

	for (; what.from < end; what.from += what.done) {
		what.sets = end - what.from;
		if (!call(look, &what, error))
			return false;
		g_byte_array_append(rows, sets->seen, what.rows * (guint)sets->row);
	}
	return true;
}

/* A flow that was read half is read again, with its set; one that has left is no more. */
static bool settle(const struct look *look, const struct sets *sets, int cpu, struct cache_row *row,
		   GError **error)
{
	struct cache_look what = { .cpu = (guint32)cpu, .from = row->set, .sets = 1 };
	gulong rest_us = REST_US;

	for (int i = 0; i < LOOK_TRIES && !is_settled(row); i++) {
		const struct cache_row *again = NULL;

		/* Whoever writes may have been kept from it for a while. */
		if (i > 0) {
			g_usleep(rest_us);
			rest_us = MIN(2 * rest_us, REST_MAX);
		}
		if (!call(look, &what, error))
			return false;
		for (guint32 n = 0; n < what.rows && !(again && again->way == row->way); n++)
			again = (gconstpointer)(sets->seen + n * sets->row);
		if (!again || again->way != row->way)
			break;
		memcpy(row, again, sets->row);
	}
	return true;
}

static bool settle_all(const struct look *look, const struct sets *sets, int cpu, GError **error)
{
	const struct found *found = &sets->found[cpu];

	for (guint n = 0; n < rows_of(sets, found); n++) {
		struct cache_row *row = row_of(sets, found, n);

		if (!is_settled(row) && !settle(look, sets, cpu, row, error))
			return false;
	}
	return true;
}

static const struct flow *find_in_set(const struct sets *sets, int cpu, const struct flow *flow)
{
	const struct found *found = &sets->found[cpu];

	for (guint n = found->at; n < found->end; n++) {
		const struct cache_row *row = row_of(sets, found, n);

		if (look_is_whole(&row->flow) && look_same_key(&row->flow, flow))
			return &row->flow;
	}
	return NULL;
}

/* Whoever has the lowest number tells the key, with the parts of the others. */
static void tell_row(struct look *look, const struct sets *sets, int cpu, const struct flow *flow)
{
	for (int other = 0; other < cpu; other++) {
		if (find_in_set(sets, other, flow))
			return;
	}
	look_add_part(look, cpu, flow);
	for (int other = cpu + 1; other < look->cpus; other++) {
		const struct flow *part = find_in_set(sets, other, flow);

		if (part)
			look_add_part(look, other, part);
	}
	look_tell(look);
}

/* The first set of which something is not told; its rows are marked. G_MAXUINT32: there is none. */
static guint32 next_set(const struct look *look, const struct sets *sets)
{
	guint32 set = G_MAXUINT32;

	for (int cpu = 0; cpu < look->cpus; cpu++) {
		struct found *found = &sets->found[cpu];

		found->at = found->end;
		if (found->at < rows_of(sets, found))
			set = MIN(set, row_of(sets, found, found->at)->set);
	}
	for (int cpu = 0; cpu < look->cpus; cpu++) {
		struct found *found = &sets->found[cpu];

		while (found->end < rows_of(sets, found) &&
		       row_of(sets, found, found->end)->set == set)
			found->end++;
	}
	return set;
}

static void tell_set(struct look *look, const struct sets *sets)
{
	for (int cpu = 0; cpu < look->cpus; cpu++) {
		const struct found *found = &sets->found[cpu];

		for (guint n = found->at; n < found->end && !look->enough; n++) {
			const struct cache_row *row = row_of(sets, found, n);

			if (look_is_whole(&row->flow))
				tell_row(look, sets, cpu, &row->flow);
		}
	}
}

static bool look_at_some(struct look *look, const struct sets *sets, guint32 from, GError **error)
{
	struct cache_look what = { .from = from, .sets = MIN(SETS, look->tables->sets - from) };

	for (int cpu = 0; cpu < look->cpus; cpu++) {
		sets->found[cpu].at = sets->found[cpu].end = 0;
		g_byte_array_set_size(sets->found[cpu].rows, 0);
		what.cpu = (guint32)cpu;
		if (look->tables->fds[cpu] >= 0 &&
		    (!find(look, sets, what, error) || !settle_all(look, sets, cpu, error)))
			return false;
	}
	while (!look->enough && next_set(look, sets) != G_MAXUINT32)
		tell_set(look, sets);
	return true;
}

static bool look_at_all(struct look *look, struct sets *sets, GError **error)
{
	bool good = true;

	sets->found = g_new0(struct found, look->cpus);
	for (int cpu = 0; cpu < look->cpus; cpu++)
		sets->found[cpu].rows = g_byte_array_new();
	for (guint32 from = 0; good && !look->enough && from < look->tables->sets; from += SETS)
		good = look_at_some(look, sets, from, error);
	for (int cpu = 0; cpu < look->cpus; cpu++)
		g_byte_array_unref(sets->found[cpu].rows);
	g_free(sets->found);
	return good;
}

static gsize row_octets(const struct kernel_tables *tables)
{
	return (offsetof(struct cache_row, flow) + flow_size(tables->detail) + 7) / 8 * 8;
}

static bool look_at_sets(struct look *look, GError **error)
{
	struct sets sets = { .row = row_octets(look->tables) };
	const gsize octets = sets.row * LOOK_ROWS;
	void *seen = mmap(NULL, octets, PROT_READ, MAP_SHARED, look->tables->looked, 0);
	bool good;

	if (seen == MAP_FAILED)
		return kernel_fail(error, "reading a flow table", errno);
	sets.seen = seen;
	good = look_at_all(look, &sets, error);
	munmap(seen, octets);
	return good;
}

int kernel_look_size(const struct kernel_tables *tables, struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, LOOKED);

	return map ? bpf_map__set_value_size(map, (guint32)row_octets(tables)) : 0;
}

/* Descriptors of its own: programs that are exchanged may go, what they look at stays. */
void kernel_look_find(struct kernel_tables *tables, const struct bpf_object *object)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, "weir_look");

	if (!program)
		return;
	tables->look = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
	tables->looked = fcntl(bpf_object__find_map_fd_by_name(object, LOOKED), F_DUPFD_CLOEXEC, 3);
}

bool kernel_look(const struct kernel_tables *tables, kernel_parts *sink, void *data, GError **error)
{
	struct look look = { .tables = tables,
			     .cpus = tables->one ? 1 : tables->cpus,
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
