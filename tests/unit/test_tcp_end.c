/* SPDX-License-Identifier: BSD-2-Clause */
/* When TCP ends a flow, and the helpers of TCP quality: sequence arithmetic and holes. */
#include "meter_home.h"
#include "unit.h"

#define ACK WIRE_TCP_ACK
#define FIN WIRE_TCP_FIN
#define RST WIRE_TCP_RST
#define SYN WIRE_TCP_SYN

struct step {
	guint8 side;
	guint16 flags;
	guint32 seq;
	guint32 ack;
	guint32 payload;
	guint16 state;
};

/* Which of the steps ended the flow, counted from 1; 0: none. Later steps must not end it again. */
static guint ends_at(const struct step *steps, guint count)
{
	static const struct meter_settings settings = { .idle_ns = 1000, .active_ns = ~0ULL };
	struct flow flow;
	guint end = 0;

	for (guint i = 0; i < count; i++) {
		struct packet pkt = {
			.key = { .proto = WIRE_IP_TCP, .version = 4 },
			.now_ns = 100 + i,
			.octets = 40 + steps[i].payload,
			.payload = steps[i].payload,
			.side = steps[i].side,
			.tcp_flags = steps[i].flags,
			.seq = steps[i].seq,
			.ack = steps[i].ack,
			.state = steps[i].state,
		};
		bool ended = i == 0 ? meter_open(&flow, &pkt, &settings) & METER_ENDED
				    : flow_count(&flow, &pkt, &settings);

		CU_ASSERT_FALSE(ended && end);
		if (ended)
			end = i + 1;
	}
	CU_ASSERT_EQUAL(flow_ended(&flow), end ? 99 + end : 0);
	return end;
}

#define ENDS_AT(...)                                  \
	ends_at((const struct step[]){ __VA_ARGS__ }, \
		G_N_ELEMENTS(((const struct step[]){ __VA_ARGS__ })))

static void test_close(void)
{
	guint end = ENDS_AT({ 0, ACK, 10, 50, 0, 0 }, { 0, FIN | ACK, 10, 50, 0, 0 },
			    { 1, ACK, 50, 11, 0, 0 }, { 1, FIN | ACK, 50, 11, 0, 0 },
			    { 0, ACK, 11, 51, 0, 0 }, { 0, ACK, 11, 51, 0, 0 });

	CU_ASSERT_EQUAL(end, 5);
	end = ENDS_AT({ 1, FIN | ACK, 10, 50, 0, 0 }, { 0, FIN | ACK, 50, 11, 0, 0 },
		      { 1, ACK, 11, 51, 0, 0 });
	CU_ASSERT_EQUAL(end, 3);
	/* Both at once. */
	end = ENDS_AT({ 0, FIN | ACK, 10, 50, 0, 0 }, { 1, FIN | ACK, 50, 10, 0, 0 },
		      { 0, ACK, 11, 51, 0, 0 }, { 1, ACK, 51, 11, 0, 0 });
	CU_ASSERT_EQUAL(end, 4);
}

static void test_half_close(void)
{
	guint end = ENDS_AT({ 0, FIN | ACK, 10, 50, 0, 0 }, { 1, ACK, 50, 11, 100, 0 },
			    { 0, ACK, 11, 150, 0, 0 }, { 1, ACK, 150, 11, 100, 0 });

	CU_ASSERT_EQUAL(end, 0);
	end = ENDS_AT({ 0, FIN | ACK, 10, 50, 0, 0 }, { 0, FIN | ACK, 10, 51, 0, 0 });
	CU_ASSERT_EQUAL(end, 0);
}

/* The acknowledgement must reach the number after the FIN, over the wrap too. */
static void test_fin_end(void)
{
	guint end = ENDS_AT({ 0, FIN | ACK, 0xfffffff0, 50, 20, 0 }, { 1, FIN | ACK, 50, 4, 0, 0 },
			    { 0, ACK, 5, 51, 0, 0 }, { 1, ACK, 51, 0xffffffff, 0, 0 },
			    { 1, ACK, 51, 5, 0, 0 });

	CU_ASSERT_EQUAL(end, 5);
	/* A SYN occupies a number as well. */
	end = ENDS_AT({ 0, SYN | FIN, 10, 0, 3, 0 }, { 1, FIN | ACK, 50, 14, 0, 0 },
		      { 0, ACK, 15, 51, 0, 0 }, { 1, ACK, 51, 15, 0, 0 });
	CU_ASSERT_EQUAL(end, 4);
}

static void test_reset(void)
{
	CU_ASSERT_EQUAL(ENDS_AT({ 0, RST, 0, 0, 0, 0 }), 1);
	CU_ASSERT_EQUAL(ENDS_AT({ 0, ACK, 10, 50, 0, 0 }, { 1, RST | ACK, 50, 0, 0, 0 },
				{ 1, RST, 50, 0, 0, 0 }, { 0, RST, 10, 0, 0, 0 }),
			2);
}

static void test_no_end(void)
{
	/* A FIN whose header is cut has no number that could be acknowledged. */
	CU_ASSERT_EQUAL(ENDS_AT({ 0, FIN | ACK, 10, 50, 0, FLOW_L4_CUT },
				{ 1, FIN | ACK, 50, 11, 0, 0 }, { 0, ACK, 11, 51, 0, 0 },
				{ 1, ACK, 51, 11, 0, 0 }),
			0);
	/* Without ACK the number means nothing. */
	CU_ASSERT_EQUAL(ENDS_AT({ 0, FIN | ACK, 10, 50, 0, 0 }, { 1, FIN, 50, 11, 0, 0 },
				{ 0, ACK, 11, 51, 0, 0 }),
			0);
	CU_ASSERT_EQUAL(ENDS_AT({ 0, SYN, 10, 0, 0, 0 }, { 1, SYN | ACK, 50, 11, 0, 0 },
				{ 0, ACK, 11, 51, 0, 0 }),
			0);
}

