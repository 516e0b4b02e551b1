/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "top/history.h"
#include "top/model.h"
#include "unit.h"

/* A flow from 10.0.0.HOST to 10.0.1.1:PORT. */
static struct top_reading reading_of(guint64 id, guint8 host, guint16 port)
{
	return (struct top_reading){
		.flow = { .id = id,
			  .end = { { .address = { [10] = 0xff, 0xff, 10, 0, 0, host },
				     .port = (guint16)(1024 + id) },
				   { .address = { [10] = 0xff, 0xff, 10, 0, 1, 1 },
				     .port = port } },
			  .proto = 6,
			  .version = 4 },
		.record = 1,
		.first_ns = 1,
		.counts = { .packets = { 2, 1 }, .octets = { 200, 50 }, .retransmitted = { 1, 0 } },
	};
}

static void check_counts(const struct top_counts *counts, guint64 packets, guint64 octets)
{
	CU_ASSERT_EQUAL(top_packets(counts), packets);
	CU_ASSERT_EQUAL(top_octets(counts), octets);
}

static struct top_sums sums_of_all(struct top_model *model)
{
	struct top_sums sums = *top_model_rest(model);

	for (guint i = 0; i < top_model_entries(model); i++)
		top_sums_add(&sums, &top_model_entry(model, i)->sums);
	return sums;
}

static void test_differences(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading reading = reading_of(7, 1, 80);

	CU_ASSERT_TRUE(top_model_read(model, &reading));
	CU_ASSERT_FALSE(top_model_read(model, &reading));
	check_counts(&top_model_entry(model, 0)->sums.all, 3, 250);
	reading.counts.packets[TOP_BACK] = 11;
	reading.counts.octets[TOP_BACK] = 1050;
	CU_ASSERT_FALSE(top_model_read(model, &reading));
	check_counts(&top_model_entry(model, 0)->sums.all, 13, 1250);
	CU_ASSERT_EQUAL(top_model_entry(model, 0)->sums.flows, 1);
	CU_ASSERT_EQUAL(top_model_entries(model), 1);
	top_model_free(model);
}

static void test_next_record(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading reading = reading_of(7, 1, 80);

	top_model_read(model, &reading);
	reading.record = 2;
	reading.counts.packets[TOP_FORTH] = 1;
	reading.counts.octets[TOP_FORTH] = 40;
	reading.finished = true;
	top_model_read(model, &reading);
	check_counts(&top_model_entry(model, 0)->sums.all, 3 + 2, 250 + 90);
	CU_ASSERT_EQUAL(top_model_entry(model, 0)->sums.flows, 1);
	top_model_free(model);
}

/* Another record, but from before the last reading: some CPU's part is gone, and the rest grows. */
static void test_parts(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading reading = reading_of(7, 1, 80);

	top_model_read(model, &reading);
	reading.record = 2;
	reading.old = true;
	reading.counts.packets[TOP_FORTH] = 1;
	reading.counts.octets[TOP_FORTH] = 40;
	reading.counts.packets[TOP_BACK] = 5;
	reading.counts.octets[TOP_BACK] = 450;
	top_model_read(model, &reading);
	check_counts(&top_model_entry(model, 0)->sums.all, 3 + 4, 250 + 400);
	reading.record = 1;
	reading.counts.packets[TOP_FORTH] = 3;
	top_model_read(model, &reading);
	check_counts(&top_model_entry(model, 0)->sums.all, 3 + 4 + 2, 250 + 400);
	top_model_free(model);
}

/* Its packets were told as others when it was not among the flows that were told. */
static void test_old(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading reading = reading_of(7, 1, 80);

	reading.old = true;
	CU_ASSERT_TRUE(top_model_read(model, &reading));
	check_counts(&top_model_entry(model, 0)->sums.all, 0, 0);
	reading.counts.packets[TOP_BACK] += 9;
	top_model_read(model, &reading);
	check_counts(&top_model_entry(model, 0)->sums.all, 9, 0);
	check_counts(top_model_read_so_far(model), 9, 0);
	top_model_free(model);
}

static void test_never_less(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading reading = reading_of(7, 1, 80);

	top_model_read(model, &reading);
	reading.counts.packets[TOP_FORTH] = 1;
	top_model_read(model, &reading);
	check_counts(&top_model_entry(model, 0)->sums.all, 3, 250);
	top_model_free(model);
}

static void test_turns(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading reading = reading_of(7, 1, 80);
	const struct top_counts lost = { .packets = { 5 }, .octets = { 500 } };

	top_model_read(model, &reading);
	top_model_turn(model, 0);
	CU_ASSERT_EQUAL(top_model_turn_ns(model), 0);
	top_model_turn(model, 1000);
	check_counts(&top_model_entry(model, 0)->sums.last, 0, 0);
	reading.counts.packets[TOP_FORTH] += 4;
	reading.counts.octets[TOP_FORTH] += 400;
	top_model_read(model, &reading);
	top_model_lose(model, &lost);
	check_counts(&top_model_entry(model, 0)->sums.last, 0, 0);
	top_model_turn(model, 2000);
	check_counts(&top_model_entry(model, 0)->sums.last, 4, 400);
	check_counts(&top_model_rest(model)->last, 5, 500);
	CU_ASSERT_EQUAL(top_model_turn_ns(model), 2000);
	top_model_turn(model, 1000);
	check_counts(&top_model_entry(model, 0)->sums.last, 0, 0);
	check_counts(&top_model_entry(model, 0)->sums.all, 7, 650);
	check_counts(&top_model_rest(model)->last, 0, 0);
	check_counts(&top_model_rest(model)->all, 5, 500);
	top_model_free(model);
}

