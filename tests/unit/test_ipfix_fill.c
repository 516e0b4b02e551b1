/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan reads numbers where they lie; the getters of the field table say what they should be. */
#include <fixbuf/public.h>
#include <string.h>

#include "base/buffer.h"
#include "export/ipfix_fill.h"
#include "flow_maker.h"
#include "unit.h"

struct check {
	struct fill_plan *plans[2];
	guint64 columns; /* compared */
	guint64 wrong;
};

static guint64 stored(const guint8 *at, size_t size)
{
	guint64 number64;
	guint32 number32;
	guint16 number16;

	if (size == sizeof(number64)) {
		memcpy(&number64, at, size);
		return number64;
	}
	if (size == sizeof(number32)) {
		memcpy(&number32, at, size);
		return number32;
	}
	if (size == sizeof(number16)) {
		memcpy(&number16, at, size);
		return number16;
	}
	return *at;
}

static size_t stored_size(enum field_type type)
{
	return type == FIELD_STRING ? sizeof(fbVarfield_t) : field_type_size(type);
}

static bool same_text(const guint8 *at, const struct flow_text *text)
{
	fbVarfield_t stored;

	memcpy(&stored, at, sizeof(stored));
	return stored.len == text->length && stored.buf == (const guint8 *)text->octets;
}

/* RFC 7011, section 7. */
static size_t wire_size(enum field_type type, const union field_value *value)
{
	if (type != FIELD_STRING)
		return field_type_size(type);
	return value->text.length + (value->text.length < 255 ? 1 : 3);
}

static bool same(enum field_type type, const guint8 *at, const union field_value *value)
{
	switch (type) {
	case FIELD_MAC_ADDRESS:
	case FIELD_OCTETS_3:
	case FIELD_IPV6_ADDRESS:
		return memcmp(at, value->octets, field_type_size(type)) == 0;
	case FIELD_IPV4_ADDRESS:
		return stored(at, 4) == load_be32(value->octets);
	case FIELD_FLOAT64:
		return memcmp(at, &value->real, sizeof(value->real)) == 0;
	case FIELD_DATE_TIME_MILLISECONDS:
		return stored(at, 8) == value->number / 1000000;
	case FIELD_DATE_TIME_MICROSECONDS:
		return stored(at, 8) == ipfix_time_micro(value->number);
	case FIELD_DATE_TIME_NANOSECONDS:
		return stored(at, 8) == ipfix_time_nano(value->number);
	case FIELD_STRING:
		return same_text(at, &value->text);
	case FIELD_BOOLEAN:
		return stored(at, 1) == (value->number ? 1 : 2);
	default:
		return stored(at, field_type_size(type)) == value->number;
	}
}

/* What record_template_apply calls for each record. */
static bool compare(void *data, const GArray *columns, const struct flow_view *forward,
		    GError **error)
{
	const struct fill_plan *plan =
		((struct check *)data)->plans[forward->record->flow.key.version == 6];
	g_autofree guint8 *record = g_malloc(fill_plan_size(plan)); /* its end is watched */
	struct check *check = data;
	size_t length = fill_plan_run(plan, forward, record);
	size_t on_wire = 0;
	size_t at = 0;

	(void)error;
	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);
		union field_value value;

		template_column_value(column, forward, &value);
		check->wrong += !same(column->field->type, record + at, &value);
		check->columns++;
		on_wire += wire_size(column->field->type, &value);
		at += stored_size(column->field->type);
	}
	check->wrong += at != fill_plan_size(plan);
	check->wrong += on_wire != length;
	return true;
}

