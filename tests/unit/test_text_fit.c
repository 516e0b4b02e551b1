/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "flow/text.h"
#include "unit.h"

static void check(const char *from, gsize size, const char *expected)
{
	g_autofree char *made = flow_text_make(from, size);

	CU_ASSERT_STRING_EQUAL(made, expected);
	CU_ASSERT_TRUE(g_utf8_validate(made, -1, NULL));
	CU_ASSERT_EQUAL(flow_text_of(made).length, strlen(expected));
}

static void test_kinds(void)
{
	check("eth0", 4, "eth0");
	check("eth0", 3, "eth");
	check("eth0\0more", 9, "eth0");
	check("", 0, "");
	check("caf\xc3\xa9", 5, "caf\xc3\xa9");
	check("a\xff"
	      "b",
	      3,
	      "a\xef\xbf\xbd"
	      "b");
	check("caf\xc3", 4, "caf\xef\xbf\xbd");
}

/* Of two, three and four octets, across the limit in every way. */
static void test_cut(void)
{
	static const char *const characters[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8a" };

	for (size_t i = 0; i < G_N_ELEMENTS(characters); i++) {
		size_t width = strlen(characters[i]);

		for (size_t before = 0; before < 4; before++) {
			g_autoptr(GString) text = g_string_new(NULL);
			g_autofree char *made = NULL;

			for (size_t k = 0; k < before; k++)
				g_string_append_c(text, 'x');
			while (text->len < 2 * FLOW_TEXT_MAX)
				g_string_append(text, characters[i]);
			made = flow_text_make(text->str, text->len);
			CU_ASSERT_EQUAL(strlen(made),
					before + (FLOW_TEXT_MAX - before) / width * width);
			CU_ASSERT_TRUE(g_utf8_validate(made, -1, NULL));
			CU_ASSERT_TRUE(g_str_has_prefix(text->str, made));
		}
	}
}

static void test_none(void)
{
	CU_ASSERT_EQUAL(flow_text_of(NULL).length, 0);
	CU_ASSERT_PTR_NULL(flow_text_of("").octets);
}

static CU_TestInfo tests[] = {
	{ "a text ends at its size or a NUL, and is UTF-8", test_kinds },
	{ "a long text is cut between characters", test_cut },
	{ "no text has no octets", test_none },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "extra", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
