/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that came before: a span port of both directions, or two of them, deliver a packet twice.
 * A copy may have passed a router or another VLAN meanwhile, so what those change is not compared.
 */
#ifndef WEIR_CAPTURE_DEDUP_H
#define WEIR_CAPTURE_DEDUP_H

#include <stdbool.h>

#include "capture/frame.h"

struct dedup;

struct dedup_options {
	guint64 window_ns; /* a copy comes so long after the packet at most */
	guint32 packets;   /* and so many others after it */
	guint64 seed;	   /* of the digests; what is a copy does not depend on it */
};

/* Copies of packets that were first seen there; interfaces by their index. */
struct dedup_pair {
	struct copy_pair pair;
	struct copy_counts counts;
};

/* The same for the meter in the kernel, whose table is rounded up from twice the packets: so hardly
 * ever does one that is still within the window make room. */
struct copy_settings dedup_settings(const struct dedup_options *options);

struct dedup *dedup_new(const struct dedup_options *options);
void dedup_free(struct dedup *dedup);

/* Is it a copy? If not, it is remembered. The frame's link is one that the meter reads. */
bool dedup_frame(struct dedup *dedup, const struct frame *frame);
/* What was so, by pair; the first COPY_PAIRS of them. */
const struct dedup_pair *dedup_pairs(const struct dedup *dedup, guint *ret_count);

#endif