static void check_template(const char *name, enum template_direction direction)
{
	struct record_template *layout = record_template_load(name, direction, NULL);
	struct check check = { 0 };
	struct flow_record record;

	CU_ASSERT_PTR_NOT_NULL_FATAL(layout);
	check.plans[0] = fill_plan_new(layout->columns[0]);
	check.plans[1] = fill_plan_new(layout->columns[1]);
	for (guint64 number = 0; number < 500; number++) {
		struct flow_extra extra;
		struct flow_view view;

		flow_maker_make(&record, number);
		flow_maker_extra(&extra, &record, number);
		/* A side may keep what it counted before an active time-out. */
		if (number % 10 == 9)
			record.flow.side[number & 1].packets = 0;
		/* What lies beyond a record's detail is not its own. */
		if (number % 4 == 3)
			record.detail = number / 4 % 2 ? FLOW_DETAIL_BASIC : FLOW_DETAIL_TCP;
		view = flow_view_of(&record, &extra);
		CU_ASSERT_TRUE(record_template_apply(layout, &view, compare, &check, NULL));
	}
	CU_ASSERT_TRUE(check.columns > 5000);
	CU_ASSERT_EQUAL(check.wrong, 0);
	fill_plan_free(check.plans[0]);
	fill_plan_free(check.plans[1]);
	record_template_free(layout);
}

static void test_templates(void)
{
	check_template("standard", TEMPLATE_AS_WRITTEN);
	check_template("standard", TEMPLATE_BIFLOW);
	check_template("biflow", TEMPLATE_AS_WRITTEN);
	check_template("quality", TEMPLATE_AS_WRITTEN);
	check_template("full", TEMPLATE_AS_WRITTEN);
	check_template("full", TEMPLATE_UNIFLOW);
}

static void test_places(void)
{
	guint placed = 0;

	for (size_t i = 0; i < fields_count; i++)
		placed += fields[i].place.where != FIELD_COMPUTED;
	CU_ASSERT_TRUE(placed > 20);
}

static size_t fit(struct flow_extra *extra, size_t over, size_t *ret_first, size_t *ret_second)
{
	struct record_template *layout = record_template_load("full", TEMPLATE_AS_WRITTEN, NULL);
	struct fill_plan *plan = fill_plan_new(layout->columns[0]);
	g_autofree guint8 *record = g_malloc(fill_plan_size(plan));
	struct flow_record flow;
	struct flow_view view;
	size_t length;
	size_t fitted;

	flow_maker_make(&flow, 0);
	view = flow_view_of(&flow, extra);
	length = fill_plan_run(plan, &view, record);
	CU_ASSERT_TRUE(length > fill_plan_length(plan));
	fitted = fill_plan_shorten(plan, record, length, length - over);
	*ret_first = *ret_second = 0;
	for (size_t at = 0; at + sizeof(fbVarfield_t) <= fill_plan_size(plan); at++) {
		fbVarfield_t text;

		memcpy(&text, record + at, sizeof(text));
		if (text.buf == (const guint8 *)extra->interface[0]->name.octets)
			*ret_first = text.len;
		if (text.buf == (const guint8 *)extra->interface[0]->description.octets)
			*ret_second = text.len;
	}
	CU_ASSERT_TRUE(fitted <= length - over);
	fill_plan_free(plan);
	record_template_free(layout);
	return fitted - (length - over);
}

static void test_shorten(void)
{
	static const char wide[] = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"; /* five e-acute */
	static const struct flow_interface interface = { 1, { "eth0", 4 }, { wide, 10 } };
	struct flow_extra extra = { .interface = { &interface, NULL } };
	size_t name;
	size_t description;

	CU_ASSERT_EQUAL(fit(&extra, 0, &name, &description), 0);
	CU_ASSERT_EQUAL(name, 4);
	CU_ASSERT_EQUAL(description, 10);
	CU_ASSERT_EQUAL(fit(&extra, 2, &name, &description), 0);
	CU_ASSERT_EQUAL(name, 4);
	CU_ASSERT_EQUAL(description, 8);
	fit(&extra, 3, &name, &description); /* no half of a character stays */
	CU_ASSERT_EQUAL(description, 6);
	fit(&extra, 10, &name, &description);
	CU_ASSERT_EQUAL(description % 2, 0);
	CU_ASSERT_TRUE(name + description <= 4);
	CU_ASSERT_EQUAL(fit(&extra, 14, &name, &description), 0);
}

static CU_TestInfo tests[] = {
	{ "every column of every template is what its getter says", test_templates },
	{ "most fields are read where they lie", test_places },
	{ "texts are cut to what fits, the longest first, between characters [21]", test_shorten },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "ipfix_fill", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
