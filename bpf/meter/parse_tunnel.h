/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets in packets. Each tunnel is entered on trial: where what it carries is no whole IP header,
 * or nothing that can be followed, the packet is what it was before, and counts as its carrier. So
 * no packet is set aside for what is inside it.
 *
 *     parse_l4() ──► carries? ──► parse_carrier() ──► parse_layers() ──► parse_ip() ──► parse_l4()
 *                       ▲  no: done                                                        │
 *                       └──────────────────────────────────────────────────────────────────┘
 */
#ifndef METER_PARSE_TUNNEL_H
#define METER_PARSE_TUNNEL_H

#include "key.h"
#include "parse_carrier.h"
#include "parse_ip.h"

/* Kinds whose identifier belongs to the receiver: as part of the key it would make two flows of
 * one. */
#define TUNNELS_ONE_WAY                                                                   \
	(1u << TUNNEL_PPTP | 1u << TUNNEL_GTPU | 1u << TUNNEL_L2TP | 1u << TUNNEL_L2TP3 | \
	 1u << TUNNEL_MPLS)

/* One more than user's tunnels may be mirrors'. */
#define PARSE_TUNNELS_MAX (TUNNELS_MAX + 2)

METER_INLINE int parse_ip(meter_ctx *ctx, struct packet *pkt)
{
	int verdict;

	if (pkt->type == bpf_htons(WIRE_ETH_IPV4))
		return parse_ipv4(ctx, pkt);
	verdict = parse_ipv6(ctx, pkt);
	if (verdict == METER_OK && is_extension(pkt->key.proto))
		verdict = parse_extensions(ctx, pkt);
	return verdict;
}

/* As it was before it was parsed, but for where the parser is. */
METER_INLINE void tunnel_begin(struct packet *pkt, const struct packet *carrier)
{
	clear_lines(pkt);
	pkt->now_ns = carrier->now_ns;
	pkt->frame_octets = carrier->frame_octets;
	pkt->iface = carrier->iface;
	pkt->offset = carrier->offset;
	pkt->left = carrier->left;
	pkt->depth = carrier->depth;
	pkt->options = carrier->options & PACKET_WRAPPED;
	pkt->key.vlan = carrier->key.vlan;
	pkt->key.tunnel = carrier->carries;
	__builtin_memcpy(pkt->macs, carrier->macs, sizeof(pkt->macs));
}

METER_INLINE int tunnel_enter(meter_ctx *ctx, struct packet *pkt, const struct packet *carrier)
{
	int verdict = METER_OK;

	tunnel_begin(pkt, carrier);
	if (carrier->key.proto == WIRE_IP_UDP)
		verdict = layer_next(pkt, 8, 0);
	if (verdict == METER_OK)
		verdict = parse_carrier(ctx, pkt);
	if (verdict != METER_OK)
		return verdict;
	if (!(ctx_tunnels(ctx)->entered >> (pkt->key.tunnel & 31) & 1))
		return METER_NOT_IP;
	if (layer_is_mirrored(ctx, pkt)) {
		pkt->key.vlan = 0;
		if (pkt->depth == 0)
			pkt->options = 0;
	}
	verdict = parse_layers(ctx, pkt);
	if (verdict == METER_OK)
		verdict = parse_ip(ctx, pkt);
	if (verdict == METER_OK)
		verdict = parse_payload(ctx, pkt);
	return verdict;
}

METER_INLINE __u64 tunnel_fold(const __u64 *address)
{
	__u64 h = (address[0] * 0x9e3779b97f4a7c15ULL ^ address[1]) * 0xbf58476d1ce4e5b9ULL;

	return h ^ h >> 32;
}

/* Of the carrier's addresses, the same both ways. */
METER_INLINE __u32 tunnel_digest(const struct packet *carrier)
{
	__u64 sum = tunnel_fold(carrier->key.low) + tunnel_fold(carrier->key.high);

	return sum ^ sum >> 32;
}

/* NULL: nobody asks what is around it. */
METER_INLINE struct flow_outer *tunnel_outer_of(const meter_ctx *ctx, const struct packet *pkt)
{
	return ctx_detail(ctx) >= FLOW_DETAIL_FULL ? packet_outer(pkt) : NULL;
}

/* Who carried it. */
METER_INLINE void tunnel_keep(const meter_ctx *ctx, struct packet *pkt,
			      const struct packet *carrier)
{
	struct flow_outer *outer;

	if (layer_is_mirrored(ctx, pkt)) {
		pkt->key.tunnel = carrier->key.tunnel;
		pkt->key.tunnel_id = carrier->key.tunnel_id;
		return;
	}
	pkt->depth = carrier->depth + 1;
	outer = tunnel_outer_of(ctx, pkt);
	if (outer) {
		if (!(pkt->options & PACKET_WRAPPED))
			outer->rest = 0;
		__builtin_memcpy(outer->source, carrier->key.low, 16);
		__builtin_memcpy(outer->destination, carrier->key.high, 16);
		outer->source_port = carrier->key.low_port;
		outer->destination_port = carrier->key.high_port;
		outer->id = pkt->key.tunnel_id;
		outer->proto = carrier->key.proto;
		outer->version = carrier->key.version;
		outer->depth = pkt->depth;
	}
	if (TUNNELS_ONE_WAY >> (pkt->key.tunnel & 31) & 1)
		pkt->key.tunnel_id = 0;
	if (ctx_tunnels(ctx)->carrier_keys)
		pkt->key.tunnel_id = pkt->key.tunnel_id * 0x9e3779b1 + tunnel_digest(carrier);
}

/* A carrier's later fragments may be held for this one, which is about to be forgotten. Where two
 * carriers around a packet are in fragments, those of the outer one are orphans. */
METER_INLINE void tunnel_keep_first(const meter_ctx *ctx, struct packet *pkt,
				    const struct packet *carrier)
{
	struct packet *first = ctx_carrier_first(ctx);

	pkt->pieces |= carrier->pieces & PIECE_CARRIER;
	if (!(carrier->pieces & PIECE_FIRST) || !first)
		return;
	copy_lines(first, carrier);
	key_order(first);
	pkt->pieces |= PIECE_CARRIER;
}

/* 1: it was in a tunnel, and is now what that carries. */
METER_APART int parse_tunnel(meter_ctx *ctx, struct packet *pkt)
{
	struct packet *carrier = ctx_carrier(ctx);
	struct flow_outer *outer;
	__u64 rest;

	if (!pkt || !carrier)
		return 0;
	copy_lines(carrier, pkt);
	outer = tunnel_outer_of(ctx, pkt);
	rest = outer ? outer->rest : 0;
	if (tunnel_enter(ctx, pkt, carrier) != METER_OK) {
		copy_lines(pkt, carrier);
		if (outer)
			outer->rest = rest; /* a mirrored frame's link may be in its place */
		return 0;
	}
	tunnel_keep(ctx, pkt, carrier);
	tunnel_keep_first(ctx, pkt, carrier);
	return 1;
}

METER_APART int parse_tunnels(meter_ctx *ctx, struct packet *pkt)
{
	if (!pkt)
		return 0;
	for (int i = 0; i < PARSE_TUNNELS_MAX; i++) {
		if (!pkt->carries || pkt->depth >= TUNNELS_MAX || !parse_tunnel(ctx, pkt))
			break;
	}
	return 0;
}

#endif
