/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of files by time, as they are written in a URL. */
#include <string.h>

#include "export/file_pattern.h"
#include "unit.h"

#define SECONDS 1700000000 /* 2023-11-14 22:13:20 */

static char *unescape(const char *path)
{
	return file_pattern_unescape(path, path + strlen(path));
}

static void test_unescape(void)
{
	static const struct {
		const char *path;
		const char *pattern;
	} cases[] = {
		{ "flows.json", "flows.json" },
		{ "%Y%m%d-%H%M%S", "%Y%m%d-%H%M%S" },
		{ "%25Y%25m%25d", "%Y%m%d" },
		{ "a%20b%3Fc", "a b?c" },
		{ "caf%C3%A9-%H", "caf\xc3\xa9-%H" },
		{ "%d0%F0%D0%f0", "%d0%F0\xd0\xf0" }, /* the case tells */
		{ "100%%", "100%%" },
		{ "100%25%25", "100%%" },
		{ "%%Y", "%%Y" },
		{ "%s.%j%y%T", "%s.%j%y%T" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *pattern = unescape(cases[i].path);

		CU_ASSERT_STRING_EQUAL(pattern, cases[i].pattern);
	}
}

static void test_stray(void)
{
	static const char *const paths[] = { "%", "a%", "50%-", "%Q", "%25", "%252F", "%00", "%2" };

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autofree char *pattern = unescape(paths[i]);

		CU_ASSERT_PTR_NULL(pattern);
	}
}

static void test_end(void)
{
	static const char path[] = "a-%H%20?rotate=1m";
	g_autofree char *pattern = file_pattern_unescape(path, strchr(path, '?'));
	g_autofree char *cut = file_pattern_unescape(path, strchr(path, '?') - 1);

	CU_ASSERT_STRING_EQUAL(pattern, "a-%H ");
	CU_ASSERT_PTR_NULL(cut);
}

static void check_name(const char *pattern, guint number, const char *expected)
{
	g_autofree char *name = file_pattern_name(pattern, SECONDS, number);

	CU_ASSERT_STRING_EQUAL(name, expected);
}

static void test_name(void)
{
	check_name("%Y/%m/%d/%H%M%S.json", 0, "2023/11/14/221320.json");
	check_name("%F_%T", 0, "2023-11-14_22:13:20");
	check_name("%y %j %s", 0, "23 318 1700000000");
	check_name("%%Y-%%%Y", 0, "%Y-%2023");
}

static void test_number(void)
{
	check_name("%H.json", 1, "22_001.json");
	check_name("%H.json.gz", 12, "22_012.json.gz");
	check_name("%H.gz", 1, "22_001.gz");
	check_name("%H", 1000, "22_1000");
	check_name("a.d/%H", 1, "a.d/22_001");
	check_name("flows.%Y.%m.%d", 1, "flows.2023.11.14_001"); /* no suffix */
	check_name(".hidden", 1, ".hidden_001");
	check_name("x/.json", 1, "x/.json_001");
	check_name("dot.", 1, "dot._001");
}

static void test_order(void)
{
	char *last = NULL;

	for (guint number = 0; number < 1000; number++) {
		char *name = file_pattern_name("%H.json", SECONDS, number);

		CU_ASSERT_TRUE(last == NULL || strcmp(last, name) < 0);
		g_free(last);
		last = name;
	}
	g_free(last);
}

static void check_folder(const char *pattern, const char *expected)
{
	g_autofree char *folder = file_pattern_folder(pattern);

	CU_ASSERT_STRING_EQUAL(folder, expected);
}

static void test_folder(void)
{
	check_folder("flows", ".");
	check_folder("%Y/flows", ".");
	check_folder("a/b/flows", "a/b");
	check_folder("a/b%Y/c/flows", "a");
	check_folder("/flows", "/");
	check_folder("/%Y/flows", "/");
	check_folder("/var/%Y/flows", "/var");
}

static CU_TestInfo tests[] = {
	{ "conversions may be written with or without an escape", test_unescape },
	{ "a percent sign without a meaning is refused", test_stray },
	{ "a path ends where it is said to", test_end },
	{ "conversions tell the time in UTC", test_name },
	{ "a number stands before the suffix", test_number },
	{ "names sort in the order of their numbers", test_order },
	{ "the folder is what all names begin with", test_folder },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "file_pattern", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
