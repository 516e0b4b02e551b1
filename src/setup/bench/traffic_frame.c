/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers are written one after the other at a moving pointer; the transport checksum comes last,
 * over the pseudo header and the headers alone, because all payload is zero. */
#include "setup/bench/traffic_frame.h"

#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"

#define ETHERNET_LENGTH	       14
#define VLAN_LENGTH	       4
#define IPV4_LENGTH	       20
#define IPV6_LENGTH	       40
#define TCP_LENGTH	       20
#define DATAGRAM_LENGTH	       8
#define ICMP_LENGTH	       8
#define TCP_TIMESTAMPS_LENGTH  12
#define TCP_SYN_OPTIONS_LENGTH 20
#define TCP_MSS		       1448
#define TCP_WINDOW_SHIFT       7

static guint32 sum_words(guint32 sum, const guint8 *octets, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += load_be16(octets + i);
	return sum;
}

static guint16 sum_fold(guint32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (guint16)~sum;
}

static guint32 tcp_options_length(const struct traffic_packet *packet)
{
	if (packet->tcp_flags & TRAFFIC_SYN)
		return TCP_SYN_OPTIONS_LENGTH;
	return packet->timestamps ? TCP_TIMESTAMPS_LENGTH : 0;
}

static guint32 transport_length(const struct traffic_flow *flow,
				const struct traffic_packet *packet)
{
	if (flow->proto == IPPROTO_TCP)
		return TCP_LENGTH + tcp_options_length(packet);
	return DATAGRAM_LENGTH;
}

guint32 traffic_header_length(const struct traffic_flow *flow, const struct traffic_packet *packet)
{
	return ETHERNET_LENGTH + (flow->vlan ? VLAN_LENGTH : 0) +
	       (flow->version == 4 ? IPV4_LENGTH : IPV6_LENGTH) + transport_length(flow, packet);
}

