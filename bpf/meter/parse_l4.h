/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Transport headers. A header that is cut gives what it can: ports if they are there, else none,
 * and the flow says so (FLOW_L4_CUT). The packet is metered all the same: its IP header is whole.
 */
#ifndef METER_PARSE_L4_H
#define METER_PARSE_L4_H

#include "packet.h"
#include "wire.h"

#define PARSE_OPTIONS_MAX 40 /* all of them NOP */

METER_INLINE void payload_after(struct packet *pkt, __u32 header)
{
	pkt->payload = pkt->left > header ? pkt->left - header : 0;
}

METER_INLINE void parse_tcp(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	const struct wire_tcp *tcp = (const void *)at;
	__u32 header;
	__u16 word;

	if (!packet_has_left(ctx, pkt, at, 14)) {
		pkt->state |= FLOW_L4_CUT;
		return;
	}
	word = bpf_ntohs(tcp->offset_flags);
	header = (word >> 12) * 4;
	pkt->seq = bpf_ntohl(tcp->seq);
	pkt->ack = bpf_ntohl(tcp->ack);
	pkt->tcp_flags = word & WIRE_TCP_BITS;
	if (packet_has_left(ctx, pkt, at, 16))
		pkt->window = bpf_ntohs(tcp->window);
	if (header < sizeof(*tcp) || header > pkt->left)
		pkt->state |= FLOW_L4_CUT;
	else
		payload_after(pkt, header);
}

METER_INLINE bool icmp_has_id(__u8 version, __u8 type)
{
	if (version == 6)
		return type == 128 || type == 129; /* echo */
	return type == 0 || type == 8 ||	   /* echo */
	       (type >= 13 && type <= 18);	   /* time stamp, information, address mask */
}

METER_INLINE void parse_icmp(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	const struct wire_icmp *icmp = (const void *)at;

	payload_after(pkt, 8);
	if (!packet_has_left(ctx, pkt, at, 2)) {
		pkt->state |= FLOW_L4_CUT;
		return;
	}
	pkt->icmp = icmp->type << 8 | icmp->code;
	if (!icmp_has_id(pkt->key.version, icmp->type))
		return;
	if (!packet_has_left(ctx, pkt, at, 6)) {
		pkt->state |= FLOW_L4_CUT;
		return;
	}
	pkt->key.low_port = icmp->id;
	pkt->key.high_port = icmp->id;
}

METER_INLINE void parse_dccp(const meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	const struct wire_dccp *dccp = (const void *)at;

	if (packet_has_left(ctx, pkt, at, 5))
		payload_after(pkt, dccp->data_offset * 4);
	else
		pkt->state |= FLOW_L4_CUT;
}

/* Of random ports, one in a hundred is not unlikely to be a tunnel's; of those the list says. Some
 * bits of the port as it lies in the header name a bit of each word. */
METER_INLINE bool tunnel_port_unlikely(const volatile struct meter_tunnels *tunnels, __be16 port)
{
	return !(tunnels->some_port[0] >> (port >> 10) & tunnels->some_port[1] >> (port & 63) & 1);
}

METER_INLINE __u8 tunnel_of_port(const volatile struct meter_tunnels *tunnels, __be16 port)
{
	for (int i = 0; i < TUNNEL_PORTS_MAX && tunnels->kinds[i]; i++) {
		if (tunnels->ports[i] == port)
			return tunnels->kinds[i];
	}
	return TUNNEL_NONE;
}

/* These answer from their port; of the others, only what goes there is a tunnel's. */
#define TUNNELS_BOTH_PORTS (1u << TUNNEL_GTPU | 1u << TUNNEL_L2TP | 1u << TUNNEL_TEREDO)

METER_APART int tunnel_of_ports(meter_ctx *ctx, struct packet *pkt)
{
	const volatile struct meter_tunnels *tunnels = ctx_tunnels(ctx);
	__u8 kind;

	barrier_use(ctx);
	if (!pkt)
		return TUNNEL_NONE;
	kind = tunnel_of_port(tunnels, pkt->key.high_port);
	if (kind)
		return kind;
	kind = tunnel_of_port(tunnels, pkt->key.low_port);
	return TUNNELS_BOTH_PORTS >> (kind & 31) & 1 ? kind : TUNNEL_NONE;
}

METER_INLINE bool tunnel_ports_unlikely(const meter_ctx *ctx, __be16 one, __be16 other)
{
	const volatile struct meter_tunnels *tunnels = ctx_tunnels(ctx);

	return tunnel_port_unlikely(tunnels, one) && tunnel_port_unlikely(tunnels, other);
}

/* Protocols that may carry packets; of GRE its own header says which kind it is. */
METER_INLINE __u8 tunnel_of_protocol(__u8 proto)
{
	switch (proto) {
	case WIRE_IP_IPV4:
	case WIRE_IP_IPV6:
		return TUNNEL_IPIP;
	case WIRE_IP_GRE:
		return TUNNEL_GRE;
	case WIRE_IP_ETHERIP:
		return TUNNEL_ETHERIP;
	case WIRE_IP_L2TP:
		return TUNNEL_L2TP3;
	case WIRE_IP_MPLS:
		return TUNNEL_MPLS;
	default:
		return TUNNEL_NONE;
	}
}

