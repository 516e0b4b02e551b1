/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the meter in the kernel share. */
#ifndef WEIR_CAPTURE_KERNEL_METER_PARTS_H
#define WEIR_CAPTURE_KERNEL_METER_PARTS_H

#include "capture/kernel_meter.h"

/* The hooks' objects, then the drain's. */
#define DRAIN	KERNEL_HOOKS
#define OBJECTS (KERNEL_HOOKS + 1)

struct bpf_object;

struct kernel_meter {
	struct bpf_object *objects[OBJECTS];
	int programs[OBJECTS]; /* -1: not loaded */
	int drain;	       /* always the same descriptor, whichever program it is; -1: none */
	enum kernel_hook hook;
	struct bpf_object *first;   /* that made the maps */
	bool lent;		    /* by another meter */
	struct filter_front *front; /* NULL: nothing is before the meter */
	int counts;
	int fragments;
	struct copy_settings copies;
	struct kernel_tables tables;
	struct cache_replay *replay;
	struct kernel_ring *ring;
};

#endif