/* Ten times the room, to one service: one entry holds what has no room. */
static void test_services(void)
{
	struct top_model *model = top_model_new(8);
	struct top_sums sums;

	for (guint64 id = 0; id < 80; id++) {
		const struct top_reading reading = reading_of(id, 1, 80);

		CU_ASSERT_TRUE(top_model_read(model, &reading));
	}
	CU_ASSERT_TRUE(top_model_entries(model) <= 8);
	sums = sums_of_all(model);
	CU_ASSERT_EQUAL(sums.flows, 80);
	check_counts(&sums.all, 240, 20000);
	CU_ASSERT_EQUAL(top_retransmitted(&sums.all), 80);
	CU_ASSERT_EQUAL(top_model_rest(model)->flows, 0);
	top_model_free(model);
}

/* A scan of ports: nothing but the two hosts is the same. */
static void test_ports(void)
{
	struct top_model *model = top_model_new(8);
	struct top_sums sums;

	for (guint16 port = 1; port <= 80; port++) {
		const struct top_reading reading = reading_of(port, 1, port);

		top_model_read(model, &reading);
	}
	sums = sums_of_all(model);
	CU_ASSERT_EQUAL(sums.flows, 80);
	check_counts(&sums.all, 240, 20000);
	CU_ASSERT_EQUAL(top_model_rest(model)->flows, 0);
	for (guint i = 0; i < top_model_entries(model); i++)
		CU_ASSERT_EQUAL(top_model_entry(model, i)->flow.end[0].address[15], 1);
	top_model_free(model);
}

/* More hosts than there is room for: the largest keeps its own entry. */
static void test_rest(void)
{
	struct top_model *model = top_model_new(8);
	struct top_reading large = reading_of(1000, 250, 443);
	struct top_sums sums;
	guint found = 0;

	large.counts.octets[TOP_BACK] = 1000000;
	top_model_read(model, &large);
	for (guint8 host = 1; host <= 200; host++) {
		const struct top_reading reading = reading_of(host, host, 80);

		top_model_read(model, &reading);
	}
	sums = sums_of_all(model);
	CU_ASSERT_EQUAL(sums.flows, 201);
	check_counts(&sums.all, 603, 200 * 250 + 1000200);
	CU_ASSERT_TRUE(top_model_rest(model)->flows > 100);
	for (guint i = 0; i < top_model_entries(model); i++) {
		const struct top_entry *entry = top_model_entry(model, i);

		found += entry->grain == TOP_GRAIN_FLOW && entry->flow.id == 1000;
	}
	CU_ASSERT_EQUAL(found, 1);
	top_model_free(model);
}

/* --- history --- */

static void test_capture_bins(void)
{
	struct top_history history = top_history_capture();
	double rates[4];

	/* 100 octets at the beginning of each of 4 seconds. */
	for (guint64 second = 0; second < 4; second++)
		top_history_add(&history, TOP_OCTETS, 1000 + second * 1000000000, 100);
	top_history_add(&history, TOP_OCTETS, 0, 7); /* before the first */
	top_history_add(&history, TOP_PACKETS, 1000 + 3999999999, 1);
	CU_ASSERT_EQUAL(history.bin_ns, 8000000);
	top_history_rates(&history, TOP_OCTETS, 4, rates);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_DOUBLE_EQUAL(rates[i], i == 0 ? 107 : 100, 5);
}

static void test_rolling(void)
{
	struct top_history history = top_history_live(2000000000);
	double rates[3];

	for (guint64 i = 1; i <= TOP_BINS + 1; i++)
		top_history_push(&history, (const guint64[TOP_KINDS]){ 2 * i, 0, 0 });
	top_history_rates(&history, TOP_OCTETS, 3, rates);
	CU_ASSERT_DOUBLE_EQUAL(rates[0], TOP_BINS - 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(rates[2], TOP_BINS + 1, 0);
	history = top_history_live(1000000000);
	top_history_push(&history, (const guint64[TOP_KINDS]){ 5, 0, 0 });
	top_history_rates(&history, TOP_OCTETS, 3, rates);
	CU_ASSERT_DOUBLE_EQUAL(rates[1], -1, 0);
	CU_ASSERT_DOUBLE_EQUAL(rates[2], 5, 0);
}

static CU_TestInfo tests[] = {
	{ "a flow counts what came since it was read last", test_differences },
	{ "after an active time-out it counts on", test_next_record },
	{ "what was counted once is not counted again when a part is gone", test_parts },
	{ "nor when a flow is told of late", test_old },
	{ "a reading that says less takes nothing away", test_never_less },
	{ "rates are of the turn that is complete", test_turns },
	{ "without room, flows of one service are one, and no sum changes", test_services },
	{ "then those of one conversation", test_ports },
	{ "then the smallest are others", test_rest },
	{ "a capture's graph spans all of it", test_capture_bins },
	{ "a live graph is of the last while", test_rolling },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "top_model", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