METER_INLINE void parse_ports(meter_ctx *ctx, struct packet *pkt, const __u8 *at)
{
	const struct wire_ports *ports = (const void *)at;

	if (!packet_has_left(ctx, pkt, at, sizeof(*ports))) {
		pkt->state |= FLOW_L4_CUT;
		return;
	}
	pkt->key.low_port = ports->source;
	pkt->key.high_port = ports->destination;
	switch (pkt->key.proto) {
	case WIRE_IP_TCP:
		parse_tcp(ctx, pkt, at);
		return;
	case WIRE_IP_DCCP:
		parse_dccp(ctx, pkt, at);
		return;
	case WIRE_IP_SCTP:
		payload_after(pkt, 12);
		return;
	case WIRE_IP_UDP:
		payload_after(pkt, 8);
		if (!tunnel_ports_unlikely(ctx, ports->source, ports->destination))
			pkt->carries = meter_branch(tunnel_of_ports, ctx, pkt);
		return;
	default:
		payload_after(pkt, 8); /* UDP-Lite */
		return;
	}
}

/* One option at this offset of a TCP header of end octets, which begins where the parser stands;
 * the offset of the next one, or end where nothing more can be read. An option of another length
 * than it has to have says nothing. A step of its own: to the verifier of 6.1 each way through it
 * would make another offset, and all further options would be walked for each. */
METER_STEP int parse_tcp_option(meter_ctx *ctx, struct packet *pkt, __u32 offset, __u32 end)
{
	const struct wire_tcp_option *option;
	const __u8 *at;
	__u32 kind;

	if (!pkt || offset > WIRE_TCP_HEADER_MAX)
		return (int)end;
	at = packet_at(ctx, pkt) + offset;
	option = (const void *)at;
	if (!packet_has(ctx, at, 1) || option->kind == WIRE_TCP_END)
		return (int)end;
	if (option->kind == WIRE_TCP_NOP)
		return (int)(offset + 1);
	if (!packet_has(ctx, at, 2) || option->length < 2 || option->length > end - offset)
		return (int)end;
	kind = option->kind << 8 | option->length;
	if (kind == (WIRE_TCP_MSS << 8 | 4) && packet_has(ctx, at, 4)) {
		pkt->options |= PACKET_MSS;
		pkt->mss = at[2] << 8 | at[3];
	} else if (kind == (WIRE_TCP_SCALE << 8 | 3) && packet_has(ctx, at, 3)) {
		pkt->options |= PACKET_SCALE;
		pkt->scale = at[2] > 14 ? 14 : at[2]; /* RFC 7323 2.3 */
	} else if (kind == (WIRE_TCP_SACK_OK << 8 | 2)) {
		pkt->options |= PACKET_SACK_OK;
	} else if (kind == (WIRE_TCP_CLOCK << 8 | 10) && packet_has(ctx, at, 10)) {
		pkt->options |= PACKET_CLOCK;
		pkt->clock = (__u32)at[2] << 24 | at[3] << 16 | at[4] << 8 | at[5];
		pkt->clock_echo = (__u32)at[6] << 24 | at[7] << 16 | at[8] << 8 | at[9];
	}
	return (int)(offset + option->length);
}

/* The options of a SYN. Its header begins where the parser stands. */
METER_STEP int parse_tcp_options(meter_ctx *ctx, struct packet *pkt)
{
	const struct wire_tcp *tcp;
	__u32 offset = sizeof(*tcp);
	__u32 end;

	if (!pkt)
		return METER_TRUNCATED;
	tcp = (const void *)packet_at(ctx, pkt);
	if (!packet_has(ctx, (const __u8 *)tcp, sizeof(*tcp)))
		return METER_OK;
	end = (bpf_ntohs(tcp->offset_flags) >> 12) * 4;
	for (int i = 0; i < PARSE_OPTIONS_MAX && offset < end; i++)
		offset = parse_tcp_option(ctx, pkt, offset, end);
	return METER_OK;
}

METER_STEP int parse_l4(meter_ctx *ctx, struct packet *pkt)
{
	const __u8 *at;

	if (!pkt)
		return METER_TRUNCATED;
	at = packet_at(ctx, pkt);
	switch (pkt->key.proto) {
	case WIRE_IP_TCP:
	case WIRE_IP_UDP:
	case WIRE_IP_SCTP:
	case WIRE_IP_DCCP:
	case WIRE_IP_UDPLITE:
		parse_ports(ctx, pkt, at);
		break;
	case WIRE_IP_ICMP:
	case WIRE_IP_ICMPV6:
		if ((pkt->key.proto == WIRE_IP_ICMP) == (pkt->key.version == 4))
			parse_icmp(ctx, pkt, at);
		else
			pkt->payload = pkt->left;
		break;
	default:
		pkt->payload = pkt->left;
		pkt->carries = tunnel_of_protocol(pkt->key.proto);
		break;
	}
	return METER_OK;
}

#endif
