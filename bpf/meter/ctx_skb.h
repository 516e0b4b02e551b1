/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The tc home: a socket buffer, whose outermost VLAN tag may have been taken out of the frame. */
#ifndef METER_CTX_SKB_H
#define METER_CTX_SKB_H

#include "ctx_bpf.h"
#include "wire.h"

/* Headers the meter may read; what lies beyond may stay in fragments of the buffer. */
#define LINEAR_OCTETS 256

METER_INLINE void ctx_reach(meter_ctx *ctx)
{
	__u32 linear = ctx->data_end - ctx->data;

	if (linear < LINEAR_OCTETS && linear < ctx->len)
		bpf_skb_pull_data(ctx, ctx->len < LINEAR_OCTETS ? ctx->len : LINEAR_OCTETS);
}

METER_INLINE __u32 ctx_length(const meter_ctx *ctx)
{
	return config.replaying ? replay.length : ctx->len;
}

/* Octets of a tag that the kernel took out of the frame. */
METER_INLINE __u32 ctx_tag_octets(const meter_ctx *ctx)
{
	return ctx->vlan_present && !config.replaying ? sizeof(struct wire_vlan) : 0;
}

METER_INLINE __u32 ctx_ifindex(const meter_ctx *ctx)
{
	return config.replaying ? replay.iface : ctx->ifindex;
}

METER_INLINE __u16 ctx_iface(const meter_ctx *ctx)
{
	return ctx_ifindex(ctx);
}

METER_INLINE __u16 ctx_vlan(const meter_ctx *ctx)
{
	return ctx->vlan_present ? ctx->vlan_tci & 0xfff : 0;
}

#endif
