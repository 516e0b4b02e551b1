/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/kernel_tables.h"

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/error.h"
#include "capture/kernel_needs.h"
#include "capture/probe_system.h"
#include "meter/held.h"

#define PLACES_MIN 64

struct kernel_sink {
	kernel_record *sink;
	void *data;
};

bool kernel_fail(GError **error, const char *what, int code)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "meter in the kernel: %s: %s%s", what,
		    g_strerror(code),
		    code == EPERM ? " (run as root, or with CAP_BPF and CAP_NET_ADMIN)" : "");
	return false;
}

/* What the kernel's hash table adds to a key and a value: links and hash, and a bucket. */
#define HASH_ELEMENT 48
#define HASH_BUCKET  16

static bool empty_sets(const struct kernel_tables *tables, int table, const struct kernel_sink *to,
		       GError **error);
static bool empty_hash(const struct kernel_tables *tables, int table, const struct kernel_sink *to,
		       GError **error);

/* What differs between the tables. */
static const struct kind {
	const char *name;
	const char *place;
	enum bpf_map_type type;
	guint32 key_octets;
	guint32 header_octets; /* of a value, before its flows */
	guint32 flows;	       /* in a value */
	guint32 more_octets;   /* that a place costs beside its value */
	bool (*empty)(const struct kernel_tables *tables, int table, const struct kernel_sink *to,
		      GError **error);
} kinds[KERNEL_CACHES] = {
	[KERNEL_CACHE_SET] = { "set", "sets", BPF_MAP_TYPE_ARRAY, sizeof(guint32),
			       sizeof(struct set_header), SET_WAYS, 0, empty_sets },
	[KERNEL_CACHE_HASH] = { "hash", "flows", BPF_MAP_TYPE_HASH, sizeof(struct flow_key), 0, 1,
				HASH_ELEMENT + HASH_BUCKET + sizeof(struct flow_key) +
					sizeof(struct hash_slot),
				empty_hash },
};

/* The kernel aligns its hash table's values as it likes; a set's entries are whole cache lines. */
static guint32 stride_of(enum kernel_cache cache, enum flow_detail detail)
{
	guint32 octets = (guint32)flow_size(detail);

	return kinds[cache].flows > 1 ? (octets + 63) / 64 * 64 : octets;
}

guint32 kernel_tables_value(const struct kernel_tables *tables)
{
	const struct kind *kind = &kinds[tables->cache];

	return kind->header_octets + kind->flows * tables->stride;
}

const char *kernel_cache_name(enum kernel_cache cache)
{
	return kinds[cache].name;
}

const char *kernel_cache_place(enum kernel_cache cache)
{
	return kinds[cache].place;
}

/* Sets have room for twice the flows: one is seldom full then. */
guint32 kernel_cache_places(enum kernel_cache cache, guint64 flows, int cpus)
{
	guint32 ways = kinds[cache].flows;
	guint64 wanted = (ways > 1 ? 2 * flows : flows) / (guint64)cpus;
	guint32 places = PLACES_MIN;

	while ((guint64)places * ways < wanted && places < 1u << 30)
		places <<= 1;
	return places;
}

guint32 kernel_cache_octets(enum kernel_cache cache, enum flow_detail detail)
{
	const struct kind *kind = &kinds[cache];

	return kind->header_octets + kind->flows * stride_of(cache, detail) + kind->more_octets;
}

void kernel_tables_init(struct kernel_tables *tables, const struct meter_settings *settings,
			enum kernel_cache cache, guint32 sets)
{
	tables->cpus = libbpf_num_possible_cpus();
	tables->cache = cache;
	tables->sets = sets;
	tables->detail = (enum flow_detail)settings->detail;
	tables->circumstances = settings->circumstances;
	tables->stride = stride_of(cache, tables->detail);
	tables->look = tables->looked = -1;
	tables->fds = g_new(int, tables->cpus);
	for (int cpu = 0; cpu < tables->cpus; cpu++)
		tables->fds[cpu] = -1;
}

void kernel_tables_clear(struct kernel_tables *tables)
{
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		if (tables->fds[cpu] >= 0)
			close(tables->fds[cpu]);
	}
	if (tables->look >= 0)
		close(tables->look);
	if (tables->looked >= 0)
		close(tables->looked);
	g_clear_pointer(&tables->fds, g_free);
	tables->cpus = 0;
}

static bool fail_table(const struct kernel_tables *tables, int code, GError **error)
{
	if (code != ENOMEM && code != E2BIG)
		return kernel_fail(error, "flow table", code);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "meter in the kernel: flow tables of %" G_GUINT64_FORMAT
		    " MiB: %s; lower --max-flows or --detail",
		    kernel_tables_memory(tables) >> 20, g_strerror(code));
	return false;
}

