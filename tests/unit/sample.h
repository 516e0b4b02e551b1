/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows made by hand, for tests of what is said about a flow. */
#ifndef WEIR_TESTS_SAMPLE_H
#define WEIR_TESTS_SAMPLE_H

#include <string.h>

#include "flow/flow.h"

/* 2026-11-21T07:34:00.123456789Z */
#define SAMPLE_START_NS (1795246440 * FLOW_SECOND_NS + 123456789)

/* TCP from 198.51.100.7:443 (high, 4 packets) to 192.0.2.1:40000 (low, 3 packets); the high end
 * opened it. */
static inline struct flow_record sample_tcp(void)
{
	static const guint8 low[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const guint8 high[16] = { [10] = 0xff, 0xff, 198, 51, 100, 7 };
	struct flow_record record = { .end = FLOW_END_DETECTED, .detail = FLOW_DETAIL_FULL };
	struct flow *flow = &record.flow;

	memcpy(flow->key.low, low, sizeof(low));
	memcpy(flow->key.high, high, sizeof(high));
	flow->key.low_port = GUINT16_TO_BE(40000);
	flow->key.high_port = GUINT16_TO_BE(443);
	flow->key.vlan = 42;
	flow->key.proto = 6;
	flow->key.version = 4;
	flow->side[FLOW_FROM_HIGH] = (struct flow_side){
		.packets = 4,
		.octets = 1234,
		.payload = 1000,
		.first_ns = SAMPLE_START_NS,
		.last_ns = SAMPLE_START_NS + 2500000000,
		.tcp_flags = 0x1b,
		.tcp_flags_first = 0x02,
		.ttl_min = 60,
		.ttl_max = 64,
		.tos_first = 0x10,
		.tos_union = 0x18,
		.fin_end = 0xdeadbeef,
		.state = FLOW_INITIATOR | FLOW_FIN_SEEN,
		.iface = 1,
	};
	flow->side[FLOW_FROM_LOW] = (struct flow_side){
		.packets = 3,
		.octets = 5000,
		.payload = 4800,
		.first_ns = SAMPLE_START_NS + 1000000,
		.last_ns = SAMPLE_START_NS + 3000000000,
		.tcp_flags = 0x13,
		.tcp_flags_first = 0x12,
		.ttl_min = 250,
		.ttl_max = 250,
		.fin_end = 0xfeedface,
		.state = FLOW_FRAGMENTED,
		.iface = 2,
	};
	flow->tcp[FLOW_FROM_LOW].track.handshake_us = TCP_RTT_NONE;
	flow->tcp[FLOW_FROM_HIGH].track.handshake_us = TCP_RTT_NONE;
	return record;
}

/* An ICMPv6 echo from 2001:db8::1 (low, 2 packets) that 2001:db8::2 never answered. */
static inline struct flow_record sample_icmp6(void)
{
	static const guint8 low[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	static const guint8 high[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	struct flow_record record = { .end = FLOW_END_IDLE, .detail = FLOW_DETAIL_FULL };
	struct flow *flow = &record.flow;

	memcpy(flow->key.low, low, sizeof(low));
	memcpy(flow->key.high, high, sizeof(high));
	flow->key.low_port = GUINT16_TO_BE(777);
	flow->key.high_port = GUINT16_TO_BE(777);
	flow->key.proto = 58;
	flow->key.version = 6;
	flow->side[FLOW_FROM_LOW] = (struct flow_side){
		.packets = 2,
		.octets = 208,
		.payload = 112,
		.first_ns = SAMPLE_START_NS,
		.last_ns = SAMPLE_START_NS,
		.ttl_min = 64,
		.ttl_max = 64,
		.icmp = 128 << 8,
		.state = FLOW_INITIATOR,
	};
	return record;
}

#endif
