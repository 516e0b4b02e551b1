/* SPDX-License-Identifier: BSD-2-Clause */
/* What a packet does to the sides of its flow: how a record begins, grows and restarts. */
#include "meter_home.h"
#include "unit.h"

#define START 1000000000000ULL

static struct meter_settings settings_of(guint32 detail)
{
	return (struct meter_settings){
		.idle_ns = 15 * FLOW_SECOND_NS,
		.active_ns = 60 * FLOW_SECOND_NS,
		.detail = detail,
	};
}

static struct packet packet_of(guint64 now_ns, guint8 side)
{
	return (struct packet){
		.key = { .proto = 17, .version = 4, .low_port = 1, .high_port = 2 },
		.now_ns = now_ns,
		.octets = 100,
		.payload = 72,
		.ttl = 64,
		.side = side,
		.iface = 3,
	};
}

static struct flow opened(struct packet *pkt, const struct meter_settings *settings)
{
	struct flow flow;

	memset(&flow, 0xa5, sizeof(flow)); /* what an earlier flow left */
	meter_open(&flow, pkt, settings);
	return flow;
}

static void test_first(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
	struct packet pkt = packet_of(START, FLOW_FROM_HIGH);
	struct flow flow;
	const struct flow_side *side = &flow.side[FLOW_FROM_HIGH];

	pkt.icmp = 0x0304;
	pkt.tos = 8;
	pkt.state = FLOW_ORPHANS;
	flow = opened(&pkt, &settings);
	CU_ASSERT_TRUE(key_equal(&flow.key, &pkt.key));
	CU_ASSERT_EQUAL(flow.last_ns, START);
	CU_ASSERT_EQUAL(flow_born(&flow), START);
	CU_ASSERT_EQUAL(flow_ended(&flow), 0);
	CU_ASSERT_EQUAL(flow.gate_ns, START + settings.active_ns + 1);
	CU_ASSERT_EQUAL(side->packets, 1);
	CU_ASSERT_EQUAL(side->octets, 100);
	CU_ASSERT_EQUAL(side->payload, 72);
	CU_ASSERT_EQUAL(side->first_ns, START);
	CU_ASSERT_EQUAL(side->last_ns, START);
	CU_ASSERT_EQUAL(side->ttl_min, 64);
	CU_ASSERT_EQUAL(side->ttl_max, 64);
	CU_ASSERT_EQUAL(side->tos_first, 8);
	CU_ASSERT_EQUAL(side->tos_union, 8);
	CU_ASSERT_EQUAL(side->icmp, 0x0304);
	CU_ASSERT_EQUAL(side->iface, 3);
	CU_ASSERT_EQUAL(side->state, FLOW_INITIATOR | FLOW_ORPHANS);
	CU_ASSERT_EQUAL(flow.side[FLOW_FROM_LOW].packets, 0);
	CU_ASSERT_EQUAL(flow.side[FLOW_FROM_LOW].state, 0);
}

static void test_counts(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow;
	const struct flow_side *side = &flow.side[FLOW_FROM_LOW];

	pkt.tos = 1;
	flow = opened(&pkt, &settings);
	pkt = packet_of(START + 10, FLOW_FROM_LOW);
	pkt.octets = 0xffffffff;
	pkt.payload = 0xfffffff0;
	pkt.ttl = 0;
	pkt.tos = 0x80;
	pkt.iface = 9;
	pkt.icmp = 77;
	CU_ASSERT_FALSE(flow_count(&flow, &pkt, &settings));
	pkt.ttl = 255;
	pkt.tos = 0;
	CU_ASSERT_FALSE(flow_count(&flow, &pkt, &settings));
	CU_ASSERT_EQUAL(side->packets, 3);
	CU_ASSERT_EQUAL(side->octets, 2ULL * 0xffffffff + 100); /* beyond 32 bits */
	CU_ASSERT_EQUAL(side->payload, 2ULL * 0xfffffff0 + 72);
	CU_ASSERT_EQUAL(side->ttl_min, 0);
	CU_ASSERT_EQUAL(side->ttl_max, 255);
	CU_ASSERT_EQUAL(side->tos_first, 1);
	CU_ASSERT_EQUAL(side->tos_union, 0x81);
	CU_ASSERT_EQUAL(side->iface, 3);
	CU_ASSERT_EQUAL(side->icmp, 0);
	CU_ASSERT_EQUAL(side->last_ns, START + 10);
	CU_ASSERT_EQUAL(flow.last_ns, START + 10);
}

