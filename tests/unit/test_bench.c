/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "setup/bench/child.h"
#include "setup/bench/summary.h"
#include "unit.h"

#define MANY_OCTETS (32u << 20)

static bool double_it(const void *data, void *ret_result, GError **error)
{
	guint64 value = *(const guint64 *)data * 2;

	(void)error;
	memcpy(ret_result, &value, sizeof(value));
	return true;
}

static bool complain(const void *data, void *ret_result, GError **error)
{
	(void)ret_result;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: no such thing", (const char *)data);
	return false;
}

static bool vanish(const void *data, void *ret_result, GError **error)
{
	(void)data;
	(void)ret_result;
	(void)error;
	_exit(3);
}

static bool take_memory(const void *data, void *ret_result, GError **error)
{
	guint8 *octets = g_malloc(MANY_OCTETS);
	guint64 sum = 0;

	(void)data;
	(void)error;
	memset(octets, 1, MANY_OCTETS);
	for (guint i = 0; i < MANY_OCTETS; i += 4096)
		sum += octets[i];
	memcpy(ret_result, &sum, sizeof(sum));
	g_free(octets);
	return true;
}

static void test_result(void)
{
	guint64 value = 21;
	guint64 answer = 0;
	struct child_result result = { .octets = &answer, .size = sizeof(answer) };

	CU_ASSERT_TRUE(child_run(double_it, &value, &result, NULL));
	CU_ASSERT_EQUAL(answer, 42);
	CU_ASSERT_TRUE(result.peak_octets > 0);
}

static void test_failure(void)
{
	guint64 answer = 7;
	struct child_result result = { .octets = &answer, .size = sizeof(answer) };
	g_autoptr(GError) told = NULL;
	g_autoptr(GError) gone = NULL;

	CU_ASSERT_FALSE(child_run(complain, "a name", &result, &told));
	CU_ASSERT_STRING_EQUAL(told->message, "a name: no such thing");
	CU_ASSERT_FALSE(child_run(vanish, NULL, &result, &gone));
	CU_ASSERT_TRUE(g_error_matches(gone, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT_EQUAL(answer, 7);
}

static void test_memory(void)
{
	guint64 value = 0;
	struct child_result small = { .octets = &value, .size = sizeof(value) };
	struct child_result large = small;

	CU_ASSERT_TRUE(child_run(take_memory, NULL, &large, NULL));
	CU_ASSERT_EQUAL(value, MANY_OCTETS / 4096);
	CU_ASSERT_TRUE(child_run(double_it, &value, &small, NULL));
	CU_ASSERT_TRUE(large.peak_octets >= MANY_OCTETS);
	CU_ASSERT_TRUE(small.peak_octets + MANY_OCTETS / 2 < large.peak_octets);
}

static void add_round(struct bench_result *result, guint64 reading_ns, guint64 metering_ns)
{
	result->figures[0][result->rounds] =
		(struct bench_figure){ .packets = 100, .cpu_ns = reading_ns };
	result->figures[2][result->rounds] = (struct bench_figure){
		.packets = 100, .cpu_ns = metering_ns, .records = 5, .peak_octets = metering_ns
	};
	result->rounds++;
}

/* The second round met a slow machine: both steps took long, so the ratio stands. */
static void test_summary(void)
{
	g_autofree struct bench_result *result = g_new0(struct bench_result, 1);
	struct bench_summary summary;

	add_round(result, 1000, 5000);
	add_round(result, 3000, 15000);
	add_round(result, 1100, 4400);
	summary = bench_summarize(result, 2);
	CU_ASSERT_DOUBLE_EQUAL(summary.best_ns, 44, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(summary.median_ns, 50, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(summary.ratio, 5, 1e-9);
	CU_ASSERT_EQUAL(summary.peak_octets, 15000);
	CU_ASSERT_EQUAL(summary.records, 5);
	add_round(result, 1000, 6000);
	CU_ASSERT_DOUBLE_EQUAL(bench_summarize(result, 2).median_ns, 55, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench_summarize(result, 0).ratio, 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench_summarize(result, 2).over_basic, 0, 1e-9);
	result->plan.basic = 2;
	CU_ASSERT_DOUBLE_EQUAL(bench_summarize(result, 2).over_basic, 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bench_summarize(result, 0).over_basic, 0.2, 1e-9);
}

static CU_TestInfo tests[] = {
	{ "a child's result comes back", test_result },
	{ "a child's failure comes back in its own words", test_failure },
	{ "peak memory is the child's own", test_memory },
	{ "best, median and the median ratio are told over the rounds", test_summary },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "bench", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
