/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose turn it is in vary.bpf.c, as user space sets it. */
#ifndef BPF_VARY_TURN_H
#define BPF_VARY_TURN_H

#include <linux/types.h>

/* Each of the flows has its turn once a cycle, in an order that looks random after the mixing. As
 * a flow's turn and the cycle are one, its segments follow each other without a table that says
 * where each flow is. The order changes with the cycle: in the same order again and again, whoever
 * was used longest ago, and so evicted, would always be the next to come. */
#define VARY_STEPS 8

struct vary_turn {
	__u32 index;		/* below flows */
	__u32 step[VARY_STEPS]; /* without a divisor in common with flows */
	__u32 flows;
	__u32 cycle;
	__u32 payload; /* octets of data in the frame */
};

#endif
