/* SPDX-License-Identifier: BSD-2-Clause */
/* Expiry is decided on the packet, at the exact nanosecond. */
#include "meter_home.h"
#include "unit.h"

#define IDLE   (15 * FLOW_SECOND_NS)
#define ACTIVE (60 * FLOW_SECOND_NS)
#define START  (1000 * FLOW_SECOND_NS)

static const struct meter_settings settings = { .idle_ns = IDLE, .active_ns = ACTIVE };

static struct packet packet_of(guint64 now_ns)
{
	return (struct packet){ .key.proto = 17, .now_ns = now_ns, .octets = 40 };
}

static struct packet segment(guint64 now_ns, guint16 flags)
{
	struct packet pkt = packet_of(now_ns);

	pkt.key.proto = WIRE_IP_TCP;
	pkt.tcp_flags = flags;
	return pkt;
}

static struct flow opened_by(struct packet pkt)
{
	struct flow flow;

	meter_open(&flow, &pkt, &settings);
	return flow;
}

static enum flow_end decide(const struct flow *flow, guint64 now_ns)
{
	struct packet pkt = packet_of(now_ns);

	return expire_decide(flow, &pkt, &settings);
}

static void test_idle(void)
{
	struct flow flow = opened_by(packet_of(START));

	CU_ASSERT_EQUAL(decide(&flow, START), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide(&flow, START + IDLE), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide(&flow, START + IDLE + 1), FLOW_END_IDLE);
	CU_ASSERT_EQUAL(decide(&flow, START - 1), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide(&flow, 0), FLOW_END_NONE);
	CU_ASSERT_EQUAL(expire_deadline(&flow, IDLE), START + IDLE);
	CU_ASSERT_EQUAL(expire_reason(&flow), FLOW_END_IDLE);
}

/* A packet a second, so that the flow is never idle; returns when the last of them came. */
static guint64 keep_busy(struct flow *flow, guint seconds)
{
	guint64 now_ns = START;

	for (guint i = 0; i < seconds; i++) {
		struct packet pkt = packet_of(now_ns += FLOW_SECOND_NS);

		flow_count(flow, &pkt, &settings);
	}
	return now_ns;
}

static void test_active(void)
{
	struct flow flow = opened_by(packet_of(START));

	keep_busy(&flow, 55);
	CU_ASSERT_EQUAL(decide(&flow, START + ACTIVE), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide(&flow, START + ACTIVE + 1), FLOW_END_ACTIVE);
	/* Both time-outs passed: the flow is over. */
	CU_ASSERT_EQUAL(decide(&flow, START + 55 * FLOW_SECOND_NS + IDLE + 1), FLOW_END_IDLE);
}

static void test_active_of_either_side(void)
{
	struct flow flow = opened_by(packet_of(START));
	struct packet pkt = packet_of(START - 10);

	pkt.side = FLOW_FROM_HIGH;
	flow_count(&flow, &pkt, &settings);
	CU_ASSERT_EQUAL(flow_record_start(&flow), START - 10);
	keep_busy(&flow, 55);
	CU_ASSERT_EQUAL(decide(&flow, START - 10 + ACTIVE), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide(&flow, START - 10 + ACTIVE + 1), FLOW_END_ACTIVE);
	flow.side[FLOW_FROM_LOW].packets = 0;
	CU_ASSERT_EQUAL(flow_record_start(&flow), START - 10);
	flow.side[FLOW_FROM_LOW].packets = 1;
	flow.side[FLOW_FROM_HIGH].packets = 0;
	CU_ASSERT_EQUAL(flow_record_start(&flow), START);
	flow.side[FLOW_FROM_HIGH].packets = 1;
	flow.side[FLOW_FROM_HIGH].first_ns = START + 1;
	CU_ASSERT_EQUAL(flow_record_start(&flow), START);
}

static void test_never_active(void)
{
	struct meter_settings never = { .idle_ns = IDLE, .active_ns = ~0ULL };
	struct packet pkt = segment(START, WIRE_TCP_FIN);
	struct flow flow;

	meter_open(&flow, &pkt, &never);
	keep_busy(&flow, 5000);
	pkt.now_ns = START + 5000 * FLOW_SECOND_NS;
	pkt.tcp_flags = WIRE_TCP_ACK;
	CU_ASSERT_EQUAL(expire_decide(&flow, &pkt, &never), FLOW_END_NONE);
}

static enum flow_end decide_segment(const struct flow *flow, guint64 now_ns, guint16 flags)
{
	struct packet pkt = segment(now_ns, flags);

	return expire_decide(flow, &pkt, &settings);
}

static void test_linger(void)
{
	struct flow flow = opened_by(segment(START, WIRE_TCP_RST));
	guint64 last = START + FLOW_LINGER_NS;

	CU_ASSERT_EQUAL(flow_ended(&flow), START);
	CU_ASSERT_EQUAL(decide_segment(&flow, last, WIRE_TCP_ACK), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide_segment(&flow, last + 1, WIRE_TCP_ACK), FLOW_END_DETECTED);
	CU_ASSERT_EQUAL(decide_segment(&flow, START + IDLE + 1, WIRE_TCP_ACK), FLOW_END_DETECTED);
	CU_ASSERT_EQUAL(decide_segment(&flow, START, WIRE_TCP_SYN), FLOW_END_DETECTED);
	CU_ASSERT_EQUAL(decide_segment(&flow, START - 5, WIRE_TCP_SYN | 0xc0), FLOW_END_DETECTED);
	CU_ASSERT_EQUAL(decide_segment(&flow, START, WIRE_TCP_SYN | WIRE_TCP_ACK), FLOW_END_NONE);
	CU_ASSERT_EQUAL(decide_segment(&flow, START - 5, WIRE_TCP_ACK), FLOW_END_NONE);
	CU_ASSERT_EQUAL(expire_deadline(&flow, IDLE), last);
	CU_ASSERT_EQUAL(expire_reason(&flow), FLOW_END_DETECTED);
}

