/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The XDP home: the frame as the driver received it. */
#ifndef METER_CTX_XDP_H
#define METER_CTX_XDP_H

#include "ctx_bpf.h"

METER_INLINE void ctx_reach(const meter_ctx *ctx)
{
	(void)ctx;
}

METER_INLINE __u32 ctx_length(const meter_ctx *ctx)
{
	return config.replaying ? replay.length : ctx->data_end - ctx->data;
}

METER_INLINE __u32 ctx_tag_octets(const meter_ctx *ctx)
{
	(void)ctx;
	return 0;
}

METER_INLINE __u32 ctx_ifindex(const meter_ctx *ctx)
{
	return config.replaying ? replay.iface : ctx->ingress_ifindex;
}

METER_INLINE __u16 ctx_iface(const meter_ctx *ctx)
{
	return ctx_ifindex(ctx);
}

METER_INLINE __u16 ctx_vlan(const meter_ctx *ctx)
{
	(void)ctx;
	return 0;
}

#endif
