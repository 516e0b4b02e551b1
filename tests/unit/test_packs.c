/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "export/packs.h"
#include "setup/options.h"
#include "unit.h"

/* The number of the choice is the row of the table. */
static void test_choices(void)
{
	g_auto(GStrv) choices = g_strsplit(option_rows[OPTION_FOR].argument, "|", -1);

	CU_ASSERT_EQUAL_FATAL(g_strv_length(choices), packs_count);
	for (size_t i = 0; i < packs_count; i++)
		CU_ASSERT_STRING_EQUAL(choices[i], packs[i].collector);
}

static void test_types(void)
{
	for (size_t i = 0; i < packs_count; i++) {
		for (int type = 0; packs[i].types && type < FIELD_TYPES; type++)
			CU_ASSERT_PTR_NOT_NULL(packs[i].types[type]);
	}
}

struct seen {
	guint32 pen;
	size_t own;
	size_t own_reverse;
	size_t iana_reverse;
	GHashTable *names;
};

static void see(void *data, const struct pack_element *element)
{
	struct seen *seen = data;

	CU_ASSERT_TRUE(g_hash_table_add(seen->names, g_strdup(element->name)));
	CU_ASSERT_EQUAL(element->number, g_hash_table_size(seen->names) - 1);
	CU_ASSERT_EQUAL(element->reverse, g_str_has_prefix(element->name, "reverse"));
	if (!element->field->own) {
		CU_ASSERT_EQUAL(element->pen, 29305);
		CU_ASSERT_EQUAL(element->id, element->field->id);
		seen->iana_reverse++;
		return;
	}
	CU_ASSERT_EQUAL(element->pen, seen->pen);
	CU_ASSERT_EQUAL(element->id, element->field->id + (element->reverse ? 16384 : 0));
	seen->own += !element->reverse;
	seen->own_reverse += element->reverse;
}

static size_t count(bool own, bool of_side)
{
	size_t found = 0;

	for (size_t i = 0; i < fields_count; i++)
		found += fields[i].own == own && (!of_side || fields[i].direction == FIELD_OF_SIDE);
	return found;
}

static void test_elements(void)
{
	for (size_t i = 0; i < packs_count; i++) {
		struct seen seen = { .pen = 4711 };

		seen.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		pack_for_each(&packs[i], 4711, see, &seen);
		CU_ASSERT_EQUAL(seen.own, count(true, false));
		CU_ASSERT_EQUAL(seen.own_reverse, packs[i].reverse ? count(true, true) : 0);
		CU_ASSERT_EQUAL(seen.iana_reverse, packs[i].iana_reverse ? count(false, true) : 0);
		g_hash_table_unref(seen.names);
	}
}

/* Formats with comments begin with one that says where the file goes. */
static void test_comment(void)
{
	for (size_t i = 0; i < packs_count; i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(packs[i].where);
		pack_write(out, &packs[i], 4711);
		CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "4711"));
		if (!packs[i].comment)
			continue;
		CU_ASSERT_TRUE(g_str_has_prefix(out->str, packs[i].comment));
		CU_ASSERT_PTR_NOT_NULL(strstr(out->str, packs[i].where));
	}
}

static CU_TestInfo tests[] = {
	{ "every choice of --for has its row, in order", test_choices },
	{ "every collector has a word for every type", test_types },
	{ "elements and their reverses are told once each", test_elements },
	{ "a file says where it goes", test_comment },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "packs", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
