/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow told as a whole, and its identifier. */
#include <stddef.h>
#include <string.h>

#include "flow/flow.h"
#include "unit.h"

static struct flow two_sides(void)
{
	struct flow flow = { 0 };

	flow.side[0].packets = 3;
	flow.side[0].octets = 300;
	flow.side[0].first_ns = 50;
	flow.side[0].last_ns = 90;
	flow.side[1].packets = 2;
	flow.side[1].octets = 20;
	flow.side[1].first_ns = 40;
	flow.side[1].last_ns = 80;
	return flow;
}

static void test_whole(void)
{
	struct flow flow = two_sides();

	CU_ASSERT_EQUAL(flow_packets(&flow), 5);
	CU_ASSERT_EQUAL(flow_octets(&flow), 320);
	CU_ASSERT_EQUAL(flow_first_ns(&flow), 40);
	CU_ASSERT_EQUAL(flow_last_ns(&flow), 90);
}

static void test_one_side(void)
{
	struct flow flow = two_sides();

	memset(&flow.side[1], 0, sizeof(flow.side[1]));
	CU_ASSERT_EQUAL(flow_first_ns(&flow), 50);
	CU_ASSERT_EQUAL(flow_last_ns(&flow), 90);
	flow = two_sides();
	memset(&flow.side[0], 0, sizeof(flow.side[0]));
	CU_ASSERT_EQUAL(flow_first_ns(&flow), 40);
	CU_ASSERT_EQUAL(flow_last_ns(&flow), 80);
}

static void test_initiator(void)
{
	struct flow flow = two_sides();

	flow.side[FLOW_FROM_LOW].state = FLOW_INITIATOR | FLOW_FIN_SEEN;
	CU_ASSERT_EQUAL(flow_initiator(&flow), FLOW_FROM_LOW);
	flow.side[FLOW_FROM_LOW].state = FLOW_FIN_SEEN;
	flow.side[FLOW_FROM_HIGH].state = FLOW_INITIATOR;
	CU_ASSERT_EQUAL(flow_initiator(&flow), FLOW_FROM_HIGH);
}

static void test_sizes(void)
{
	CU_ASSERT_EQUAL(flow_size(FLOW_DETAIL_BASIC), 192);
	CU_ASSERT_EQUAL(flow_size(FLOW_DETAIL_TCP), 192 + 2 * sizeof(struct flow_tcp));
	CU_ASSERT_EQUAL(flow_size(FLOW_DETAIL_FULL), sizeof(struct flow));
	for (guint detail = 0; detail < FLOW_DETAILS; detail++)
		CU_ASSERT_EQUAL(flow_record_size((enum flow_detail)detail),
				16 + flow_size((enum flow_detail)detail));
}

/* Every bit of the key and of the birth counts; nothing else does. */
static void test_id(void)
{
	struct flow flow = two_sides();
	guint64 id;

	flow.key.proto = 6;
	flow.side[FLOW_FROM_LOW].whole = 1234;
	id = flow_id(&flow);
	for (guint bit = 0; bit < 8 * sizeof(flow.key); bit++) {
		struct flow other = flow;

		((guint8 *)&other.key)[bit / 8] ^= (guint8)(1u << bit % 8);
		CU_ASSERT_NOT_EQUAL(flow_id(&other), id);
	}
	for (guint bit = 0; bit < 64; bit++) {
		struct flow other = flow;

		other.side[FLOW_FROM_LOW].whole ^= 1ULL << bit;
		CU_ASSERT_NOT_EQUAL(flow_id(&other), id);
	}
	flow.side[FLOW_FROM_HIGH].whole = 99; /* when it ended */
	flow.side[0].packets = 1;
	flow.side[1].first_ns = 7;
	flow.last_ns = 5;
	CU_ASSERT_EQUAL(flow_id(&flow), id);
}

static CU_TestInfo tests[] = {
	{ "a flow is the sum of its sides", test_whole },
	{ "a side that sent nothing has no times", test_one_side },
	{ "the initiator is the side that says so", test_initiator },
	{ "a detail is a size", test_sizes },
	{ "an identifier is made of key and birth alone", test_id },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "flow", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
