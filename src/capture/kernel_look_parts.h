/* SPDX-License-Identifier: BSD-2-Clause */
/* What looking at either table has in common. */
#ifndef WEIR_CAPTURE_KERNEL_LOOK_PARTS_H
#define WEIR_CAPTURE_KERNEL_LOOK_PARTS_H

#include "capture/kernel_look.h"

/* What is read half is read again, so often. */
#define LOOK_TRIES 64

struct look {
	const struct kernel_tables *tables;
	int cpus; /* whose tables differ */
	guint32 value;
	kernel_parts *sink;
	void *data;
	struct flow_record *records; /* one a CPU */
	const struct flow_record **parts;
	size_t count;
	bool enough;
	guint8 *told; /* of the hashes that come more than once, by their places */
};

const struct flow_key *look_key(const void *flow);
bool look_same_key(const void *a, const void *b);
/* What every detail has of it agrees. */
bool look_is_whole(const void *octets);

/* Another part of the flow that is told next. */
void look_add_part(struct look *look, int cpu, const void *flow);
void look_tell(struct look *look);

bool look_at_hashes(struct look *look, GError **error);

#endif