/* --- helpers of TCP quality --- */

static void test_sequence_order(void)
{
	static const guint32 bases[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };

	for (guint i = 0; i < G_N_ELEMENTS(bases); i++) {
		guint32 a = bases[i];
		guint32 far = a + 0x7fffffff;

		CU_ASSERT_TRUE(seq_reached(a, a));
		CU_ASSERT_FALSE(seq_after(a, a));
		CU_ASSERT_TRUE(seq_reached(a + 1, a));
		CU_ASSERT_TRUE(seq_after(a + 1, a));
		CU_ASSERT_FALSE(seq_reached(a - 1, a));
		CU_ASSERT_TRUE(seq_after(far, a));
		CU_ASSERT_FALSE(seq_after(a, far));
		CU_ASSERT_EQUAL(seq_min(a, far), a);
		CU_ASSERT_EQUAL(seq_min(far, a), a);
		CU_ASSERT_EQUAL(seq_max(a, far), far);
		CU_ASSERT_EQUAL(seq_max(far, a), far);
	}
}

#define WRAP 0xfffffff0u /* holes lie over the wrap */

static void test_hole_filled(void)
{
	struct flow_tcp tcp = { 0 };

	hole_open(&tcp, WRAP, WRAP + 100, 5);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 100);
	CU_ASSERT_EQUAL(hole_age(&tcp.track, WRAP, 25), 20);
	CU_ASSERT_EQUAL(hole_age(&tcp.track, WRAP + 99, 25), 20);
	CU_ASSERT_EQUAL(hole_age(&tcp.track, WRAP + 100, 25), ~0ULL);
	CU_ASSERT_EQUAL(hole_age(&tcp.track, WRAP - 1, 25), ~0ULL);
	hole_fill(&tcp, 0, WRAP - 50, WRAP + 10); /* its start */
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 90);
	hole_fill(&tcp, 0, WRAP + 90, WRAP + 200); /* its end */
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 80);
	hole_fill(&tcp, 0, WRAP + 95, WRAP + 300); /* beside it */
	hole_fill(&tcp, 0, WRAP - 95, WRAP + 10);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 80);
	hole_fill(&tcp, 0, WRAP, WRAP + 100);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 0);
	CU_ASSERT_FALSE(hole_is_open(&tcp.track.hole[0]));
	hole_fill(&tcp, 0, WRAP, WRAP + 100);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 0);
}

static void test_hole_split(void)
{
	struct flow_tcp tcp = { 0 };

	hole_open(&tcp, WRAP, WRAP + 100, 5);
	tcp.track.holes = hole_acked_bit(0);
	tcp.tally.gap_octets = 100;
	hole_fill(&tcp, 0, WRAP + 40, WRAP + 60);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 80);
	CU_ASSERT_EQUAL(tcp.tally.gap_octets, 80);
	CU_ASSERT_EQUAL(tcp.track.hole[0].end, WRAP + 40);
	CU_ASSERT_EQUAL(tcp.track.hole[1].start, WRAP + 60);
	CU_ASSERT_EQUAL(tcp.track.hole[1].end, WRAP + 100);
	CU_ASSERT_EQUAL(tcp.track.hole[1].opened_ns, 5);
	CU_ASSERT_EQUAL(tcp.track.holes, hole_acked_bit(0) | hole_acked_bit(1));
	tcp.track.holes |= hole_told_bit(1); /* of an earlier record: not this one's to take back */
	hole_fill(&tcp, 1, WRAP + 70, WRAP + 80);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 80);
	CU_ASSERT_EQUAL(tcp.tally.gap_octets, 80);
	CU_ASSERT_EQUAL(tcp.track.hole[2].start, WRAP + 80);
	CU_ASSERT_TRUE(tcp.track.holes & hole_told_bit(2));
}

/* More holes than can be remembered: the oldest stays unseen. */
static void test_hole_slots(void)
{
	struct flow_tcp tcp = { 0 };

	for (guint32 i = 0; i < TCP_HOLES; i++)
		hole_open(&tcp, i * 100, i * 100 + 10, 50 - i);
	tcp.track.holes = 0xff;
	CU_ASSERT_EQUAL(hole_slot(&tcp.track), TCP_HOLES - 1);
	hole_open(&tcp, 1000, 1010, 60);
	CU_ASSERT_EQUAL(tcp.track.hole[TCP_HOLES - 1].start, 1000);
	CU_ASSERT_EQUAL(tcp.track.holes, 0x77);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 50);
	hole_fill(&tcp, 0, 4, 6); /* no slot for the rest: it stays unseen */
	CU_ASSERT_EQUAL(tcp.track.hole[0].end, 4);
	CU_ASSERT_EQUAL(tcp.tally.unseen_octets, 50); /* hole 0 was told in an earlier record */
}

static CU_TestInfo tests[] = {
	{ "a flow ends when both FINs are acknowledged", test_close },
	{ "half a close is no end", test_half_close },
	{ "a FIN is acknowledged when the number after it is", test_fin_end },
	{ "a reset ends a flow once", test_reset },
	{ "nothing else ends a flow", test_no_end },
	{ "sequence numbers are ordered over the wrap", test_sequence_order },
	{ "a hole is filled from either end", test_hole_filled },
	{ "a hole filled in its middle is two", test_hole_split },
	{ "more holes than slots forget the oldest", test_hole_slots },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "tcp_end", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
