/* SPDX-License-Identifier: BSD-2-Clause */
/* The shape of a side's traffic, and the units it is told in. */
#include "meter_home.h"
#include "unit.h"

#define START 1000000000000ULL
#define MS    1000000ULL

/* A side that counts as the meter does: shape first, then the side. */
struct sender {
	struct flow_side side;
	struct flow_shape shape;
};

static void send_packet(struct sender *sender, guint64 now_ns, guint32 octets)
{
	struct packet pkt = { .now_ns = now_ns, .octets = octets, .ttl = 64 };

	for (guint8 i = 0; i < 12; i++)
		pkt.macs[i] = i;
	shape_count(&sender->shape, &sender->side, &pkt);
	side_count(&sender->side, &pkt);
}

static void test_length_buckets(void)
{
	static const guint32 highest[] = { 64, 128, 256, 512, 1024, 1518 };

	CU_ASSERT_EQUAL(shape_length_bucket(0), 0);
	for (guint i = 0; i < G_N_ELEMENTS(highest); i++) {
		CU_ASSERT_EQUAL(shape_length_bucket(highest[i]), i);
		CU_ASSERT_EQUAL(shape_length_bucket(highest[i] + 1), i + 1);
	}
	CU_ASSERT_EQUAL(shape_length_bucket(G_MAXUINT32), FLOW_LENGTH_BUCKETS - 1);
}

static void test_ttl_buckets(void)
{
	static const guint8 highest[] = { 1, 5, 32, 64, 96, 128, 160, 192, 224, 255 };
	guint bucket = 0;

	CU_ASSERT_EQUAL(G_N_ELEMENTS(highest), FLOW_TTL_BUCKETS);
	for (guint ttl = 0; ttl < 256; ttl++) {
		bucket += ttl > highest[bucket];
		CU_ASSERT_EQUAL(shape_ttl_bucket((guint8)ttl), bucket);
	}
}

static void test_lengths(void)
{
	struct sender sender = { 0 };
	const struct flow_shape *shape = &sender.shape;

	send_packet(&sender, START, 100);
	CU_ASSERT_EQUAL(shape->length_min, 100);
	CU_ASSERT_EQUAL(shape->length_max, 100);
	send_packet(&sender, START, 64);
	send_packet(&sender, START, 9000);
	CU_ASSERT_EQUAL(shape->length_min, 64);
	CU_ASSERT_EQUAL(shape->length_max, 9000);
	CU_ASSERT_EQUAL(shape->length_squares, 10000 + 4096 + 81000000);
	CU_ASSERT_EQUAL(shape->length_count[0], 1);
	CU_ASSERT_EQUAL(shape->length_count[1], 1);
	CU_ASSERT_EQUAL(shape->length_count[6], 1);
	CU_ASSERT_EQUAL(shape->ttl_count[3], 3);
	CU_ASSERT_EQUAL(memcmp(shape->mac_destination, "\0\1\2\3\4\5", 6), 0);
	CU_ASSERT_EQUAL(memcmp(shape->mac_source, "\6\7\10\11\12\13", 6), 0);
	send_packet(&sender, START, G_MAXUINT32);
	CU_ASSERT_EQUAL(shape->length_squares, 81014096ULL + (guint64)G_MAXUINT32 * G_MAXUINT32);
}

static void test_fragments(void)
{
	struct sender sender = { 0 };
	struct packet pkt = { .state = FLOW_FRAGMENTED | FLOW_ORPHANS };

	send_packet(&sender, 0, 100);
	CU_ASSERT_EQUAL(sender.shape.fragments, 0);
	shape_count(&sender.shape, &sender.side, &pkt);
	CU_ASSERT_EQUAL(sender.shape.fragments, 1);
}

static void test_gaps(void)
{
	struct sender sender = { 0 };
	const struct flow_shape *shape = &sender.shape;

	send_packet(&sender, START, 100);
	CU_ASSERT_EQUAL(shape->gap_count, 0);
	send_packet(&sender, START + 3 * MS, 100);
	send_packet(&sender, START + 3 * MS + 1999, 100); /* 1 whole microsecond */
	send_packet(&sender, START + 3 * MS + 1999, 100);
	CU_ASSERT_EQUAL(shape->gap_count, 3);
	CU_ASSERT_EQUAL(shape->gap_sum_us, 3001);
	CU_ASSERT_EQUAL(shape->gap_squares_us2, 9000001);
	CU_ASSERT_EQUAL(shape->gap_max_us, 3000);
	CU_ASSERT_EQUAL(shape->pauses, 0);
}

