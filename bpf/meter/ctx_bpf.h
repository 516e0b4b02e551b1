/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What both kernel homes share: the settings, a clock that a test can set, and what reads alike of
 * both kinds of context. */
#ifndef METER_CTX_BPF_H
#define METER_CTX_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "types.h"

#ifdef METER_CTX_SKB
typedef struct __sk_buff meter_ctx;
#else
typedef struct xdp_md meter_ctx;
#endif

/* The stack is short: what few packets need lies in a map. */
#define METER_PACKET_MORE
#define METER_PACKET_OUTER(pkt) ((void)(pkt), tunnel_outer())
#define METER_INLINE		static __always_inline
/* A step of its own for the verifier, which would otherwise walk every path through the parsers in
 * combination with every path through the accounts. Its arguments are the context and memory. */
#define METER_STEP		__attribute__((noinline))
#define METER_APART		METER_STEP

/* The only variable of its section: user space fills it whole, and the verifier, which knows the
 * values, takes out the code they make dead. */
const volatile struct cache_config config = {};
struct cache_replay replay = {};

/* A step must use its arguments: the compiler would pass none to one that does not, and the
 * verifier insists on it. */
#define barrier_use(ctx) asm volatile("" : : "r"(ctx))

/* Of the packet under way: what is around it, and what it was before the tunnel that is tried. */
struct tunnel_scratch {
	struct flow_outer outer;
	__u64 carrier[16]; /* struct packet */
	__u64 first[16];   /* the last carrier that was a first fragment */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunnel_scratch);
} scratch SEC(".maps");

METER_INLINE struct tunnel_scratch *tunnel_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

METER_INLINE struct flow_outer *tunnel_outer(void)
{
	struct tunnel_scratch *mine = tunnel_scratch();

	return mine ? &mine->outer : NULL;
}

/* A step costs more than what most of the parser's do. */
#define METER_SHORT_WAY 1

/* The counters of the basic level are content with the clock that the tick moves, which costs next
 * to nothing; the drain must ask the same one. */
METER_INLINE __u64 clock_now(void)
{
	if (config.replaying)
		return replay.now_ns;
	return config.meter.detail == FLOW_DETAIL_BASIC ? bpf_ktime_get_coarse_ns()
							: bpf_ktime_get_ns();
}

/* When a flow is born that opens at now_ns. Even between two ticks each has a moment of its own:
 * the identifier is made of it, and of two parts the one born first knows who opened the flow. */
METER_INLINE __u64 clock_birth(__u64 now_ns)
{
	return config.meter.detail == FLOW_DETAIL_BASIC && !config.replaying ? bpf_ktime_get_ns()
									     : now_ns;
}

/* Is a above b, as 1 or 0? By the borrow of b - a: the BPF back end makes a branch of a comparison,
 * and which end of a flow is above the other nobody can foresee. */
METER_INLINE __u64 word_is_above(__u64 a, __u64 b)
{
	return ((a & ~b) | ((a | ~b) & (b - a))) >> 63;
}

/* The kernel has a generator of its own, and needs no state for it. */
METER_INLINE __u32 sample_draw(const __u64 *state)
{
	(void)state;
	return bpf_get_prandom_u32();
}

METER_INLINE enum meter_link clock_link(void)
{
	return config.replaying ? replay.link : METER_LINK_ETHERNET;
}

struct packet;
typedef int meter_step(meter_ctx *ctx, struct packet *pkt);

/* Goes to a step off the main road. */
METER_INLINE int meter_branch(meter_step *step, meter_ctx *ctx, struct packet *pkt)
{
	return step(ctx, pkt);
}

METER_INLINE const __u8 *ctx_data(const meter_ctx *ctx)
{
	return (const __u8 *)(long)ctx->data;
}

METER_INLINE const __u8 *ctx_end(const meter_ctx *ctx)
{
	return (const __u8 *)(long)ctx->data_end;
}

METER_INLINE __u64 ctx_now(const meter_ctx *ctx)
{
	(void)ctx;
	return clock_now();
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

METER_INLINE void *ctx_carrier_first(const meter_ctx *ctx)
{
	struct tunnel_scratch *mine = tunnel_scratch();

	(void)ctx;
	return mine ? mine->first : NULL;
}

#endif
