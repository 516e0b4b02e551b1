/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The in-kernel scan (DESIGN 5): brings out flows whose time-out has passed, so that user space
 * never copies what is not finished. User space runs it by BPF_PROG_RUN on each CPU, some sets a
 * call. Nobody but this CPU touches its table, and newer kernels run an XDP program with bottom
 * halves off, so that look, copy and free are one step. Older ones do not: there a packet may come
 * in between, and finds by cache_counts.busy which set it must leave alone. */
#define METER_CTX_XDP
#include "cache.h"
#ifndef CACHE_HASH
#include "look.h"
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Sets a call at most: bottom halves are off that long. */
#define DRAIN_SETS 64

METER_STEP int drain_place(__u32 index, __u64 now_ns, __u32 all)
{
	return cache_drain_place(index, now_ns, all);
}

SEC("xdp")
int weir_drain(struct xdp_md *ctx)
{
	struct cache_drain *call = (void *)(long)ctx->data;
	__u64 now_ns;
	__u32 from;
	__u32 sets;
	__u32 all;
	__u32 emitted = 0;
	__u32 stuck = 0;
	__u32 kept = 0;

	if ((void *)(call + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	now_ns = config.replaying ? call->now_ns : clock_now();
	from = call->from;
	sets = call->sets;
	all = call->all;
	for (__u32 i = 0; i < DRAIN_SETS; i++) {
		int told;

		if (i >= sets)
			break;
		told = drain_place(from + i, now_ns, all);
		emitted += DRAIN_EMITTED(told);
		stuck += DRAIN_STUCK(told);
		kept += DRAIN_KEPT(told);
	}
	call = (void *)(long)ctx->data;
	if ((void *)(call + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	call->emitted = emitted;
	call->stuck = stuck;
	call->kept = kept;
	return XDP_PASS;
}
