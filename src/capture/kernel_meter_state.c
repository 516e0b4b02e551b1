/* SPDX-License-Identifier: BSD-2-Clause */
/* What a meter in the kernel tells of itself, and how its programs change. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "capture/kernel_copies.h"
#include "capture/kernel_meter_parts.h"

struct filter_front *kernel_meter_front(const struct kernel_meter *meter)
{
	return meter->front;
}

const struct kernel_tables *kernel_meter_tables(const struct kernel_meter *meter)
{
	return &meter->tables;
}

int kernel_meter_cpus(const struct kernel_meter *meter)
{
	return meter->tables.cpus;
}

enum flow_detail kernel_meter_detail(const struct kernel_meter *meter)
{
	return meter->tables.detail;
}

guint64 kernel_meter_memory(const struct kernel_meter *meter)
{
	return kernel_tables_memory(&meter->tables) + kernel_copies_memory(&meter->copies);
}

struct kernel_ring *kernel_meter_ring(struct kernel_meter *meter)
{
	return meter->ring;
}

void meter_counts_add(struct meter_counts *sum, const struct meter_counts *more)
{
	for (int v = 0; v < METER_VERDICTS; v++) {
		sum->packets[v] += more->packets[v];
		sum->frame_octets[v] += more->frame_octets[v];
	}
	sum->octets += more->octets;
	sum->evicted += more->evicted;
	sum->extended += more->extended;
	sum->orphans += more->orphans;
}

bool kernel_meter_counts(struct kernel_meter *meter, struct meter_counts *ret_counts,
			 GError **error)
{
	g_autofree struct cache_counts *per_cpu = g_new0(struct cache_counts, meter->tables.cpus);
	const guint32 zero = 0;

	if (bpf_map_lookup_elem(meter->counts, &zero, per_cpu))
		return kernel_fail(error, "reading the counters", errno);
	memset(ret_counts, 0, sizeof(*ret_counts));
	for (int cpu = 0; cpu < meter->tables.cpus; cpu++)
		meter_counts_add(ret_counts, &per_cpu[cpu].meter);
	return true;
}

/* Whoever scans in another thread asks for the same descriptor all the while. */
bool kernel_meter_exchange(struct kernel_meter *meter, struct kernel_meter *next, GError **error)
{
	struct filter_front *front = meter->front;

	if (dup3(next->programs[DRAIN], meter->drain, O_CLOEXEC) < 0)
		return kernel_fail(error, "the drain", errno);
	meter->front = next->front;
	next->front = front;
	for (int i = 0; i < OBJECTS; i++) {
		struct bpf_object *object = meter->objects[i];
		const int program = meter->programs[i];

		meter->objects[i] = next->objects[i];
		meter->programs[i] = next->programs[i];
		next->objects[i] = object;
		next->programs[i] = program;
	}
	return true;
}
