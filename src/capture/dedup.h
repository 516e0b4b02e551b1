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

struct dedup *dedup_new(const struct dedup_options *options);
void dedup_free(struct dedup *dedup);

/* Is it a copy? If not, it is remembered. The frame's link is one that the meter reads. */
bool dedup_frame(struct dedup *dedup, const struct frame *frame);

#endif
