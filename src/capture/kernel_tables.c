/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/kernel_tables.h"

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

bool kernel_fail(GError **error, const char *what, int code)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "meter in the kernel: %s: %s%s", what,
		    g_strerror(code),
		    code == EPERM ? " (run as root, or with CAP_BPF and CAP_NET_ADMIN)" : "");
	return false;
}

static guint32 set_octets(const struct kernel_tables *tables)
{
	return (guint32)sizeof(struct set_header) + SET_WAYS * tables->stride;
}

void kernel_tables_init(struct kernel_tables *tables, const struct meter_settings *settings,
			guint32 sets)
{
	tables->cpus = libbpf_num_possible_cpus();
	tables->sets = sets;
	tables->detail = (enum flow_detail)settings->detail;
	tables->circumstances = settings->circumstances;
	tables->stride = (guint32)((flow_size(tables->detail) + 63) / 64 * 64);
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
	g_clear_pointer(&tables->fds, g_free);
	tables->cpus = 0;
}

bool kernel_tables_make(struct kernel_tables *tables, GError **error)
{
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		tables->fds[cpu] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "flow_sets", sizeof(guint32),
						  set_octets(tables), tables->sets, NULL);
		if (tables->fds[cpu] < 0)
			return kernel_fail(error, "flow table", errno);
	}
	return true;
}

bool kernel_tables_place(const struct kernel_tables *tables, int outer, GError **error)
{
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		if (bpf_map_update_elem(outer, &cpu, &tables->fds[cpu], BPF_ANY))
			return kernel_fail(error, "flow table of a CPU", errno);
	}
	return true;
}

guint64 kernel_tables_memory(const struct kernel_tables *tables)
{
	return (guint64)tables->cpus * tables->sets * set_octets(tables);
}

static void dump_set(const struct kernel_tables *tables, const guint8 *set, kernel_record *sink,
		     void *data)
{
	struct flow_record record = { .end = FLOW_END_NONE,
				      .detail = (guint16)tables->detail,
				      .circumstances = tables->circumstances };
	struct set_header header;

	memcpy(&header, set, sizeof(header));
	for (guint way = 0; way < SET_WAYS; way++) {
		if (!header.tag[way])
			continue;
		memcpy(&record.flow, set + sizeof(header) + (gsize)way * tables->stride,
		       flow_size(tables->detail));
		if (record.flow.key.proto != IPPROTO_TCP)
			memset(record.flow.tcp, 0, sizeof(record.flow.tcp));
		sink(data, &record);
	}
}

/* Reads the sets in use; each is free again when its flows are told. */
bool kernel_tables_empty(const struct kernel_tables *tables, int cpu, kernel_record *sink,
			 void *data, GError **error)
{
	g_autofree guint8 *set = g_malloc(set_octets(tables));
	static const struct set_header none;
	int table = tables->fds[cpu];

	for (guint32 i = 0; i < tables->sets; i++) {
		if (bpf_map_lookup_elem(table, &i, set))
			return kernel_fail(error, "reading a flow table", errno);
		if (!memcmp(set, &none, sizeof(none)))
			continue;
		dump_set(tables, set, sink, data);
		memset(set, 0, sizeof(none));
		if (bpf_map_update_elem(table, &i, set, BPF_EXIST))
			return kernel_fail(error, "clearing a flow table", errno);
	}
	return true;
}
