/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of a kernel, and what is read out of a verifier's log. */
#include <stdio.h>
#include <string.h>

#include "capture/kernel_load.h"
#include "capture/kernel_needs.h"
#include "unit.h"

static bool is_taken(const char *release)
{
	struct utsname name = { 0 };
	GError *error = NULL;
	bool taken;

	g_strlcpy(name.release, release, sizeof(name.release));
	taken = kernel_check_release(&name, &error);
	if (!taken) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(error);
		CU_ASSERT_PTR_NOT_NULL(strstr(error->message, release));
		CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "5.15"));
		g_error_free(error);
	}
	return taken;
}

static void test_releases(void)
{
	CU_ASSERT_TRUE(is_taken("5.15.0"));
	CU_ASSERT_TRUE(is_taken("5.15.0-91-generic"));
	CU_ASSERT_TRUE(is_taken("6.1.0-18-amd64"));
	CU_ASSERT_TRUE(is_taken("10.0.1"));
	CU_ASSERT_FALSE(is_taken("5.14.21"));
	CU_ASSERT_FALSE(is_taken("5.4.0-150-generic"));
	CU_ASSERT_FALSE(is_taken("4.19.0-27-amd64"));
	CU_ASSERT_FALSE(is_taken("3.10.0-1160.el7.x86_64"));
}

static void test_unknown_release(void)
{
	CU_ASSERT_TRUE(is_taken("experimental"));
	CU_ASSERT_TRUE(is_taken(""));
}

static void test_btf(void)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(kernel_btf_missing("/nowhere/vmlinux"), "no BTF"));
	CU_ASSERT_STRING_EQUAL(kernel_btf_missing("/"), "");
}

static void test_memory(void)
{
	GError *error = NULL;

	CU_ASSERT_TRUE(kernel_check_memory(1000, 1000, &error));
	CU_ASSERT_TRUE(kernel_check_memory(G_MAXUINT64, 0, &error));
	CU_ASSERT_FALSE(kernel_check_memory(300ull << 30, 2ull << 30, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "307200 MiB"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "2048 MiB"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "--max-flows"));
	g_error_free(error);
}

static void assert_reason(const char *log, const char *expected)
{
	g_autofree char *reason = kernel_load_reason(log);

	CU_ASSERT_PTR_NOT_NULL_FATAL(reason);
	CU_ASSERT_STRING_EQUAL(reason, expected);
}

static void test_reason(void)
{
	assert_reason("0: (b7) r0 = 0\n1: (79) r0 = *(u64 *)(r0 +0)\nR0 invalid mem access "
		      "'scalar'\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 "
		      "total_states 0 peak_states 0 mark_read 0\n",
		      "R0 invalid mem access 'scalar'");
	assert_reason("unreachable insn 3\nverification time 12 usec\nstack depth 0+0\nprocessed 0 "
		      "insns\n\n",
		      "unreachable insn 3");
	assert_reason("last insn is not an exit or jmp", "last insn is not an exit or jmp");
}

static void test_no_reason(void)
{
	CU_ASSERT_PTR_NULL(kernel_load_reason(""));
	CU_ASSERT_PTR_NULL(kernel_load_reason("\n\nprocessed 2 insns (limit 1000000)\n"));
}

static CU_TestInfo tests[] = {
	{ "kernels before 5.15 are refused by name", test_releases },
	{ "a kernel that calls itself something else is tried", test_unknown_release },
	{ "a kernel without BTF is named in a refusal", test_btf },
	{ "tables larger than memory are refused with both figures", test_memory },
	{ "the last line that is no figure is the reason", test_reason },
	{ "a log of figures has no reason", test_no_reason },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "what the kernel must have", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
