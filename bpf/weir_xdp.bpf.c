/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The meter at XDP: before the kernel makes anything of the frame. */
#define METER_CTX_XDP
#include "cache.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int weir_xdp(struct xdp_md *ctx)
{
	cache_frame(ctx, 0);
	return (int)config.xdp_action;
}

/* What the others are measured against. */
SEC("xdp")
int weir_noop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