static guint8 *write_link(guint8 *at, const struct traffic_flow *flow, enum traffic_side from)
{
	/* Locally administered: client network, server network. */
	static const guint8 mac[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

	memcpy(at, mac[!from], 6);
	memcpy(at + 6, mac[from], 6);
	at += 12;
	if (flow->vlan) {
		store_be16(at, 0x8100);
		store_be16(at + 2, flow->vlan);
		at += VLAN_LENGTH;
	}
	store_be16(at, flow->version == 4 ? 0x0800 : 0x86dd);
	return at + 2;
}

static guint8 *write_ipv4(guint8 *at, const struct traffic_flow *flow,
			  const struct traffic_packet *packet, guint32 length)
{
	at[0] = 0x45;
	at[1] = 0;
	store_be16(at + 2, (guint16)(IPV4_LENGTH + length));
	store_be16(at + 4, packet->number);
	store_be16(at + 6, 0x4000);
	at[8] = packet->from == TRAFFIC_CLIENT ? 64 : 57;
	at[9] = flow->proto;
	store_be16(at + 10, 0);
	memcpy(at + 12, flow->address[packet->from], 4);
	memcpy(at + 16, flow->address[!packet->from], 4);
	store_be16(at + 10, sum_fold(sum_words(0, at, IPV4_LENGTH)));
	return at + IPV4_LENGTH;
}

static guint8 *write_ipv6(guint8 *at, const struct traffic_flow *flow,
			  const struct traffic_packet *packet, guint32 length)
{
	store_be32(at, 0x60000000);
	store_be16(at + 4, (guint16)length);
	at[6] = flow->proto;
	at[7] = packet->from == TRAFFIC_CLIENT ? 64 : 57;
	memcpy(at + 8, flow->address[packet->from], 16);
	memcpy(at + 24, flow->address[!packet->from], 16);
	return at + IPV6_LENGTH;
}

static void write_tcp_timestamps(guint8 *at, const struct traffic_packet *packet)
{
	at[0] = 8;
	at[1] = 10;
	store_be32(at + 2, packet->time_ms[0]);
	store_be32(at + 6, packet->time_ms[1]);
}

static void write_tcp_options(guint8 *at, const struct traffic_packet *packet)
{
	if (!(packet->tcp_flags & TRAFFIC_SYN)) {
		at[0] = at[1] = 1;
		write_tcp_timestamps(at + 2, packet);
		return;
	}
	at[0] = 2;
	at[1] = 4;
	store_be16(at + 2, TCP_MSS);
	at[4] = 4;
	at[5] = 2;
	/* Without timestamps their place is filled with no-operations. */
	memset(at + 6, 1, 10);
	if (packet->timestamps)
		write_tcp_timestamps(at + 6, packet);
	at[16] = 1;
	at[17] = 3;
	at[18] = 3;
	at[19] = TCP_WINDOW_SHIFT;
}

/* Returns where the checksum is. */
static guint8 *write_tcp(guint8 *at, const struct traffic_flow *flow,
			 const struct traffic_packet *packet)
{
	guint32 options = tcp_options_length(packet);

	store_be16(at, flow->port[packet->from]);
	store_be16(at + 2, flow->port[!packet->from]);
	store_be32(at + 4, packet->seq);
	store_be32(at + 8, packet->tcp_flags & TRAFFIC_ACK ? packet->ack : 0);
	at[12] = (guint8)((TCP_LENGTH + options) / 4 << 4);
	at[13] = packet->tcp_flags;
	store_be16(at + 14, packet->window);
	store_be32(at + 16, 0);
	if (options)
		write_tcp_options(at + TCP_LENGTH, packet);
	return at + 16;
}

static guint8 *write_udp(guint8 *at, const struct traffic_flow *flow,
			 const struct traffic_packet *packet)
{
	store_be16(at, flow->port[packet->from]);
	store_be16(at + 2, flow->port[!packet->from]);
	store_be16(at + 4, (guint16)(DATAGRAM_LENGTH + packet->payload));
	store_be16(at + 6, 0);
	return at + 6;
}

static guint8 *write_icmp(guint8 *at, const struct traffic_flow *flow,
			  const struct traffic_packet *packet)
{
	static const guint8 type4[2] = { 8, 0 };
	static const guint8 type6[2] = { 128, 129 };

	at[0] = flow->version == 4 ? type4[packet->from] : type6[packet->from];
	at[1] = 0;
	store_be16(at + 2, 0);
	store_be16(at + 4, flow->port[TRAFFIC_CLIENT]);
	store_be16(at + 6, packet->number);
	return at + 2;
}

static guint8 *write_transport(guint8 *at, const struct traffic_flow *flow,
			       const struct traffic_packet *packet)
{
	if (flow->proto == IPPROTO_TCP)
		return write_tcp(at, flow, packet);
	return flow->proto == IPPROTO_UDP ? write_udp(at, flow, packet)
					  : write_icmp(at, flow, packet);
}

static guint32 pseudo_header_sum(const struct traffic_flow *flow, guint32 length)
{
	size_t size = flow->version == 4 ? 4 : 16;

	if (flow->proto == IPPROTO_ICMP)
		return 0;
	return sum_words(sum_words(length + flow->proto, flow->address[0], size), flow->address[1],
			 size);
}

void traffic_frame_build(const struct traffic_flow *flow, const struct traffic_packet *packet,
			 guint8 *ret_octets, struct traffic_lengths *ret_lengths)
{
	guint32 header = transport_length(flow, packet);
	guint32 length = header + packet->payload;
	guint8 *ip = write_link(ret_octets, flow, packet->from);
	guint8 *transport = flow->version == 4 ? write_ipv4(ip, flow, packet, length)
					       : write_ipv6(ip, flow, packet, length);
	guint8 *checksum = write_transport(transport, flow, packet);
	guint16 sum = sum_fold(sum_words(pseudo_header_sum(flow, length), transport, header));

	/* UDP says "no checksum" with 0, so a sum of 0 is sent as its other form. */
	store_be16(checksum, sum == 0 && flow->proto == IPPROTO_UDP ? 0xffff : sum);
	ret_lengths->headers = (guint32)(transport - ret_octets) + header;
	ret_lengths->ip = (guint32)(transport - ip) + length;
	ret_lengths->frame = MAX((guint32)(ip - ret_octets) + ret_lengths->ip, TRAFFIC_FRAME_MIN);
}
