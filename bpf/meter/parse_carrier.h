/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The headers that make a packet a tunnel's: from behind its transport or IP header to what it
 * carries. Each says of which kind it is (key.tunnel), its identifier (key.tunnel_id) and what lies
 * behind (type). Anything but METER_OK: it carries nothing that can be followed. */
#ifndef METER_PARSE_CARRIER_H
#define METER_PARSE_CARRIER_H

#include "parse_layer.h"

#define PARSE_GTP_EXTENSIONS_MAX 8
#define PARSE_TZSP_TAGS_MAX	 16

enum {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080, /* version 1 */
	GRE_VERSION = 0x0007,
	GRE_EOIP = 0x2001, /* all of MikroTik's flags */
};

/* RFC 2637: only PPP, and an acknowledgement alone carries nothing. */
METER_INLINE int carrier_pptp(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	__u16 flags = load16(at);

	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_TRUNCATED;
	if (flags == GRE_EOIP && load16(at + 2) == WIRE_ETH_EOIP) {
		pkt->key.tunnel = TUNNEL_EOIP;
		pkt->key.tunnel_id = at[7] << 8 | at[6];
		return layer_next(pkt, 8, WIRE_ETH_BRIDGED);
	}
	if (load16(at + 2) != WIRE_ETH_PPP || !(flags & GRE_KEY) || !(flags & GRE_SEQUENCE))
		return METER_NOT_IP;
	pkt->key.tunnel = TUNNEL_PPTP;
	pkt->key.tunnel_id = load16(at + 6);
	return layer_next(pkt, flags & GRE_ACK ? 16 : 12, WIRE_ETH_PPP);
}

/* Behind the GRE header: nothing (I), 8 octets (II), 12 or 20 (III). */
METER_APART int carrier_erspan(meter_ctx *ctx, struct packet *pkt, __u32 sequenced)
{
	const __u8 *at;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	pkt->key.tunnel = TUNNEL_ERSPAN;
	if (pkt->type == bpf_htons(WIRE_ETH_ERSPAN) && !sequenced)
		return layer_next(pkt, 0, WIRE_ETH_BRIDGED);
	if (!packet_has_left(ctx, pkt, at, 12))
		return METER_TRUNCATED;
	pkt->key.tunnel_id = load16(at + 2) & 0x3ff;
	if (pkt->type == bpf_htons(WIRE_ETH_ERSPAN))
		return layer_next(pkt, 8, WIRE_ETH_BRIDGED);
	/* Frame type 2 is IP without Ethernet. */
	return layer_next(pkt, at[11] & 1 ? 20 : 12,
			  (at[10] >> 2 & 0x1f) == 2 ? WIRE_ETH_BARE : WIRE_ETH_BRIDGED);
}

/* RFC 2784 and 2890. */
METER_APART int carrier_gre(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	__u16 flags;
	__u16 type;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 4))
		return METER_TRUNCATED;
	flags = load16(at);
	type = load16(at + 2);
	if ((flags & GRE_VERSION) == 1)
		return carrier_pptp(ctx, pkt, at);
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return METER_NOT_IP;
	if (layer_next(pkt, flags & GRE_CHECKSUM ? 8 : 4, type) != METER_OK)
		return METER_NOT_IP;
	if (flags & GRE_KEY) {
		at = packet_at(ctx, pkt);
		if (!packet_has_left(ctx, pkt, at, 4))
			return METER_TRUNCATED;
		pkt->key.tunnel_id = load32(at);
		packet_skip(pkt, 4);
	}
	if (layer_next(pkt, flags & GRE_SEQUENCE ? 4 : 0, type) != METER_OK ||
	    type < WIRE_ETH_LENGTH)
		return METER_NOT_IP;
	if (type == WIRE_ETH_ERSPAN || type == WIRE_ETH_ERSPAN_3)
		return carrier_erspan(ctx, pkt, flags & GRE_SEQUENCE);
	if (type == WIRE_ETH_BRIDGED && flags & GRE_KEY) {
		pkt->key.tunnel = TUNNEL_NVGRE;
		pkt->key.tunnel_id >>= 8; /* RFC 7637: the rest tells streams apart */
	}
	return METER_OK;
}