static void test_sides_apart(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow = opened(&pkt, &settings);

	pkt = packet_of(START + 5, FLOW_FROM_HIGH);
	pkt.octets = 7;
	pkt.payload = 0;
	pkt.ttl = 1;
	flow_count(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow.side[0].packets, 1);
	CU_ASSERT_EQUAL(flow.side[0].octets, 100);
	CU_ASSERT_EQUAL(flow.side[0].last_ns, START);
	CU_ASSERT_EQUAL(flow.side[1].packets, 1);
	CU_ASSERT_EQUAL(flow.side[1].octets, 7);
	CU_ASSERT_EQUAL(flow.side[1].first_ns, START + 5);
	CU_ASSERT_EQUAL(flow.side[1].ttl_max, 1);
	CU_ASSERT_EQUAL(flow.side[1].state, 0);
	CU_ASSERT_EQUAL(flow.last_ns, START + 5);
}

static void test_late(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow = opened(&pkt, &settings);

	pkt = packet_of(START - 500, FLOW_FROM_LOW);
	flow_count(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow.side[0].first_ns, START - 500);
	CU_ASSERT_EQUAL(flow.side[0].last_ns, START);
	CU_ASSERT_EQUAL(flow.last_ns, START);
	CU_ASSERT_EQUAL(flow.gate_ns, START - 500 + settings.active_ns + 1);
	CU_ASSERT_EQUAL(flow_born(&flow), START);
}

static void test_initiator(void)
{
	static const struct {
		guint16 flags;
		bool sender;
	} rows[] = {
		{ WIRE_TCP_SYN, true },
		{ WIRE_TCP_ACK, true },
		{ 0, true },
		{ WIRE_TCP_SYN | WIRE_TCP_ACK, false },
		{ WIRE_TCP_SYN | WIRE_TCP_ACK | 0x40, false },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (guint8 from = 0; from < 2; from++) {
			struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
			struct packet pkt = packet_of(START, from);
			struct flow flow;

			pkt.key.proto = WIRE_IP_TCP;
			pkt.tcp_flags = rows[i].flags;
			flow = opened(&pkt, &settings);
			CU_ASSERT_EQUAL(flow.side[from].state & FLOW_INITIATOR,
					rows[i].sender ? FLOW_INITIATOR : 0);
			CU_ASSERT_EQUAL(flow.side[!from].state & FLOW_INITIATOR,
					rows[i].sender ? 0 : FLOW_INITIATOR);
			CU_ASSERT_EQUAL(flow.side[from].tcp_flags_first, rows[i].flags);
		}
	}
}

static void test_flags(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow;

	pkt.key.proto = WIRE_IP_TCP;
	pkt.tcp_flags = 0x802;
	flow = opened(&pkt, &settings);
	pkt.tcp_flags = 0x118;
	flow_count(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow.side[0].tcp_flags, 0x91a);
	CU_ASSERT_EQUAL(flow.side[0].tcp_flags_first, 0x802);
	CU_ASSERT_EQUAL(flow.side[0].icmp, 0); /* the word is a sequence number here */
}

static void test_restart(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_FULL);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow;
	struct flow empty = { 0 };

	pkt.state = FLOW_FRAGMENTED;
	pkt.icmp = 5;
	flow = opened(&pkt, &settings);
	pkt = packet_of(START + 61 * FLOW_SECOND_NS, FLOW_FROM_HIGH);
	flow_restart(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow_born(&flow), START);
	CU_ASSERT_EQUAL(flow.gate_ns, pkt.now_ns + settings.active_ns + 1);
	CU_ASSERT_EQUAL(flow.side[0].state, FLOW_INITIATOR);
	flow.side[0].state = 0;
	flow.side[0].whole = 0;
	CU_ASSERT_EQUAL(memcmp(&flow.side, &empty.side, sizeof(empty.side)), 0);
	CU_ASSERT_EQUAL(memcmp(&flow.shape, &empty.shape, sizeof(empty.shape)), 0);
}

