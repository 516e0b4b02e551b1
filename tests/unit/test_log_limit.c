/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said again and again: so many times in an interval, and the rest is counted. */
#include "base/log_limit.h"
#include "unit.h"

#define INTERVAL 100

static struct log_limit *limit_of(guint most, guint texts)
{
	return log_limit_new(&(struct log_limit_rule){ most, INTERVAL, texts });
}

static guint taken(struct log_limit *limit, const char *text, gint64 now, guint times)
{
	guint count = 0;

	while (times-- > 0)
		count += log_limit_take(limit, text, now);
	return count;
}

static void assert_left(struct log_limit *limit, gint64 now, const char *text, guint64 count)
{
	guint64 left = 0;
	g_autofree char *found = log_limit_left(limit, now, false, &left);

	if (!text) {
		CU_ASSERT_PTR_NULL(found);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT_STRING_EQUAL(found, text);
	CU_ASSERT_EQUAL(left, count);
}

static void test_bounded(void)
{
	struct log_limit *limit = limit_of(3, 10);

	CU_ASSERT_EQUAL(taken(limit, "a", 1000, 2), 2);
	CU_ASSERT_EQUAL(taken(limit, "a", 1050, 5), 1);
	CU_ASSERT_EQUAL(taken(limit, "a", 1099, 2), 0);
	assert_left(limit, 1099, NULL, 0);
	assert_left(limit, 1100, "a", 6);
	assert_left(limit, 1100, NULL, 0);
	log_limit_free(limit);
}

static void test_again(void)
{
	struct log_limit *limit = limit_of(2, 10);

	/* The interval begins with the first, wherever that is. */
	CU_ASSERT_EQUAL(taken(limit, "a", 0, 3), 2);
	CU_ASSERT_EQUAL(taken(limit, "a", INTERVAL - 1, 1), 0);
	CU_ASSERT_EQUAL(taken(limit, "a", INTERVAL, 3), 2);
	assert_left(limit, INTERVAL, NULL, 0);
	assert_left(limit, 2 * INTERVAL, "a", 1);
	log_limit_free(limit);
}

static void test_apart(void)
{
	struct log_limit *limit = limit_of(1, 10);

	CU_ASSERT_EQUAL(taken(limit, "a", 0, 3), 1);
	CU_ASSERT_EQUAL(taken(limit, "b", 10, 2), 1);
	CU_ASSERT_EQUAL(taken(limit, "c", 20, 1), 1);
	assert_left(limit, INTERVAL, "a", 2);
	assert_left(limit, INTERVAL, NULL, 0);
	assert_left(limit, INTERVAL + 20, "b", 1);
	assert_left(limit, INTERVAL + 20, NULL, 0);
	log_limit_free(limit);
}

static void test_all(void)
{
	struct log_limit *limit = limit_of(1, 10);
	g_autofree char *found = NULL;
	guint64 left = 0;

	CU_ASSERT_EQUAL(taken(limit, "a", 0, 1), 1);
	CU_ASSERT_EQUAL(taken(limit, "b", 0, 8), 1);
	found = log_limit_left(limit, 1, true, &left);
	CU_ASSERT_STRING_EQUAL(found, "b");
	CU_ASSERT_EQUAL(left, 7);
	CU_ASSERT_PTR_NULL(log_limit_left(limit, 1, true, &left));
	log_limit_free(limit);
}

static void test_full(void)
{
	struct log_limit *limit = limit_of(1, 2);

	CU_ASSERT_EQUAL(taken(limit, "a", 0, 2), 1);
	CU_ASSERT_EQUAL(taken(limit, "b", 0, 2), 1);
	CU_ASSERT_EQUAL(taken(limit, "c", 0, 9), 9);
	CU_ASSERT_EQUAL(taken(limit, "a", 0, 2), 0);
	/* And places come back. */
	CU_ASSERT_EQUAL(taken(limit, "c", INTERVAL, 9), 1);
	log_limit_free(limit);
}

static CU_TestInfo tests[] = {
	{ "so many times in an interval, and the rest is counted", test_bounded },
	{ "the next interval begins with the next one said", test_again },
	{ "every text has an interval of its own", test_apart },
	{ "at the end all that was left out is told", test_all },
	{ "where there is no place nothing is left out", test_full },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "log_limit", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