METER_INLINE int carrier_vxlan(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_TRUNCATED;
	if (!(at[0] & 0x08))
		return METER_NOT_IP;
	pkt->key.tunnel_id = load32(at + 4) >> 8;
	if (pkt->key.tunnel == TUNNEL_VXLAN_GPE && at[0] & 0x04)
		return layer_next_protocol(pkt, 8, at[3]);
	return layer_next(pkt, 8, WIRE_ETH_BRIDGED);
}

METER_INLINE int carrier_geneve(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_TRUNCATED;
	if (at[0] >> 6)
		return METER_NOT_IP;
	pkt->key.tunnel_id = load32(at + 4) >> 8;
	return layer_next(pkt, 8 + (at[0] & 0x3f) * 4, load16(at + 2));
}

/* One extension header of GTP-U; its last octet says what comes next, or -1. */
METER_APART int carrier_gtp_extension(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	__u32 octets;

	if (!pkt)
		return -1;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 1))
		return -1;
	octets = at[0] * 4;
	if (octets == 0 || octets > pkt->left)
		return -1;
	packet_skip(pkt, octets - 1);
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 1))
		return -1;
	packet_skip(pkt, 1);
	return at[0];
}

/* 3GPP TS 29.281: only T-PDUs carry packets. */
METER_APART int carrier_gtpu(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	int extension;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 12))
		return METER_TRUNCATED;
	if (at[0] >> 4 != 3 || at[1] != 0xff)
		return METER_NOT_IP;
	pkt->key.tunnel_id = load32(at + 4);
	extension = at[0] & 4 ? at[11] : 0;
	packet_skip(pkt, at[0] & 7 ? 12 : 8);
	for (int i = 0; i < PARSE_GTP_EXTENSIONS_MAX && extension > 0; i++)
		extension = carrier_gtp_extension(ctx, pkt);
	return extension ? METER_NOT_IP : layer_next(pkt, 0, WIRE_ETH_BARE);
}

/* RFC 4380: authentication and origin may stand before the IPv6 header. */
METER_APART int carrier_teredo(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_TRUNCATED;
	if (load16(at) == 1) {
		if (layer_next(pkt, 13 + at[2] + at[3], 0) != METER_OK)
			return METER_NOT_IP;
		at = packet_at(ctx, pkt);
		if (!packet_has_left(ctx, pkt, at, 8))
			return METER_TRUNCATED;
	}
	if (load16(at) == 0) {
		packet_skip(pkt, 8);
		at = packet_at(ctx, pkt);
		if (!packet_has_left(ctx, pkt, at, 1))
			return METER_TRUNCATED;
	}
	return at[0] >> 4 == 6 ? layer_next(pkt, 0, WIRE_ETH_IPV6) : METER_NOT_IP;
}

/* RFC 3931: how long the cookie is, and whether a sublayer follows, was agreed upon elsewhere. */
METER_INLINE int carrier_l2tp3(const meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at = packet_at(ctx, pkt);

	if (!packet_has_left(ctx, pkt, at, 4))
		return METER_TRUNCATED;
	pkt->key.tunnel = TUNNEL_L2TP3;
	pkt->key.tunnel_id = load32(at);
	if (pkt->key.tunnel_id == 0)
		return METER_NOT_IP; /* control */
	for (__u32 octets = 4; octets <= 16; octets += 4) {
		at += 4;
		if (layer_is_ethernet(ctx, pkt, at))
			return layer_next(pkt, octets, WIRE_ETH_BRIDGED);
	}
	return METER_NOT_IP;
}

METER_APART int carrier_l2tp_ip(meter_ctx *ctx, struct packet *pkt)
{
	return pkt ? carrier_l2tp3(ctx, pkt) : METER_TRUNCATED;
}

