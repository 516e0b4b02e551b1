/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What may lie between two headers that have addresses: tags, labels, PPP and their like. None of
 * them is a tunnel by itself: they are passed by, on a link and in tunnels alike. */
#ifndef METER_PARSE_LAYER_H
#define METER_PARSE_LAYER_H

#include "packet.h"
#include "wire.h"

#define PARSE_LAYERS_MAX 12
#define PARSE_LABELS_MAX 8

METER_INLINE __u16 load16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

METER_INLINE __u32 load32(const __u8 *at)
{
	return (__u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* Past so many octets, and what lies there. */
METER_INLINE int layer_next(struct packet *pkt, __u32 octets, __u16 type)
{
	if (octets > pkt->left)
		return METER_NOT_IP;
	packet_skip(pkt, octets);
	pkt->type = bpf_htons(type);
	return METER_OK;
}

/* A mirror's frame is what counts, as if it had been seen where it was mirrored. */
METER_INLINE bool layer_is_mirrored(const meter_ctx *ctx, const struct packet *pkt)
{
	return ctx_tunnels(ctx)->mirrors >> (pkt->key.tunnel & 31) & 1;
}

METER_INLINE int layer_ethernet(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, sizeof(struct wire_eth)))
		return METER_TRUNCATED;
	if (layer_is_mirrored(ctx, pkt) && ctx_detail(ctx) >= FLOW_DETAIL_FULL)
		__builtin_memcpy(pkt->macs, at, sizeof(pkt->macs));
	return layer_next(pkt, sizeof(struct wire_eth), load16(at + 12));
}

METER_INLINE int layer_tag(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, sizeof(struct wire_vlan)))
		return METER_TRUNCATED;
	if (pkt->key.vlan == 0 && (pkt->key.tunnel == TUNNEL_NONE || layer_is_mirrored(ctx, pkt)))
		pkt->key.vlan = load16(at) & 0xfff;
	return layer_next(pkt, sizeof(struct wire_vlan), load16(at + 2));
}

/* Whether Ethernet with something known in it begins here. */
METER_INLINE bool layer_is_ethernet(const meter_ctx *ctx, const struct packet *pkt, const __u8 *at)
{
	__u16 type;

	if (!packet_has_left(ctx, pkt, at, sizeof(struct wire_eth)))
		return false;
	type = load16(at + 12);
	return type == WIRE_ETH_IPV4 || type == WIRE_ETH_IPV6 || type == WIRE_ETH_MPLS ||
	       is_tag(bpf_htons(type));
}

/* Where a control word would begin: RFC 4385 has zeros there, but so have many makers' addresses,
 * and the word may be left out. */
METER_INLINE __u32 layer_control_word(const meter_ctx *ctx, const struct packet *pkt,
				      const __u8 *at)
{
	if (at[0] >> 4)
		return 0;
	return layer_is_ethernet(ctx, pkt, at) && !layer_is_ethernet(ctx, pkt, at + 4) ? 0 : 4;
}

/* Below the labels nothing says what follows: IP by its version and a length that fits, else
 * Ethernet. */
METER_INLINE int layer_unlabelled(const meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at = packet_at(ctx, pkt);
	__u32 length;

	if (!packet_has_left(ctx, pkt, at, 6))
		return METER_TRUNCATED;
	length = load16(at + 2);
	if (at[0] >> 4 == 4 && (at[0] & 15) >= 5 && length >= 20 &&
	    (length <= pkt->left || !layer_is_ethernet(ctx, pkt, at)))
		return layer_next(pkt, 0, WIRE_ETH_IPV4);
	length = load16(at + 4);
	if (at[0] >> 4 == 6 &&
	    (length + sizeof(struct wire_ipv6) <= pkt->left || !layer_is_ethernet(ctx, pkt, at)))
		return layer_next(pkt, 0, WIRE_ETH_IPV6);
	if (at[0] >> 4 == 1)
		return METER_NOT_IP; /* the channel of the label's own */
	return layer_next(pkt, layer_control_word(ctx, pkt, at), WIRE_ETH_BRIDGED);
}

/* Room to say what the link wraps the packet in. NULL: nobody asks, it was said of a link around
 * this one, or this is in a tunnel, whose own it is. */
METER_INLINE struct flow_outer *layer_wraps(const meter_ctx *ctx, struct packet *pkt, __u8 option)
{
	struct flow_outer *outer;

	if (ctx_detail(ctx) < FLOW_DETAIL_FULL || pkt->options & option || pkt->depth > 0)
		return NULL;
	if (pkt->key.tunnel != TUNNEL_NONE && !layer_is_mirrored(ctx, pkt))
		return NULL;
	outer = packet_outer(pkt);
	if (!outer)
		return NULL;
	if (!(pkt->options & PACKET_WRAPPED))
		__builtin_memset(outer, 0, sizeof(*outer));
	pkt->options |= option;
	return outer;
}

METER_INLINE int layer_labels(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	struct flow_outer *outer = layer_wraps(ctx, pkt, PACKET_LABEL);

	for (int i = 0; i < PARSE_LABELS_MAX; i++, at += 4) {
		if (!packet_has_left(ctx, pkt, at, 4))
			return METER_TRUNCATED;
		if (i == 0 && outer)
			__builtin_memcpy(outer->label, at, sizeof(outer->label));
		packet_skip(pkt, 4);
		if (!(at[2] & 1))
			continue;
		if (pkt->key.tunnel == TUNNEL_MPLS)
			pkt->key.tunnel_id = load32(at) >> 12;
		return layer_unlabelled(ctx, pkt);
	}
	return METER_TOO_DEEP;
}

