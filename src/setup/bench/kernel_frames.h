/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for the meter in the kernel: many flows at once, each of which sends its packets in order,
 * so that TCP finds handshakes, data and acknowledgements as on a wire. */
#ifndef WEIR_SETUP_BENCH_KERNEL_FRAMES_H
#define WEIR_SETUP_BENCH_KERNEL_FRAMES_H

#include "capture/frame.h"

struct bench_frames {
	guint count;		 /* flows, and so frames */
	struct frame *frames;	 /* the last packet of each */
	const struct frame *tcp; /* that of some TCP flow */
	guint8 *octets;
	struct traffic_state *states;
	guint round;
};

void bench_frames_init(struct bench_frames *ret_frames, guint flows);
void bench_frames_clear(struct bench_frames *frames);

/* Every flow is new again, and sends its first packet. */
void bench_frames_begin(struct bench_frames *frames);
/* Every flow sends its next packet. */
void bench_frames_next(struct bench_frames *frames);

#endif
