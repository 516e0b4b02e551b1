/* SPDX-License-Identifier: BSD-2-Clause */
/* The packets that the meter in the kernel remembers for --dedup, and its count of their copies. */
#ifndef WEIR_CAPTURE_KERNEL_COPIES_H
#define WEIR_CAPTURE_KERNEL_COPIES_H

#include "capture/dedup.h"

struct bpf_map;

#define KERNEL_COPIES	    "copies"
#define KERNEL_COPIES_PAIRS "copy_pairs"

/* Room for them, before the map is made. A code of the kernel's, 0: good. */
int kernel_copies_size(struct bpf_map *map, const struct copy_settings *settings);
/* Octets of that; 0 where no copy is looked for. */
guint64 kernel_copies_memory(const struct copy_settings *settings);

/* Copies by pair; free with g_array_unref. cpus: values of an entry. */
GArray *kernel_copies_pairs(int map, int cpus, GError **error);
/* As if just loaded. */
bool kernel_copies_clear(int map, int pairs, const struct copy_settings *settings, GError **error);

#endif