static void test_restart_tcp(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_TCP);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow;

	pkt.key.proto = WIRE_IP_TCP;
	pkt.tcp_flags = WIRE_TCP_FIN | WIRE_TCP_ACK;
	pkt.seq = 1000;
	flow = opened(&pkt, &settings);
	CU_ASSERT_EQUAL(flow.gate_ns, 0);
	CU_ASSERT_EQUAL(flow.tcp[0].tally.fin_packets, 1);
	pkt.now_ns += 61 * FLOW_SECOND_NS;
	flow_restart(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow.gate_ns, 0); /* a FIN is still in sight */
	CU_ASSERT_EQUAL(flow.side[0].state, FLOW_INITIATOR | FLOW_FIN_SEEN);
	CU_ASSERT_EQUAL(flow.side[0].fin_end, 1000 + 72 + 1);
	CU_ASSERT_EQUAL(flow.tcp[0].tally.fin_packets, 0);
	CU_ASSERT_EQUAL(flow.tcp[0].track.next, 1000 + 72 + 1);
	CU_ASSERT_EQUAL(flow.tcp[0].track.holes, 0xf0);
}

/* Where TCP is not accounted: another protocol, basic detail, later fragments, cut headers. */
static void test_no_tcp(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_TCP);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow;

	CU_ASSERT_FALSE(flow_has_tcp(&(struct flow){ .key.proto = 17 }, &settings));
	pkt.key.proto = WIRE_IP_TCP;
	pkt.tcp_flags = WIRE_TCP_ACK;
	flow = opened(&pkt, &settings);
	CU_ASSERT_EQUAL(flow.tcp[0].tally.window_count, 1);
	pkt.fragment = PACKET_LATER_FRAGMENT;
	flow_count(&flow, &pkt, &settings);
	pkt.fragment = PACKET_WHOLE;
	pkt.state = FLOW_L4_CUT;
	flow_count(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow.tcp[0].tally.window_count, 1);
	CU_ASSERT_EQUAL(flow.side[0].packets, 3);
	settings.detail = FLOW_DETAIL_BASIC;
	CU_ASSERT_FALSE(flow_has_tcp(&flow, &settings));
}

static void test_no_active(void)
{
	struct meter_settings settings = settings_of(FLOW_DETAIL_BASIC);
	struct packet pkt = packet_of(START, FLOW_FROM_LOW);
	struct flow flow;

	settings.active_ns = ~0ULL;
	flow = opened(&pkt, &settings);
	CU_ASSERT_EQUAL(flow.gate_ns, ~0ULL);
}

static void test_tally(void)
{
	struct meter_counts counts = { 0 };
	struct packet pkt = { .frame_octets = 64, .octets = 46 };

	meter_tally(&counts, METER_OK, &pkt);
	meter_tally(&counts, METER_NOT_IP, &pkt);
	meter_tally(&counts, METER_FILTERED, &pkt);
	meter_tally(&counts, -1, &pkt);
	meter_tally(&counts, METER_VERDICTS, &pkt);
	for (int i = 0; i < METER_VERDICTS; i++) {
		bool counted = i == METER_OK || i == METER_NOT_IP || i == METER_FILTERED;

		CU_ASSERT_EQUAL(counts.packets[i], counted);
		CU_ASSERT_EQUAL(counts.frame_octets[i], counted ? 64 : 0);
	}
	CU_ASSERT_EQUAL(counts.octets, 46);
}

static CU_TestInfo tests[] = {
	{ "a flow's first packet is all there is of it", test_first },
	{ "packets add up, beyond 32 bits", test_counts },
	{ "each side has its own account", test_sides_apart },
	{ "a late packet may be the first, never the last", test_late },
	{ "who answers with SYN and ACK is not the initiator", test_initiator },
	{ "TCP flags are first and union, of twelve bits", test_flags },
	{ "a restarted record is empty but for what the flow is", test_restart },
	{ "a FIN in sight stays so over a restart", test_restart_tcp },
	{ "only whole TCP headers are accounted as TCP", test_no_tcp },
	{ "without an active time-out no packet needs a closer look", test_no_active },
	{ "every verdict is one counter", test_tally },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "flow_account", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
