/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/kernel_copies.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "capture/kernel_tables.h"

#define SET_OCTETS 128 /* of bpf/copies.h */

int kernel_copies_size(struct bpf_map *map, const struct copy_settings *settings)
{
	return map ? bpf_map__set_max_entries(map, settings->set_mask + 1) : 0;
}

guint64 kernel_copies_memory(const struct copy_settings *settings)
{
	return settings->wanted ? ((guint64)settings->set_mask + 1) * SET_OCTETS : 0;
}

static void add(GArray *pairs, const struct copy_pair *pair, const struct copy_counts *counts,
		int cpus)
{
	struct dedup_pair sum = { .pair = *pair };

	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.counts.packets += counts[cpu].packets;
		sum.counts.frame_octets += counts[cpu].frame_octets;
	}
	g_array_append_val(pairs, sum);
}

GArray *kernel_copies_pairs(int map, int cpus, GError **error)
{
	g_autofree struct copy_counts *counts = g_new0(struct copy_counts, cpus);
	GArray *pairs = g_array_new(FALSE, FALSE, sizeof(struct dedup_pair));
	struct copy_pair pair;
	const struct copy_pair *last = NULL;

	/* No entry is ever taken out, so each comes once. */
	while (pairs->len < COPY_PAIRS && !bpf_map_get_next_key(map, last, &pair)) {
		if (bpf_map_lookup_elem(map, &pair, counts)) {
			g_array_unref(pairs);
			kernel_fail(error, "reading the counts of copies", errno);
			return NULL;
		}
		add(pairs, &pair, counts, cpus);
		last = &pair;
	}
	return pairs;
}

bool kernel_copies_clear(int map, int pairs, const struct copy_settings *settings, GError **error)
{
	const guint8 nothing[SET_OCTETS] = { 0 };
	struct copy_pair pair;

	for (guint32 set = 0; settings->wanted && set <= settings->set_mask; set++) {
		if (bpf_map_update_elem(map, &set, nothing, BPF_ANY))
			return kernel_fail(error, "forgetting copies", errno);
	}
	while (!bpf_map_get_next_key(pairs, NULL, &pair))
		bpf_map_delete_elem(pairs, &pair);
	return true;
}
