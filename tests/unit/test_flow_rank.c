/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for flows, and the first of many. */
#include <string.h>

#include "base/error.h"
#include "sample.h"
#include "serve/flow_query.h"
#include "unit.h"

static void expect_fault(const char *argument)
{
	struct flow_query query = { .limit = 7 };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_FALSE(flow_query_parse(argument, &query, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	CU_ASSERT_EQUAL(query.limit, 7);
}

static void test_parse(void)
{
	struct flow_query query;

	CU_ASSERT_TRUE(flow_query_parse("", &query, NULL));
	CU_ASSERT_EQUAL(query.sort, FLOW_SORT_OCTETS);
	CU_ASSERT_EQUAL(query.limit, FLOW_QUERY_LIMIT);
	CU_ASSERT_EQUAL(query.form, FLOW_FORM_JSON);
	CU_ASSERT_PTR_NULL(query.filter);
	flow_query_clear(&query);
	CU_ASSERT_TRUE(flow_query_parse(" limit=3  form=text sort=rtt template=a template=geo "
					"filter=tcp and limit=5 ",
					&query, NULL));
	CU_ASSERT_EQUAL(query.sort, FLOW_SORT_RTT);
	CU_ASSERT_EQUAL(query.limit, 3);
	CU_ASSERT_EQUAL(query.form, FLOW_FORM_TEXT);
	CU_ASSERT_STRING_EQUAL(query.template_name, "geo");
	CU_ASSERT_STRING_EQUAL(query.filter, "tcp and limit=5 ");
	flow_query_clear(&query);
}

static void test_faults(void)
{
	static const char *const faults[] = { "sort=size",    "sort=",	     "limit=-1",
					      "limit=10001",  "limit=ten",   "limit=",
					      "form=xml",     "template= a", "octets",
					      "limit=3,sort", "sort=rtt x",  "Sort=rtt" };

	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
		expect_fault(faults[i]);
}

static void test_request(void)
{
	for (int i = 0; i < FLOW_SORTS; i++) {
		struct flow_query query = { .sort = (enum flow_sort)i,
					    .limit = (guint)i * 100,
					    .form = i % 2 ? FLOW_FORM_TEXT : FLOW_FORM_JSON,
					    .template_name = i % 3 ? (char *)"biflow" : NULL,
					    .filter = i % 4 ? (char *)"udp or port 53" : NULL };
		g_autofree char *request = flow_query_request(&query);
		struct flow_query back;

		CU_ASSERT_TRUE_FATAL(g_str_has_prefix(request, FLOW_QUERY_VERB " "));
		CU_ASSERT_TRUE_FATAL(
			flow_query_parse(request + strlen(FLOW_QUERY_VERB), &back, NULL));
		CU_ASSERT_EQUAL(back.sort, query.sort);
		CU_ASSERT_EQUAL(back.limit, query.limit);
		CU_ASSERT_EQUAL(back.form, query.form);
		CU_ASSERT_STRING_EQUAL(back.template_name, i % 3 ? "biflow" : "full");
		CU_ASSERT_EQUAL(g_strcmp0(back.filter, query.filter), 0);
		flow_query_clear(&back);
	}
}

/* --- the first of many --- */

static struct flow_record flow_of(guint32 number, guint64 octets)
{
	struct flow_record record = sample_tcp();

	record.flow.key.low_port = (guint16)number;
	record.flow.key.tunnel_id = number;
	record.flow.side[0].octets = octets;
	record.flow.side[1].octets = 0;
	return record;
}

static void test_rank(void)
{
	enum {
		FLOWS = 5000,
		SHOWN = 64
	};
	struct flow_rank *rank = flow_rank_new(FLOW_SORT_OCTETS, SHOWN, FLOW_DETAIL_FULL);
	guint64 octets = 1;

	for (guint32 i = 0; i < FLOWS; i++) {
		struct flow_record record;

		/* Each once, in no order: 2 is a generator modulo 5003. */
		octets = octets * 2 % 5003;
		record = flow_of(i, octets);
		flow_rank_offer(rank, &record);
	}
	flow_rank_settle(rank);
	CU_ASSERT_EQUAL_FATAL(flow_rank_count(rank), SHOWN);
	for (guint i = 1; i < SHOWN; i++)
		CU_ASSERT(flow_octets(&flow_rank_at(rank, i - 1)->flow) >
			  flow_octets(&flow_rank_at(rank, i)->flow));
	CU_ASSERT(flow_octets(&flow_rank_at(rank, SHOWN - 1)->flow) > 5003 - 2 * SHOWN);
	flow_rank_free(rank);
}

/* Which of equal flows are shown does not depend on the order in which they come. */
static void test_equal(void)
{
	guint32 first[8] = { 0 };

	for (int turn = 0; turn < 2; turn++) {
		struct flow_rank *rank = flow_rank_new(FLOW_SORT_PACKETS, 8, FLOW_DETAIL_BASIC);

		for (guint32 i = 0; i < 100; i++) {
			struct flow_record record = flow_of(turn ? 99 - i : i, 5);

			record.detail = FLOW_DETAIL_BASIC;
			flow_rank_offer(rank, &record);
		}
		flow_rank_settle(rank);
		for (guint i = 0; i < 8; i++) {
			guint32 number = flow_rank_at(rank, i)->flow.key.tunnel_id;

			if (turn)
				CU_ASSERT_EQUAL(number, first[i]);
			first[i] = number;
		}
		flow_rank_free(rank);
	}
}

static void test_few(void)
{
	struct flow_rank *rank = flow_rank_new(FLOW_SORT_LAST, 0, FLOW_DETAIL_FULL);
	struct flow_record record = sample_tcp();

	flow_rank_offer(rank, &record);
	flow_rank_settle(rank);
	CU_ASSERT_EQUAL(flow_rank_count(rank), 0);
	flow_rank_free(rank);
}

static void test_values(void)
{
	struct flow_record record = sample_tcp();
	struct flow_tcp *tcp = record.flow.tcp;

	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_OCTETS, &record), 6234);
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_PACKETS, &record), 7);
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_START, &record), SAMPLE_START_NS);
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_LAST, &record), SAMPLE_START_NS + 3000000000);
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_DURATION, &record), 3000000000);
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RTT, &record), 0);
	tcp[0].track.handshake_us = 250;
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RTT, &record), 250);
	tcp[1].tally.rtt_count = 4;
	tcp[1].tally.rtt_sum_us = 4000;
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RTT, &record), 1000);
	tcp[0].tally.retransmitted_packets = 2;
	tcp[1].tally.retransmitted_packets = 3;
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RETRANSMISSIONS, &record), 5);
	tcp[0].tally.response_count = 2;
	tcp[0].tally.response_sum_us = 600;
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RESPONSE, &record), 300);
	record.detail = FLOW_DETAIL_BASIC;
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RETRANSMISSIONS, &record), 0);
	record = sample_icmp6();
	CU_ASSERT_EQUAL(flow_sort_value(FLOW_SORT_RTT, &record), 0);
}

static CU_TestInfo tests[] = {
	{ "a request says order, number, form and filter", test_parse },
	{ "what is no request is refused", test_faults },
	{ "a request that was made reads back the same", test_request },
	{ "the first of many are kept, in order", test_rank },
	{ "of equal flows always the same are kept", test_equal },
	{ "none may be wanted", test_few },
	{ "flows are sorted by what both sides did", test_values },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "flow_rank", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
