/* SPDX-License-Identifier: BSD-2-Clause */
/* One packet of made traffic as octets: link, network and transport header, all checksums right.
 * Whatever follows the headers is zero, so no checksum needs to read it. */
#ifndef WEIR_SETUP_BENCH_TRAFFIC_FRAME_H
#define WEIR_SETUP_BENCH_TRAFFIC_FRAME_H

#include "setup/bench/traffic.h"

#define TRAFFIC_HEADERS_MAX 128
#define TRAFFIC_FRAME_MIN   60 /* without the frame check sequence */
#define TRAFFIC_FRAME_MAX   1514

enum traffic_tcp_flag {
	TRAFFIC_FIN = 0x01,
	TRAFFIC_SYN = 0x02,
	TRAFFIC_RST = 0x04,
	TRAFFIC_PSH = 0x08,
	TRAFFIC_ACK = 0x10,
};

/* What one packet says; TCP members mean nothing elsewhere. */
struct traffic_packet {
	enum traffic_side from;
	guint16 payload; /* octets above the transport header */
	guint16 number;	 /* IPv4 identification, ICMP sequence number */
	guint16 window;
	guint8 tcp_flags;
	bool timestamps; /* the TCP option */
	guint32 seq;
	guint32 ack;
	guint32 time_ms[2]; /* timestamp option: the sender's clock, the last heard of the other's
			     */
};

/* Where the headers end, and how long the whole is. */
struct traffic_lengths {
	guint32 headers;
	guint32 ip;    /* IP octets */
	guint32 frame; /* on the wire, padding included */
};

/* Octets of the headers of such a packet. */
guint32 traffic_header_length(const struct traffic_flow *flow, const struct traffic_packet *packet);

/* Writes the headers to ret_octets (TRAFFIC_HEADERS_MAX). */
void traffic_frame_build(const struct traffic_flow *flow, const struct traffic_packet *packet,
			 guint8 *ret_octets, struct traffic_lengths *ret_lengths);

#endif
