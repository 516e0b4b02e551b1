/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The native home: frames of a capture file or of a packet socket. */
#ifndef METER_CTX_NATIVE_H
#define METER_CTX_NATIVE_H

#include <arpa/inet.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "types.h"

/* Behind the lines that every packet has cleared; in all, three cache lines. */
#define METER_PACKET_MORE        \
	struct flow_outer outer; \
	__u64 unused[2];
#define METER_PACKET_OUTER(pkt) ((struct flow_outer *)&(pkt)->outer)
#define METER_INLINE		static inline __attribute__((always_inline))
#define METER_STEP		METER_INLINE
#define barrier_use(ctx)	((void)(ctx))
/* A step off the main road. */
#define METER_APART		static __attribute__((noinline, cold, unused))
#define bpf_ntohs		ntohs
#define bpf_htons		htons
#define bpf_ntohl		ntohl
#define bpf_htonl		htonl
#define bpf_be64_to_cpu		be64toh

/* Steps are no calls here. */
#define METER_SHORT_WAY 0

METER_INLINE __u64 word_is_above(__u64 a, __u64 b)
{
	return a > b;
}

/* splitmix64. */
METER_INLINE __u32 sample_draw(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) >> 32;
}

struct meter_home;

/* What is the same for all packets. */
struct meter_setup {
	struct meter_home *home;
	const struct meter_tunnels *tunnels;
	void *carrier; /* room for two struct packet, of three cache lines each */
	__u32 detail;  /* enum flow_detail */
};

typedef struct {
	const struct meter_setup *setup;
	const __u8 *data;
	const __u8 *end;
	__u64 now_ns;
	__u32 length;
	__u32 outer; /* octets of link headers that were taken off before */
	__u16 iface;
	__u16 link;
	__u16 vlan;
} meter_ctx;

struct packet;
typedef int meter_step(meter_ctx *ctx, struct packet *pkt);

/* Goes to a step off the main road, with a copy of the context: had it the context itself, the main
 * road would keep that in memory, and not in registers, for every packet. */
METER_INLINE int meter_branch(meter_step *step, const meter_ctx *ctx, struct packet *pkt)
{
	meter_ctx copy = *ctx;

	return step(&copy, pkt);
}

METER_INLINE const __u8 *ctx_data(const meter_ctx *ctx)
{
	return ctx->data;
}

METER_INLINE const __u8 *ctx_end(const meter_ctx *ctx)
{
	return ctx->end;
}

METER_INLINE __u64 ctx_now(const meter_ctx *ctx)
{
	return ctx->now_ns;
}

METER_INLINE __u64 clock_birth(__u64 now_ns)
{
	return now_ns;
}

METER_INLINE __u32 ctx_length(const meter_ctx *ctx)
{
	return ctx->length;
}

METER_INLINE __u32 ctx_tag_octets(const meter_ctx *ctx)
{
	return ctx->outer;
}

METER_INLINE __u16 ctx_iface(const meter_ctx *ctx)
{
	return ctx->iface;
}

METER_INLINE enum meter_link ctx_link(const meter_ctx *ctx)
{
	return (enum meter_link)ctx->link;
}

METER_INLINE __u32 ctx_detail(const meter_ctx *ctx)
{
	return ctx->setup->detail;
}

METER_INLINE const struct meter_tunnels *ctx_tunnels(const meter_ctx *ctx)
{
	return ctx->setup->tunnels;
}

/* Where a packet is kept while a tunnel is tried. */
METER_INLINE void *ctx_carrier(const meter_ctx *ctx)
{
	return ctx->setup->carrier;
}

/* The last carrier that was a first fragment. */
METER_INLINE void *ctx_carrier_first(const meter_ctx *ctx)
{
	return (__u8 *)ctx->setup->carrier + 192;
}

/* A VLAN tag the driver took out of the frame; a file keeps its tags. */
METER_INLINE __u16 ctx_vlan(const meter_ctx *ctx)
{
	return ctx->vlan;
}

#endif