/* RFC 2661, or version 3 over UDP. */
METER_APART int carrier_l2tp(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	__u32 octets = 6;
	__u16 flags;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 8))
		return METER_TRUNCATED;
	flags = load16(at);
	if (flags & 0x8000)
		return METER_NOT_IP; /* control */
	if ((flags & 0xf) == 3) {
		packet_skip(pkt, 4);
		return carrier_l2tp3(ctx, pkt);
	}
	if ((flags & 0xf) != 2)
		return METER_NOT_IP;
	pkt->key.tunnel_id = flags & 0x4000 ? load32(at + 4) : load32(at + 2);
	octets += flags & 0x4000 ? 2 : 0;
	octets += flags & 0x0800 ? 4 : 0;
	if (layer_next(pkt, octets, 0) != METER_OK)
		return METER_NOT_IP;
	if (!(flags & 0x0200))
		return layer_next(pkt, 0, WIRE_ETH_PPP);
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 2))
		return METER_TRUNCATED;
	return layer_next(pkt, 2 + load16(at), WIRE_ETH_PPP);
}

/* One tag; 1: it was the last, -1: it is cut. */
METER_APART int carrier_tzsp_tag(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	__u32 octets;

	if (!pkt)
		return -1;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 1))
		return -1;
	if (at[0] <= 1) { /* padding, the end */
		packet_skip(pkt, 1);
		return at[0];
	}
	if (!packet_has_left(ctx, pkt, at, 2))
		return -1;
	octets = 2 + at[1];
	if (octets > pkt->left)
		return -1;
	packet_skip(pkt, octets);
	return 0;
}

METER_APART int carrier_tzsp(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;
	int end = 0;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	if (!packet_has_left(ctx, pkt, at, 5))
		return METER_TRUNCATED;
	if (at[0] != 1 || at[1] > 1 || load16(at + 2) != 1)
		return METER_NOT_IP; /* not a frame, or not of Ethernet */
	packet_skip(pkt, 4);
	for (int i = 0; i < PARSE_TZSP_TAGS_MAX && end == 0; i++)
		end = carrier_tzsp_tag(ctx, pkt);
	return end == 1 ? layer_next(pkt, 0, WIRE_ETH_BRIDGED) : METER_NOT_IP;
}

METER_INLINE int carrier_etherip(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	if (!packet_has_left(ctx, pkt, at, 2))
		return METER_TRUNCATED;
	return at[0] >> 4 == 3 ? layer_next(pkt, 2, WIRE_ETH_BRIDGED) : METER_NOT_IP;
}

/* The header of the kind that ports or protocol promised (key.tunnel); the kinds whose identifiers
 * make one kind of header into several say so themselves. */
METER_APART int parse_carrier(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	switch (pkt->key.tunnel) {
	case TUNNEL_GRE:
		return carrier_gre(ctx, pkt);
	case TUNNEL_IPIP:
		return layer_next(pkt, 0, WIRE_ETH_BARE);
	case TUNNEL_VXLAN:
	case TUNNEL_VXLAN_GPE:
		return carrier_vxlan(ctx, pkt, at);
	case TUNNEL_GENEVE:
		return carrier_geneve(ctx, pkt, at);
	case TUNNEL_GTPU:
		return carrier_gtpu(ctx, pkt);
	case TUNNEL_TEREDO:
		return carrier_teredo(ctx, pkt);
	case TUNNEL_L2TP:
		return carrier_l2tp(ctx, pkt);
	case TUNNEL_L2TP3:
		return carrier_l2tp_ip(ctx, pkt);
	case TUNNEL_MPLS:
		return layer_next(pkt, 0, WIRE_ETH_MPLS);
	case TUNNEL_TZSP:
		return carrier_tzsp(ctx, pkt);
	case TUNNEL_ETHERIP:
		return carrier_etherip(ctx, pkt, at);
	default:
		return METER_NOT_IP;
	}
}

#endif
