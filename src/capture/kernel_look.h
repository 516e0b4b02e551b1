/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at the flows in the kernel's tables while they are metered: nothing is taken out, nothing
 * is changed, and no packet waits for it. */
#ifndef WEIR_CAPTURE_KERNEL_LOOK_H
#define WEIR_CAPTURE_KERNEL_LOOK_H

#include "capture/kernel_tables.h"

/* What CPUs have of one key, a record without an end each (flow_record.cpu says whose), in the
 * kernel's time. False: nobody wants to know more. */
typedef bool kernel_parts(void *data, const struct flow_record *const *parts, size_t count);

struct bpf_object;

/* Before an object is loaded: the room for what a look finds. An error's number, or 0. */
int kernel_look_size(const struct kernel_tables *tables, struct bpf_object *object);
/* After: the program that looks. */
void kernel_look_find(struct kernel_tables *tables, const struct bpf_object *object);

/* Every flow that is there the whole time comes once. In any thread, beside the scan; one at
 * a time. False: the
 * tables cannot be read. */
bool kernel_look(const struct kernel_tables *tables, kernel_parts *sink, void *data,
		 GError **error);

#endif