/* Strays in the linger do not make it longer. */
static void test_linger_with_strays(void)
{
	struct flow flow = opened_by(segment(START, WIRE_TCP_RST));
	struct packet stray = segment(START + FLOW_LINGER_NS, WIRE_TCP_RST);

	CU_ASSERT_FALSE(flow_count(&flow, &stray, &settings));
	CU_ASSERT_EQUAL(flow_ended(&flow), START);
	CU_ASSERT_EQUAL(expire_deadline(&flow, IDLE), START + FLOW_LINGER_NS);
	CU_ASSERT_EQUAL(decide_segment(&flow, START + FLOW_LINGER_NS + 1, WIRE_TCP_RST),
			FLOW_END_DETECTED);
}

static void test_syn_on_living(void)
{
	struct flow flow = opened_by(segment(START, WIRE_TCP_ACK));

	CU_ASSERT_EQUAL(decide_segment(&flow, START + 1, WIRE_TCP_SYN), FLOW_END_NONE);
}

static void test_update_idle(void)
{
	struct meter_home home = { 0 };
	struct flow flow = opened_by(packet_of(START));
	struct packet pkt = packet_of(START + IDLE + 1);

	CU_ASSERT_EQUAL(meter_update(&home, &flow, &pkt, &settings), 0);
	CU_ASSERT_EQUAL(home.records, 1);
	CU_ASSERT_EQUAL(home.end[0], FLOW_END_IDLE);
	CU_ASSERT_EQUAL(home.record[0].side[0].packets, 1);
	CU_ASSERT_EQUAL(flow.side[0].packets, 1);
	CU_ASSERT_EQUAL(flow.side[0].first_ns, START + IDLE + 1);
	CU_ASSERT_EQUAL(flow_born(&flow), START + IDLE + 1);
}

static void test_update_active(void)
{
	struct meter_home home = { 0 };
	struct flow flow = opened_by(packet_of(START));
	struct packet pkt = packet_of(START + ACTIVE + 1);

	keep_busy(&flow, 55);
	CU_ASSERT_EQUAL(meter_update(&home, &flow, &pkt, &settings), 0);
	CU_ASSERT_EQUAL(home.records, 1);
	CU_ASSERT_EQUAL(home.end[0], FLOW_END_ACTIVE);
	CU_ASSERT_EQUAL(home.record[0].side[0].packets, 56);
	CU_ASSERT_EQUAL(flow.side[0].packets, 1);
	CU_ASSERT_EQUAL(flow_born(&flow), START);
	CU_ASSERT_EQUAL(flow_record_start(&flow), START + ACTIVE + 1);
}

static void test_update_without_room(void)
{
	struct meter_home home = { .full = true };
	struct flow flow = opened_by(packet_of(START));
	struct packet pkt = packet_of(START + IDLE + 1);

	CU_ASSERT_EQUAL(meter_update(&home, &flow, &pkt, &settings), METER_WAITED);
	CU_ASSERT_EQUAL(flow.side[0].packets, 2);
	CU_ASSERT_EQUAL(flow.side[0].first_ns, START);
	CU_ASSERT_EQUAL(flow.last_ns, START + IDLE + 1);
}

/* The flow that follows in the same tick, or out of order, has another birth: another flowId. */
static void test_follower(void)
{
	static const gint64 after[] = { 0, -1000, 1 };

	for (guint i = 0; i < G_N_ELEMENTS(after); i++) {
		struct meter_home home = { 0 };
		struct flow flow = opened_by(segment(START, WIRE_TCP_RST));
		struct packet syn = segment(START + (guint64)after[i], WIRE_TCP_SYN);

		CU_ASSERT_EQUAL(meter_update(&home, &flow, &syn, &settings), 0);
		CU_ASSERT_EQUAL(home.end[0], FLOW_END_DETECTED);
		CU_ASSERT_EQUAL(flow_ended(&flow), 0);
		CU_ASSERT_EQUAL(flow_born(&flow), START + 1);
		CU_ASSERT_EQUAL(flow.side[0].first_ns, START + (guint64)after[i]);
	}
}

static CU_TestInfo tests[] = {
	{ "exactly the idle time-out is not idle, 1 ns more is", test_idle },
	{ "exactly the active time-out goes on, 1 ns more does not", test_active },
	{ "a record starts with the first packet of either side", test_active_of_either_side },
	{ "without an active time-out a record goes on", test_never_active },
	{ "an ended flow lingers 1 s, and a SYN begins a new one at once", test_linger },
	{ "strays do not make the linger longer", test_linger_with_strays },
	{ "a SYN does not end a flow that lives", test_syn_on_living },
	{ "an idle flow leaves and the packet begins a new one", test_update_idle },
	{ "an active flow leaves a record and goes on", test_update_active },
	{ "a record without room waits and takes the packet in", test_update_without_room },
	{ "a flow that follows at once is born after its forerunner", test_follower },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "expire", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
