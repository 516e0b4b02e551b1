/* SPDX-License-Identifier: BSD-2-Clause */
#include <fixbuf/public.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/registry.h"
#include "unit.h"

static char *xml(guint32 pen)
{
	GString *out = g_string_new(NULL);

	registry_write_xml(out, pen);
	return g_string_free(out, FALSE);
}

/* The shipped file is made, not edited: WEIR_UPDATE=1 makes it again. */
static void test_shipped_file(void)
{
	g_autofree char *made = xml(FIELD_PEN_DEFAULT);
	g_autofree char *shipped = NULL;

	if (getenv("WEIR_UPDATE"))
		CU_ASSERT_TRUE(g_file_set_contents(WEIR_ELEMENTS_XML, made, -1, NULL));
	CU_ASSERT_TRUE_FATAL(g_file_get_contents(WEIR_ELEMENTS_XML, &shipped, NULL, NULL));
	CU_ASSERT_STRING_EQUAL(made, shipped);
}

static guint8 fixbuf_type(enum field_type type)
{
	static const guint8 types[FIELD_TYPES] = {
		[FIELD_UNSIGNED8] = FB_UINT_8,
		[FIELD_UNSIGNED16] = FB_UINT_16,
		[FIELD_UNSIGNED32] = FB_UINT_32,
		[FIELD_UNSIGNED64] = FB_UINT_64,
		[FIELD_FLOAT64] = FB_FLOAT_64,
		[FIELD_BOOLEAN] = FB_BOOL,
		[FIELD_MAC_ADDRESS] = FB_MAC_ADDR,
		[FIELD_OCTETS_3] = FB_OCTET_ARRAY,
		[FIELD_IPV4_ADDRESS] = FB_IP4_ADDR,
		[FIELD_IPV6_ADDRESS] = FB_IP6_ADDR,
		[FIELD_DATE_TIME_MILLISECONDS] = FB_DT_MILSEC,
		[FIELD_DATE_TIME_MICROSECONDS] = FB_DT_MICROSEC,
		[FIELD_DATE_TIME_NANOSECONDS] = FB_DT_NANOSEC,
		[FIELD_STRING] = FB_STRING,
	};

	return types[type];
}

static void check_element(const fbInfoElement_t *element, const struct field *field)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(element);
	CU_ASSERT_EQUAL(element->type, fixbuf_type(field->type));
	/* Of an octetArray the registry does not say how long it is. */
	CU_ASSERT_EQUAL(element->len, element->type == FB_OCTET_ARRAY
					      ? FB_IE_VARLEN
					      : field_type_size(field->type));
	/* RFC 7012, 3.2.1: what IANA leaves empty is a quantity where it is a number. */
	CU_ASSERT_TRUE(FB_IE_SEMANTIC(element->flags) == (guint32)field->semantics ||
		       (!field->own && field->semantics == FIELD_SEMANTICS_DEFAULT &&
			FB_IE_SEMANTIC(element->flags) == FIELD_QUANTITY));
}

static void check_own(fbInfoModel_t *model, const struct field *field, guint32 pen)
{
	g_autofree char *reverse = field_reverse_name(field);
	const fbInfoElement_t *element = fbInfoModelGetElementByName(model, field->name);

	check_element(element, field);
	CU_ASSERT_EQUAL(element->ent, pen);
	CU_ASSERT_EQUAL(element->num, field->id);
	CU_ASSERT_EQUAL(FB_IE_UNITS(element->flags) != 0, field->units != NULL);
	element = fbInfoModelGetElementByName(model, reverse);
	CU_ASSERT_EQUAL(element != NULL, field->direction == FIELD_OF_SIDE);
	if (!element)
		return;
	check_element(element, field);
	CU_ASSERT_EQUAL(element->ent, pen);
	CU_ASSERT_EQUAL(element->num, field->id | FIELD_REVERSE_BIT);
}

static void check_model(guint32 pen)
{
	g_autofree char *text = xml(pen);
	g_autoptr(GError) error = NULL;
	fbInfoModel_t *model = fbInfoModelAlloc();

	CU_ASSERT_TRUE(fbInfoModelReadXMLData(model, text, -1, &error));
	CU_ASSERT_PTR_NULL(error);
	for (size_t i = 0; i < fields_count; i++)
		if (fields[i].own)
			check_own(model, &fields[i], pen);
	fbInfoModelFree(model);
}

static void test_fixbuf_reads_it(void)
{
	check_model(FIELD_PEN_DEFAULT);
	check_model(65535);
}