bool kernel_tables_make(struct kernel_tables *tables, GError **error)
{
	const struct kind *kind = &kinds[tables->cache];
	g_autofree char *present = cpus_list("present");

	if (!kernel_check_memory(kernel_tables_memory(tables), probe_memory_free(), error))
		return false;
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		/* One that comes later has no table, and its packets are set aside. */
		if (cpu > 0 && present && !cpus_list_has(present, cpu))
			continue;
		if (cpu > 0 && tables->one) {
			tables->fds[cpu] = fcntl(tables->fds[0], F_DUPFD_CLOEXEC, 0);
			continue;
		}
		tables->fds[cpu] = bpf_map_create(kind->type, "flow_table", kind->key_octets,
						  kernel_tables_value(tables), tables->sets, NULL);
		if (tables->fds[cpu] < 0)
			return fail_table(tables, errno, error);
	}
	return true;
}

bool kernel_tables_place(const struct kernel_tables *tables, int outer, GError **error)
{
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		if (tables->fds[cpu] >= 0 &&
		    bpf_map_update_elem(outer, &cpu, &tables->fds[cpu], BPF_ANY))
			return kernel_fail(error, "flow table of a CPU", errno);
	}
	return true;
}

guint64 kernel_tables_memory(const struct kernel_tables *tables)
{
	return (guint64)MIN((guint)tables->cpus, cpus_present()) * tables->sets *
	       kernel_cache_octets(tables->cache, tables->detail);
}

void kernel_tables_record(const struct kernel_tables *tables, const void *flow,
			  struct flow_record *ret_record)
{
	ret_record->end = FLOW_END_NONE;
	ret_record->detail = (guint16)tables->detail;
	ret_record->circumstances = (guint16)tables->circumstances;
	ret_record->cpu = 0;
	ret_record->elsewhere = 0;
	memcpy(&ret_record->flow, flow, flow_size(tables->detail));
	if (ret_record->flow.key.proto != IPPROTO_TCP && tables->detail >= FLOW_DETAIL_TCP)
		memset(ret_record->flow.tcp, 0, sizeof(ret_record->flow.tcp));
	flow_release(&ret_record->flow);
}

static void dump_flow(const struct kernel_tables *tables, const guint8 *flow,
		      const struct kernel_sink *to)
{
	struct flow_record record = { .detail = (guint16)tables->detail };

	kernel_tables_record(tables, flow, &record);
	to->sink(to->data, &record);
}

static void dump_set(const struct kernel_tables *tables, const guint8 *set,
		     const struct kernel_sink *to)
{
	struct set_header header;

	memcpy(&header, set, sizeof(header));
	for (guint way = 0; way < SET_WAYS; way++) {
		if (header.tag[way])
			dump_flow(tables, set + sizeof(header) + (gsize)way * tables->stride, to);
	}
}

/* Reads the sets in use; each is free again when its flows are told. */
static bool empty_sets(const struct kernel_tables *tables, int table, const struct kernel_sink *to,
		       GError **error)
{
	g_autofree guint8 *set = g_malloc(kernel_tables_value(tables));
	static const struct set_header none;

	for (guint32 i = 0; i < tables->sets; i++) {
		if (bpf_map_lookup_elem(table, &i, set))
			return kernel_fail(error, "reading a flow table", errno);
		if (!memcmp(set, &none, sizeof(none)))
			continue;
		dump_set(tables, set, to);
		memset(set, 0, sizeof(none));
		if (bpf_map_update_elem(table, &i, set, BPF_EXIST))
			return kernel_fail(error, "clearing a flow table", errno);
	}
	return true;
}

static bool empty_hash(const struct kernel_tables *tables, int table, const struct kernel_sink *to,
		       GError **error)
{
	g_autofree guint8 *flow = g_malloc(kernel_tables_value(tables));
	struct flow_key key;

	while (!bpf_map_get_next_key(table, NULL, &key)) {
		if (bpf_map_lookup_elem(table, &key, flow))
			return kernel_fail(error, "reading a flow table", errno);
		dump_flow(tables, flow, to);
		if (bpf_map_delete_elem(table, &key))
			return kernel_fail(error, "clearing a flow table", errno);
	}
	return true;
}

bool kernel_tables_empty(const struct kernel_tables *tables, int cpu, kernel_record *sink,
			 void *data, GError **error)
{
	const struct kernel_sink to = { sink, data };

	return kinds[tables->cache].empty(tables, tables->fds[cpu], &to, error);
}
