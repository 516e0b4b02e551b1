/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cpus.h"
#include "unit.h"

static void test_lists(void)
{
	static const struct {
		const char *list;
		guint count;
		int has;
		int has_not;
	} cases[] = {
		{ "0\n", 1, 0, 1 },	      { "0-3\n", 4, 3, 4 },
		{ "0-3,8,10-11\n", 7, 8, 9 }, { "0,2,4,6\n", 4, 6, 5 },
		{ "128-255", 128, 255, 127 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		CU_ASSERT_EQUAL(cpus_list_count(cases[i].list), cases[i].count);
		CU_ASSERT_TRUE(cpus_list_has(cases[i].list, cases[i].has));
		CU_ASSERT_FALSE(cpus_list_has(cases[i].list, cases[i].has_not));
	}
}

static void test_nonsense(void)
{
	static const char *const lists[] = { "", "\n", "x", "-3", ",", "3-1\n" };

	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		CU_ASSERT_EQUAL(cpus_list_count(lists[i]), 0);
		CU_ASSERT_FALSE(cpus_list_has(lists[i], 2));
	}
}

static void test_this_machine(void)
{
	g_autofree char *online = cpus_list("online");

	CU_ASSERT_TRUE(cpus_present() >= g_get_num_processors());
	CU_ASSERT_PTR_NULL(cpus_list("no such list"));
	CU_ASSERT_TRUE(!online || cpus_list_count(online) >= 1);
}

CU_SuiteInfo test_suites[] = {
	{ "cpus", NULL, NULL, NULL, NULL,
	  (CU_TestInfo[]){
		  { "ranges and single ones", test_lists },
		  { "what is no list has none", test_nonsense },
		  { "this machine has some", test_this_machine },
		  CU_TEST_INFO_NULL,
	  } },
	CU_SUITE_INFO_NULL,
};
