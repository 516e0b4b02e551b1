/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Link headers: from the first octet of the frame to the IP header. */
#ifndef METER_PARSE_LINK_H
#define METER_PARSE_LINK_H

#include "parse_tunnel.h"

#define PARSE_TAGS_MAX 8

METER_STEP int parse_ethernet(meter_ctx *ctx, struct packet *pkt)
{
	const struct wire_eth *eth = (const void *)ctx_data(ctx);
	const __u8 *at = (const __u8 *)(eth + 1);

	if (!pkt || !packet_has(ctx, (const __u8 *)eth, sizeof(*eth)))
		return METER_TRUNCATED;
	if (ctx_detail(ctx) >= FLOW_DETAIL_FULL) {
		__builtin_memcpy(pkt->macs, eth->destination, 6);
		__builtin_memcpy(pkt->macs + 6, eth->source, 6);
	}
	pkt->type = eth->type;
	pkt->offset = sizeof(*eth);
	pkt->key.vlan = ctx_vlan(ctx);
	for (int i = 0; is_tag(pkt->type); i++, at += sizeof(struct wire_vlan)) {
		const struct wire_vlan *tag = (const void *)at;

		if (i == PARSE_TAGS_MAX)
			return METER_TOO_DEEP;
		if (!packet_has(ctx, at, sizeof(*tag)))
			return METER_TRUNCATED;
		if (i == 0 && pkt->key.vlan == 0)
			pkt->key.vlan = bpf_ntohs(tag->tci) & 0xfff;
		pkt->type = tag->type;
		pkt->offset += sizeof(*tag);
	}
	return METER_OK;
}

/* Without a link header the version nibble says what EtherType would. */
METER_INLINE int parse_bare_ip(const meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at = ctx_data(ctx);

	if (!packet_has(ctx, at, 1))
		return METER_TRUNCATED;
	if (*at >> 4 == 4)
		pkt->type = bpf_htons(WIRE_ETH_IPV4);
	else if (*at >> 4 == 6)
		pkt->type = bpf_htons(WIRE_ETH_IPV6);
	else
		return METER_BAD_IP_HEADER;
	return METER_OK;
}

METER_INLINE int parse_link(meter_ctx *ctx, struct packet *pkt)
{
	switch (ctx_link(ctx)) {
	case METER_LINK_ETHERNET:
		return parse_ethernet(ctx, pkt);
	case METER_LINK_IP:
		return parse_bare_ip(ctx, pkt);
	default:
		return METER_LINK_TYPE;
	}
}

METER_INLINE int parse_network(meter_ctx *ctx, struct packet *pkt)
{
	int verdict;

	if (pkt->type != bpf_htons(WIRE_ETH_IPV4) && pkt->type != bpf_htons(WIRE_ETH_IPV6)) {
		pkt->left = wire_left(pkt);
		verdict = meter_branch(parse_layers, ctx, pkt);
		if (verdict != METER_OK)
			return verdict;
	}
	return parse_ip(ctx, pkt);
}

#if METER_SHORT_WAY
/* A TCP header without any need for a closer look; false: it has one. */
METER_INLINE bool common_tcp(const meter_ctx *ctx, struct packet *pkt, const struct wire_tcp *tcp,
			     __u32 left)
{
	__u16 word = bpf_ntohs(tcp->offset_flags);
	__u32 header = (word >> 12) * 4;

	if (header < sizeof(*tcp) || header > left)
		return false;
	if (word & WIRE_TCP_SYN && ctx_detail(ctx) >= FLOW_DETAIL_TCP)
		return false;
	pkt->seq = bpf_ntohl(tcp->seq);
	pkt->ack = bpf_ntohl(tcp->ack);
	pkt->window = bpf_ntohs(tcp->window);
	pkt->tcp_flags = word & WIRE_TCP_BITS;
	pkt->payload = left - header;
	return true;
}

/* Most packets are TCP or UDP in IPv4 without options, whole, in plain Ethernet: for them all the
 * steps at once. False: it is another packet, or one whose end is near, and nothing is written. */
METER_INLINE bool parse_common(const meter_ctx *ctx, struct packet *pkt)
{
	const struct wire_eth *eth = (const void *)ctx_data(ctx);
	const struct wire_ipv4 *ip = (const void *)(eth + 1);
	const struct wire_tcp *tcp = (const void *)(ip + 1);
	__u64 word;
	__u32 octets;

	if (ctx_link(ctx) != METER_LINK_ETHERNET ||
	    !packet_has(ctx, (const __u8 *)eth, sizeof(*eth) + sizeof(*ip) + sizeof(*tcp)))
		return false;
	octets = bpf_ntohs(ip->total_length);
	if (eth->type != bpf_htons(WIRE_ETH_IPV4) || ip->version_ihl != 0x45 ||
	    octets < sizeof(*ip) + sizeof(*tcp) ||
	    ip->fragment & bpf_htons(WIRE_IPV4_OFFSET | WIRE_IPV4_MORE_FRAGMENTS))
		return false;
	if (ip->proto == WIRE_IP_UDP) {
		if (!tunnel_ports_unlikely(ctx, tcp->source, tcp->destination))
			return false;
		pkt->payload = octets - sizeof(*ip) - 8;
	} else if (ip->proto != WIRE_IP_TCP || !common_tcp(ctx, pkt, tcp, octets - sizeof(*ip))) {
		return false;
	}
	pkt->octets = octets;
	pkt->ttl = ip->ttl;
	pkt->tos = ip->tos;
	pkt->key.low[1] = (__u64)ip->source << 32 | bpf_htonl(0xffff);
	pkt->key.high[1] = (__u64)ip->destination << 32 | bpf_htonl(0xffff);
	/* At once: see key_swap_ports(). */
	word = (__u64)tcp->source << KEY_SHIFT(low_port) |
	       (__u64)tcp->destination << KEY_SHIFT(high_port) |
	       (__u64)ctx_vlan(ctx) << KEY_SHIFT(vlan) | (__u64)ip->proto << KEY_SHIFT(proto) |
	       4ULL << KEY_SHIFT(version);
	__builtin_memcpy(&pkt->key.low_port, &word, 8);
	if (ctx_detail(ctx) >= FLOW_DETAIL_FULL) {
		__builtin_memcpy(pkt->macs, eth->destination, 6);
		__builtin_memcpy(pkt->macs + 6, eth->source, 6);
	}
	return true;
}
#endif

/* From the frame's first octet to the end of the transport header. */
METER_INLINE int parse_frame(meter_ctx *ctx, struct packet *pkt)
{
	int verdict;

#if METER_SHORT_WAY
	if (parse_common(ctx, pkt))
		return METER_OK;
#endif
	verdict = parse_link(ctx, pkt);
	if (verdict == METER_OK)
		verdict = parse_network(ctx, pkt);
	if (verdict == METER_OK)
		verdict = parse_payload(ctx, pkt);
	if (verdict == METER_OK && pkt->carries)
		meter_branch(parse_tunnels, ctx, pkt);
	return verdict;
}

#endif
