/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IPv4 with options, IPv6 with extension headers, fragments of both. */
#ifndef METER_PARSE_IP_H
#define METER_PARSE_IP_H

#include "fragment.h"
#include "parse_l4.h"

#define PARSE_EXTENSIONS_MAX 8

/* Octets from here to the frame's end on the wire, for packets whose IP length field is 0:
 * segmentation offload hands up packets longer than the field can say. */
METER_INLINE __u32 wire_left(const struct packet *pkt)
{
	return pkt->frame_octets > pkt->offset ? pkt->frame_octets - pkt->offset : 0;
}

METER_STEP int parse_ipv4(meter_ctx *ctx, struct packet *pkt)
{
	const struct wire_ipv4 *ip;
	__u32 header;
	__u16 word;

	if (!pkt)
		return METER_TRUNCATED;
	ip = (const void *)packet_at(ctx, pkt);
	if (!packet_has(ctx, (const __u8 *)ip, sizeof(*ip)))
		return METER_TRUNCATED;
	header = (ip->version_ihl & 0x0f) * 4;
	if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip))
		return METER_BAD_IP_HEADER;
	if (!packet_has(ctx, (const __u8 *)ip, header))
		return METER_TRUNCATED;
	pkt->left = bpf_ntohs(ip->total_length);
	if (pkt->left == 0)
		pkt->left = wire_left(pkt);
	if (pkt->left < header)
		return METER_BAD_IP_HEADER;
	pkt->octets = pkt->left;
	pkt->ttl = ip->ttl;
	pkt->tos = ip->tos;
	pkt->key.version = 4;
	pkt->key.proto = ip->proto;
	pkt->key.low[1] = (__u64)ip->source << 32 | bpf_htonl(0xffff);
	pkt->key.high[1] = (__u64)ip->destination << 32 | bpf_htonl(0xffff);
	pkt->fragment_id = ip->id;
	word = bpf_ntohs(ip->fragment);
	if (word & WIRE_IPV4_OFFSET)
		pkt->fragment = PACKET_LATER_FRAGMENT;
	else if (word & WIRE_IPV4_MORE_FRAGMENTS)
		pkt->fragment = PACKET_FIRST_FRAGMENT;
	packet_skip(pkt, header);
	return METER_OK;
}

/* RFC 2675: the length of a packet whose length field is 0 stands in its first option. One that
 * would not fit beside the header's own octets is no length. */
METER_INLINE __u32 jumbo_length(const meter_ctx *ctx, const struct packet *pkt, const __u8 *at)
{
	const struct wire_extension *option = (const void *)at;
	__u32 length;

	if (pkt->key.proto != WIRE_IP_HOP_BY_HOP || !packet_has(ctx, at, sizeof(*option)))
		return 0;
	if (option->option != WIRE_IPV6_JUMBO || option->option_length != 4)
		return 0;
	length = bpf_ntohl(option->option_value);
	return length <= ~0U - sizeof(struct wire_ipv6) ? length : 0;
}

METER_INLINE bool is_extension(__u8 next)
{
	return next == WIRE_IP_HOP_BY_HOP || next == WIRE_IP_ROUTING ||
	       next == WIRE_IP_DESTINATION || next == WIRE_IP_FRAGMENT;
}

METER_INLINE void parse_fragment_header(struct packet *pkt, const struct wire_ipv6_fragment *frag)
{
	__u16 word = bpf_ntohs(frag->offset);

	pkt->fragment_id = frag->id;
	pkt->fragment_proto = frag->next;
	if (word & WIRE_IPV6_OFFSET)
		pkt->fragment = PACKET_LATER_FRAGMENT;
	else if (word & WIRE_IPV6_MORE_FRAGMENTS)
		pkt->fragment = PACKET_FIRST_FRAGMENT;
}

/* One extension header; false when it is cut. */
METER_INLINE bool parse_extension(const meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at = packet_at(ctx, pkt);
	const struct wire_extension *ext = (const void *)at;
	__u32 length = 8;

	if (!packet_has_left(ctx, pkt, at, sizeof(struct wire_ipv6_fragment)))
		return false;
	if (pkt->key.proto == WIRE_IP_FRAGMENT)
		parse_fragment_header(pkt, (const void *)at);
	else
		length = (ext->length + 1) * 8;
	if (length > pkt->left)
		return false;
	pkt->key.proto = ext->next;
	packet_skip(pkt, length);
	return true;
}

/* The chain of extension headers. One that is cut keys the packet by where it was cut. */
METER_STEP int parse_extensions(meter_ctx *ctx, struct packet *pkt)
{
	if (!pkt)
		return METER_TRUNCATED;
	for (int i = 0; i < PARSE_EXTENSIONS_MAX; i++) {
		if (!is_extension(pkt->key.proto) || pkt->fragment == PACKET_LATER_FRAGMENT)
			return METER_OK;
		if (!parse_extension(ctx, pkt)) {
			pkt->state |= FLOW_L4_CUT;
			return METER_OK;
		}
	}
	return METER_TOO_DEEP;
}

METER_STEP int parse_ipv6(meter_ctx *ctx, struct packet *pkt)
{
	const struct wire_ipv6 *ip;
	const __u8 *at;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	ip = (const void *)at;
	if (!packet_has(ctx, at, sizeof(*ip)))
		return METER_TRUNCATED;
	if ((bpf_ntohl(ip->version_class_label) >> 28) != 6)
		return METER_BAD_IP_HEADER;
	pkt->ttl = ip->hop_limit;
	pkt->tos = (bpf_ntohl(ip->version_class_label) >> 20) & 0xff;
	pkt->key.version = 6;
	pkt->key.proto = ip->next;
	__builtin_memcpy(pkt->key.low, ip->source, 16);
	__builtin_memcpy(pkt->key.high, ip->destination, 16);
	pkt->offset += sizeof(*ip);
	pkt->left = bpf_ntohs(ip->payload_length);
	if (pkt->left == 0 && pkt->key.proto != WIRE_IP_NONE) {
		pkt->left = jumbo_length(ctx, pkt, at + sizeof(*ip));
		if (pkt->left == 0)
			pkt->left = wire_left(pkt);
	}
	pkt->octets = pkt->left + sizeof(*ip);
	return METER_OK;
}

/* What the IP header carries. */
METER_INLINE int parse_payload(meter_ctx *ctx, struct packet *pkt)
{
	if (pkt->fragment == PACKET_LATER_FRAGMENT) {
		pkt->payload = pkt->left;
		return parse_fragment(ctx, pkt);
	}
	if (!(pkt->state & FLOW_L4_CUT))
		parse_l4(ctx, pkt);
	if (pkt->tcp_flags & WIRE_TCP_SYN && ctx_detail(ctx) >= FLOW_DETAIL_TCP)
		parse_tcp_options(ctx, pkt);
	if (pkt->fragment == PACKET_FIRST_FRAGMENT)
		return parse_fragment(ctx, pkt);
	return METER_OK;
}

#endif