/* With address and control octets or without, the protocol in two octets or in one. */
METER_INLINE int layer_ppp(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	__u32 octets = 2;
	__u16 proto;

	if (!packet_has_left(ctx, pkt, at, 4))
		return METER_TRUNCATED;
	if (at[0] == 0xff && at[1] == 0x03) {
		at += 2;
		octets += 2;
	}
	proto = load16(at);
	if (at[0] & 1) {
		proto = at[0];
		octets--;
	}
	switch (proto) {
	case 0x0021:
		return layer_next(pkt, octets, WIRE_ETH_IPV4);
	case 0x0057:
		return layer_next(pkt, octets, WIRE_ETH_IPV6);
	case 0x0281:
	case 0x0283:
		return layer_next(pkt, octets, WIRE_ETH_MPLS);
	default:
		return METER_NOT_IP;
	}
}

METER_INLINE int layer_pppoe(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	struct flow_outer *outer;

	if (!packet_has_left(ctx, pkt, at, 6))
		return METER_TRUNCATED;
	if (at[0] != 0x11 || at[1] != 0)
		return METER_NOT_IP;
	outer = layer_wraps(ctx, pkt, PACKET_SESSION);
	if (outer)
		outer->session = load16(at + 2);
	return layer_next(pkt, 6, WIRE_ETH_PPP);
}

/* RFC 8300, and what VXLAN-GPE shares with it: the number of the next protocol. */
METER_INLINE int layer_next_protocol(struct packet *pkt, __u32 octets, __u8 next)
{
	switch (next) {
	case 1:
		return layer_next(pkt, octets, WIRE_ETH_IPV4);
	case 2:
		return layer_next(pkt, octets, WIRE_ETH_IPV6);
	case 3:
		return layer_next(pkt, octets, WIRE_ETH_BRIDGED);
	case 4:
		return layer_next(pkt, octets, WIRE_ETH_NSH);
	case 5:
		return layer_next(pkt, octets, WIRE_ETH_MPLS);
	default:
		return METER_NOT_IP;
	}
}

METER_INLINE int layer_nsh(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_TRUNCATED;
	if (at[0] >> 6 || (at[1] & 0x3f) < 2)
		return METER_NOT_IP;
	return layer_next_protocol(pkt, (at[1] & 0x3f) * 4, at[3]);
}

/* Where Ethernet has a length instead of a type. */
METER_INLINE int layer_llc(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_NOT_IP;
	if (at[0] == 0x06 && at[1] == 0x06 && at[2] == 0x03)
		return layer_next(pkt, 3, WIRE_ETH_BARE);
	if (at[0] != 0xaa || at[1] != 0xaa || at[2] != 0x03)
		return METER_NOT_IP;
	if (at[3] == 0 && at[4] == 0 && (at[5] == 0 || at[5] == 0xf8))
		return layer_next(pkt, 8, load16(at + 6));
	if (at[3] == 0 && at[4] == 0x80 && at[5] == 0xc2 && (at[7] == 1 || at[7] == 7))
		return layer_next(pkt, 8, WIRE_ETH_BRIDGED);
	return METER_NOT_IP;
}

METER_INLINE int layer_bare(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, 1))
		return METER_TRUNCATED;
	if (at[0] >> 4 == 4)
		return layer_next(pkt, 0, WIRE_ETH_IPV4);
	return at[0] >> 4 == 6 ? layer_next(pkt, 0, WIRE_ETH_IPV6) : METER_NOT_IP;
}

/* One layer. METER_OK: behind it lies what pkt->type says now. */
METER_APART int parse_layer(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	__u16 type;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	type = bpf_ntohs(pkt->type);
	switch (type) {
	case WIRE_ETH_VLAN:
	case WIRE_ETH_PROVIDER:
	case WIRE_ETH_QINQ_OLD:
		return layer_tag(ctx, pkt, at);
	case WIRE_ETH_BRIDGED:
		return layer_ethernet(ctx, pkt, at);
	case WIRE_ETH_MPLS:
	case WIRE_ETH_MPLS_MANY:
		return layer_labels(ctx, pkt, at);
	case WIRE_ETH_PPPOE:
		return layer_pppoe(ctx, pkt, at);
	case WIRE_ETH_PPP:
		return layer_ppp(ctx, pkt, at);
	case WIRE_ETH_NSH:
		return layer_nsh(ctx, pkt, at);
	case WIRE_ETH_BACKBONE:
		return layer_next(pkt, 4, WIRE_ETH_BRIDGED);
	case WIRE_ETH_BARE:
		return layer_bare(ctx, pkt, at);
	default:
		return type < WIRE_ETH_LENGTH ? layer_llc(ctx, pkt, at) : METER_NOT_IP;
	}
}

/* Down to an IP header. */
METER_APART int parse_layers(meter_ctx *ctx, struct packet *pkt)
{
	int verdict;

	if (!pkt)
		return METER_TRUNCATED;
	for (int i = 0; i < PARSE_LAYERS_MAX; i++) {
		if (pkt->type == bpf_htons(WIRE_ETH_IPV4) || pkt->type == bpf_htons(WIRE_ETH_IPV6))
			return METER_OK;
		verdict = parse_layer(ctx, pkt);
		if (verdict != METER_OK)
			return verdict;
	}
	return METER_TOO_DEEP;
}

#endif
