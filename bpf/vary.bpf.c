/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* For benchmarks: BPF_PROG_RUN gives a program the same frame again and again. This one makes the
 * frame another flow's, then goes on to the program that is measured. With the empty program in
 * that place, what the variation costs by itself is known. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "meter/wire.h"
#include "vary_turn.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct vary_turn turn = {};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_target SEC(".maps");

/* Every number becomes another one. */
static __always_inline __u32 mix(__u32 n)
{
	n *= 0x9e3779b1;
	n ^= n >> 16;
	n *= 0x85ebca6b;
	return n ^ n >> 13;
}

/* The frame is Ethernet, IPv4 without options, TCP. */
static __always_inline int vary_octets(void *frame, void *end)
{
	struct wire_ipv4 *ip = frame + sizeof(struct wire_eth);
	struct wire_tcp *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end)
		return -1;
	ip->source = mix(turn.index);
	tcp->seq = bpf_htonl(turn.cycle * turn.payload);
	turn.index += turn.step[turn.cycle % VARY_STEPS];
	if (turn.index >= turn.flows) {
		turn.index -= turn.flows;
		turn.cycle++;
	}
	return 0;
}

SEC("xdp")
int vary_xdp(struct xdp_md *ctx)
{
	if (!vary_octets((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		bpf_tail_call(ctx, &xdp_target, 0);
	return XDP_ABORTED;
}

SEC("tc")
int vary_tc(struct __sk_buff *skb)
{
	if (!vary_octets((void *)(long)skb->data, (void *)(long)skb->data_end))
		bpf_tail_call(skb, &tc_target, 0);
	return TC_ACT_SHOT;
}

/* What the others are measured against. */
SEC("xdp")
int empty_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}
