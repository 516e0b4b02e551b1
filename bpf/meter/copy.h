/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What tells a packet from all but its copies: a digest over the IP header without what routers
 * change (DSCP and ECN, TTL, checksum), and over the start of what follows, checksums and sequence
 * numbers included. A packet sent again has another IPv4 identification; in IPv6, or where a sender
 * leaves that 0, only the window tells a copy from a retransmission. Of a frame without IP it is
 * the start of what is behind the MAC addresses and VLAN tags.
 *
 * Words of eight octets are multiplied half by half, each under keys of its own and twice (as NH
 * in RFC 4418 does): nobody who does not know the keys can make another packet pass for a copy. */
#ifndef METER_COPY_H
#define METER_COPY_H

#include "packet.h"
#include "wire.h"

#define COPY_PAYLOAD  128 /* octets behind the IP header that are compared */
#define COPY_TAGS_MAX 8

/* Places of words, and so of their keys. */
enum copy_place {
	COPY_HEADER, /* up to five words */
	COPY_SIZE = 5,
	COPY_START,
	COPY_REST = COPY_START + COPY_PAYLOAD / 8,
	COPY_PLACES,
};

_Static_assert(2 * COPY_PLACES + 2 == COPY_KEYS, "two a word, and those of its neighbour");

struct copy_sum {
	__u64 one;
	__u64 two;
};

/* What a digest is made of: both ends of the packet, its EtherType and the keys. */
struct copy_view {
	const __u8 *at;
	const __u8 *end;
	__be16 type;
	const volatile __u32 *keys;
};

METER_INLINE void copy_add(struct copy_sum *sum, const volatile __u32 *keys, __u64 word)
{
	const __u32 low = (__u32)word;
	const __u32 high = (__u32)(word >> 32);

	sum->one += (__u64)(low + keys[0]) * (high + keys[1]);
	sum->two += (__u64)(low + keys[2]) * (high + keys[3]);
}

METER_INLINE __u64 copy_load(const __u8 *at)
{
	return ((const struct wire_word *)(const void *)at)->word;
}

/* Fewer than eight octets. */
METER_INLINE __u64 copy_load_some(const struct copy_view *view, __u32 octets)
{
	__u64 word = 0;

	for (__u32 i = 0; i < 7; i++) {
		if (i >= octets || view->at + i + 1 > view->end)
			break;
		word |= (__u64)view->at[i] << 8 * i;
	}
	return word;
}

/* What is there of so many octets. */
METER_INLINE void copy_add_start(struct copy_sum *sum, const struct copy_view *view, __u32 meant)
{
	const __u64 there = (__u64)(view->end - view->at);
	__u64 octets = meant < COPY_PAYLOAD ? meant : COPY_PAYLOAD;
	__u64 back;

	if (octets > there)
		octets = there;
	copy_add(sum, view->keys + 2 * COPY_SIZE, octets | (__u64)view->type << 32);
	for (__u32 i = 0; i < COPY_PAYLOAD / 8; i++) {
		const __u8 *at = view->at + 8 * i;

		if (8 * i + 8 > octets || at + 8 > view->end)
			break;
		copy_add(sum, view->keys + 2 * (COPY_START + i), copy_load(at));
	}
	if (octets < 8) {
		copy_add(sum, view->keys + 2 * COPY_REST, copy_load_some(view, (__u32)octets));
		return;
	}
	/* The last eight, of which some came before: so no load needs to be shorter. */
	back = octets - 8;
	asm volatile("" : "+r"(back));
	back &= COPY_PAYLOAD - 1; /* as the verifier, which has forgotten, must see */
	if (view->at + back + 8 <= view->end)
		copy_add(sum, view->keys + 2 * COPY_REST, copy_load(view->at + back));
}

METER_INLINE void copy_add_ipv4(struct copy_sum *sum, struct copy_view *view)
{
	const struct wire_ipv4 *ip = (const void *)view->at;
	const __u32 total = bpf_ntohs(ip->total_length);
	__u32 header = (ip->version_ihl & 0x0fu) * 4;

	copy_add(sum, view->keys, copy_load(view->at) & bpf_be64_to_cpu(0xff00ffffffffffffULL));
	copy_add(sum, view->keys + 2,
		 copy_load(view->at + 8) & bpf_be64_to_cpu(0x00ff0000ffffffffULL));
	copy_add(sum, view->keys + 4, ip->destination);
	if (header < sizeof(*ip) || view->at + header > view->end)
		header = sizeof(*ip);
	view->at += header;
	/* Offloads leave no length in captures of the sender; what is behind the packet is padding.
	 */
	if (total == 0)
		copy_add_start(sum, view, COPY_PAYLOAD);
	else
		copy_add_start(sum, view, total > header ? total - header : 0);
}

METER_INLINE void copy_add_ipv6(struct copy_sum *sum, struct copy_view *view)
{
	const struct wire_ipv6 *ip = (const void *)view->at;
	const __u32 octets = bpf_ntohs(ip->payload_length);

	/* The traffic class lies in two octets. */
	copy_add(sum, view->keys, copy_load(view->at) & bpf_be64_to_cpu(0xf00fffffffffff00ULL));
	for (__u32 i = 1; i < sizeof(*ip) / 8; i++)
		copy_add(sum, view->keys + 2 * i, copy_load(view->at + 8 * i));
	view->at += sizeof(*ip);
	copy_add_start(sum, view, octets ? octets : COPY_PAYLOAD);
}

METER_INLINE void copy_add_network(struct copy_sum *sum, struct copy_view *view)
{
	if (view->type == bpf_htons(WIRE_ETH_IPV4) &&
	    view->at + sizeof(struct wire_ipv4) <= view->end)
		copy_add_ipv4(sum, view);
	else if (view->type == bpf_htons(WIRE_ETH_IPV6) &&
		 view->at + sizeof(struct wire_ipv6) <= view->end)
		copy_add_ipv6(sum, view);
	else
		copy_add_start(sum, view, COPY_PAYLOAD);
}

METER_INLINE void copy_skip_ethernet(struct copy_view *view)
{
	const struct wire_eth *eth = (const void *)view->at;

	if (view->at + sizeof(*eth) > view->end)
		return;
	view->type = eth->type;
	view->at += sizeof(*eth);
	for (int i = 0; i < COPY_TAGS_MAX && is_tag(view->type); i++) {
		const struct wire_vlan *tag = (const void *)view->at;

		if (view->at + sizeof(*tag) > view->end)
			break;
		view->type = tag->type;
		view->at += sizeof(*tag);
	}
}

/* Never 0. view: the whole frame, without a type. */
METER_INLINE __u64 copy_digest(struct copy_view *view, enum meter_link link)
{
	struct copy_sum sum = {};
	__u64 digest;

	if (link == METER_LINK_ETHERNET)
		copy_skip_ethernet(view);
	else if (view->at + 1 <= view->end && *view->at >> 4 == 6)
		view->type = bpf_htons(WIRE_ETH_IPV6);
	else
		view->type = bpf_htons(WIRE_ETH_IPV4);
	copy_add_network(&sum, view);
	digest = (sum.one + (sum.two << 32 | sum.two >> 32)) * 0x9e3779b97f4a7c15ULL;
	digest ^= digest >> 32;
	return digest ? digest : 1;
}

/* Interfaces are not read in the order of time, so a copy may be the earlier one. */
METER_INLINE bool copy_is_near(__u64 a, __u64 b, __u64 window_ns)
{
	return (a > b ? a - b : b - a) <= window_ns;
}

#endif