static void test_pauses(void)
{
	struct sender sender = { 0 };
	const struct flow_shape *shape = &sender.shape;

	send_packet(&sender, START, 100);
	send_packet(&sender, START + 2 * FLOW_SECOND_NS, 100);
	CU_ASSERT_EQUAL(shape->pauses, 0);
	CU_ASSERT_EQUAL(shape->gap_count, 1);
	CU_ASSERT_EQUAL(shape->gap_sum_us, 2000000);
	CU_ASSERT_EQUAL(shape->gap_max_us, 2000000);
	send_packet(&sender, START + 4 * FLOW_SECOND_NS + 1, 100);
	CU_ASSERT_EQUAL(shape->pauses, 1);
	CU_ASSERT_EQUAL(shape->gap_count, 1);
	CU_ASSERT_EQUAL(shape->gap_sum_us, 2000000);
}

/* A late packet has no gap, and the next gap is from the last packet, not from the late one. */
static void test_late(void)
{
	struct sender sender = { 0 };
	const struct flow_shape *shape = &sender.shape;

	send_packet(&sender, START, 100);
	send_packet(&sender, START - 5 * MS, 50);
	CU_ASSERT_EQUAL(shape->gap_count + shape->pauses, 0);
	send_packet(&sender, START + MS, 100);
	CU_ASSERT_EQUAL(shape->gap_count, 1);
	CU_ASSERT_EQUAL(shape->gap_sum_us, 1000);
	CU_ASSERT_EQUAL(shape->length_min, 50);
	CU_ASSERT_EQUAL(shape->second_octets_max, 250);
}

static void test_seconds(void)
{
	struct sender sender = { 0 };
	const struct flow_shape *shape = &sender.shape;

	send_packet(&sender, START + 7, 100);
	send_packet(&sender, START + 7 + FLOW_SECOND_NS - 1, 200);
	CU_ASSERT_EQUAL(shape->second_octets_max, 300);
	send_packet(&sender, START + 7 + FLOW_SECOND_NS, 250);
	CU_ASSERT_EQUAL(shape->second_start_ns, START + 7 + FLOW_SECOND_NS);
	CU_ASSERT_EQUAL(shape->second_octets, 250);
	CU_ASSERT_EQUAL(shape->second_octets_max, 300);
	send_packet(&sender, START + 7 + 9 * FLOW_SECOND_NS + 500, 301);
	CU_ASSERT_EQUAL(shape->second_start_ns, START + 7 + 9 * FLOW_SECOND_NS);
	CU_ASSERT_EQUAL(shape->second_octets, 301);
	CU_ASSERT_EQUAL(shape->second_octets_max, 301);
}

static void test_thousandth(void)
{
	guint64 state = 1;

	for (guint32 n = 0; n < 1000000; n++)
		CU_ASSERT_FATAL(thousandth(n) == n / 1000);
	for (guint32 n = G_MAXUINT32; n > G_MAXUINT32 - 1000000; n--)
		CU_ASSERT_FATAL(thousandth(n) == n / 1000);
	/* Division by multiplication goes wrong, if anywhere, next to a multiple. */
	for (guint64 n = 0; n + 1000 < G_MAXUINT32; n += 1000)
		CU_ASSERT_FATAL(thousandth((guint32)n) == n / 1000 &&
				thousandth((guint32)n + 999) == n / 1000);
	for (guint i = 0; i < 1000000; i++) {
		guint32 n = (guint32)((state = state * 6364136223846793005ULL + 1) >> 32);

		CU_ASSERT_FATAL(thousandth(n) == n / 1000);
	}
}

static void test_ns_to_us(void)
{
	guint64 limit = 1000ULL * 0xfffffffe;

	CU_ASSERT_EQUAL(ns_to_us(0), 0);
	CU_ASSERT_EQUAL(ns_to_us(999), 0);
	CU_ASSERT_EQUAL(ns_to_us(1000), 1);
	CU_ASSERT_EQUAL(ns_to_us(0xffffffff), 4294967);
	CU_ASSERT_EQUAL(ns_to_us(0x100000000), 4294967);
	CU_ASSERT_EQUAL(ns_to_us(limit - 1), 0xfffffffd);
	CU_ASSERT_EQUAL(ns_to_us(limit), 0xfffffffe);
	CU_ASSERT_EQUAL(ns_to_us(limit + 1000), 0xfffffffe);
	CU_ASSERT_EQUAL(ns_to_us(G_MAXINT64), 0xfffffffe);
	CU_ASSERT_EQUAL(ns_to_us((guint64)G_MAXINT64 + 1), 0);
	CU_ASSERT_EQUAL(ns_to_us(-1ULL), 0);
}

static CU_TestInfo tests[] = {
	{ "lengths fall into buckets at their edges", test_length_buckets },
	{ "every TTL falls into its bucket", test_ttl_buckets },
	{ "lengths, their squares and the first MACs are kept", test_lengths },
	{ "fragments are counted", test_fragments },
	{ "inter-arrival times are whole microseconds", test_gaps },
	{ "a silence of exactly 2 s is no pause, 1 ns more is", test_pauses },
	{ "a late packet has no inter-arrival time", test_late },
	{ "seconds are counted from the side's first packet", test_seconds },
	{ "a thousandth is what division gives", test_thousandth },
	{ "microseconds saturate, and are 0 for negative differences", test_ns_to_us },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "shape", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
