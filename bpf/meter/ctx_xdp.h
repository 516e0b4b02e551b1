/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The XDP home: the frame as the driver received it. */
#ifndef METER_CTX_XDP_H
#define METER_CTX_XDP_H

#include "ctx_bpf.h"

typedef struct xdp_md meter_ctx;

METER_INLINE const __u8 *ctx_data(const meter_ctx *ctx)
{
	return (const __u8 *)(long)ctx->data;
}

METER_INLINE const __u8 *ctx_end(const meter_ctx *ctx)
{
	return (const __u8 *)(long)ctx->data_end;
}

METER_INLINE void ctx_reach(const meter_ctx *ctx)
{
	(void)ctx;
}

METER_INLINE __u64 ctx_now(const meter_ctx *ctx)
{
	(void)ctx;
	return clock_now();
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

METER_INLINE __u16 ctx_iface(const meter_ctx *ctx)
{
	return config.replaying ? replay.iface : ctx->ingress_ifindex;
}

METER_INLINE enum meter_link ctx_link(const meter_ctx *ctx)
{
	(void)ctx;
	return clock_link();
}

METER_INLINE __u32 ctx_detail(const meter_ctx *ctx)
{
	(void)ctx;
	return config.meter.detail;
}

METER_INLINE const volatile struct meter_tunnels *ctx_tunnels(const meter_ctx *ctx)
{
	(void)ctx;
	return &config.meter.tunnels;
}

METER_INLINE void *ctx_carrier(const meter_ctx *ctx)
{
	struct tunnel_scratch *mine = tunnel_scratch();

	(void)ctx;
	return mine ? mine->carrier : NULL;
}

METER_INLINE __u16 ctx_vlan(const meter_ctx *ctx)
{
	(void)ctx;
	return 0;
}

#endif