/* libfixbuf knows IANA's elements by itself. */
static void test_fixbuf_agrees(void)
{
	fbInfoModel_t *model = fbInfoModelAlloc();

	for (size_t i = 0; i < fields_count; i++) {
		g_autofree char *reverse = field_reverse_name(&fields[i]);
		const fbInfoElement_t *element;

		if (fields[i].own)
			continue;
		element = fbInfoModelGetElementByName(model, fields[i].name);
		check_element(element, &fields[i]);
		CU_ASSERT_EQUAL(element->num, fields[i].id);
		if (fields[i].direction == FIELD_OF_SIDE)
			CU_ASSERT_PTR_NOT_NULL(fbInfoModelGetElementByName(model, reverse));
	}
	fbInfoModelFree(model);
}

static size_t lines_of(const char *text)
{
	size_t lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

static void test_elements_table(void)
{
	GString *out = g_string_new(NULL);

	registry_write_elements(out, 4711);
	CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "\n1          octetDeltaCount "));
	CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "\n4711/2     icmpIdentifier "));
	CU_ASSERT_EQUAL(lines_of(out->str), 1 + fields_count + 3);
	g_string_free(out, TRUE);
}

static void test_templates_table(void)
{
	GString *out = g_string_new(NULL);

	registry_write_templates(out);
	CU_ASSERT_EQUAL(lines_of(out->str), 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "\nstandard   uniflow "));
	CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "What every collector eats"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "\nquality    biflow "));
	CU_ASSERT_PTR_NOT_NULL(strstr(out->str, "\nfull       biflow "));
	g_string_free(out, TRUE);
}

static void test_template_text(void)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	CU_ASSERT_TRUE(registry_write_template(out, "biflow", TEMPLATE_AS_WRITTEN, NULL));
	CU_ASSERT_STRING_EQUAL(out->str, template_builtins[1].text);
	g_string_truncate(out, 0);
	CU_ASSERT_TRUE(registry_write_template(out, "standard", TEMPLATE_BIFLOW, NULL));
	CU_ASSERT_TRUE(g_str_has_prefix(out->str, "flow biflow\nip both\nflowStartMilliseconds\n"
						  "reverseFlowStartMilliseconds\n"));
	g_string_truncate(out, 0);
	CU_ASSERT_TRUE(registry_write_template(out, "ntop", TEMPLATE_UNIFLOW, NULL));
	CU_ASSERT_TRUE(g_str_has_prefix(out->str, "flow uniflow\nip both\nenterprise ntop\n"));
	CU_ASSERT_FALSE(registry_write_template(out, "/no/such", TEMPLATE_AS_WRITTEN, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	g_string_free(out, TRUE);
}

static void check_same_columns(const GArray *a, const GArray *b)
{
	CU_ASSERT_EQUAL_FATAL(a->len, b->len);
	for (guint i = 0; i < a->len; i++)
		CU_ASSERT_STRING_EQUAL(g_array_index(a, struct template_column, i).name,
				       g_array_index(b, struct template_column, i).name);
}

/* What is printed is read back as the same template. */
static void test_template_round_trip(void)
{
	static const enum template_direction directions[] = { TEMPLATE_BIFLOW, TEMPLATE_UNIFLOW };

	for (size_t i = 0; i < 8; i++) {
		const char *name = template_builtins[i / 2].name;
		enum template_direction direction = directions[i % 2];
		struct record_template *form = record_template_load(name, direction, NULL);
		GString *out = g_string_new(NULL);
		struct record_template *again;

		CU_ASSERT_TRUE(registry_write_template(out, name, direction, NULL));
		again = record_template_parse("again", out->str, out->len, TEMPLATE_AS_WRITTEN,
					      NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(again);
		CU_ASSERT_EQUAL(again->biflow, form->biflow);
		check_same_columns(form->columns[0], again->columns[0]);
		check_same_columns(form->columns[1], again->columns[1]);
		record_template_free(again);
		record_template_free(form);
		g_string_free(out, TRUE);
	}
}

static CU_TestInfo tests[] = {
	{ "the shipped XML is what the table says", test_shipped_file },
	{ "libfixbuf reads every element, its reverse and its meaning", test_fixbuf_reads_it },
	{ "libfixbuf's own model has IANA's elements as the table has", test_fixbuf_agrees },
	{ "the table of elements has all of them", test_elements_table },
	{ "the table of templates has all of them", test_templates_table },
	{ "a shipped template is printed as it is, others made anew", test_template_text },
	{ "a printed template reads back the same", test_template_round_trip },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "registry", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
