/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "top/ui.h"
#include "unit.h"

static struct top_model *model_of(guint hosts)
{
	struct top_model *model = top_model_new(64);

	for (guint host = 1; host <= hosts; host++) {
		const struct top_reading reading = {
			.flow = { .id = host,
				  .end = { { .address = { [10] = 0xff,
							  0xff,
							  10,
							  0,
							  0,
							  (guint8)host },
					     .port = 1 },
					   { .address = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
					     .port = 2 } },
				  .proto = host % 2 ? 6 : 17,
				  .version = 4 },
			.record = 1,
			.first_ns = 1,
			.counts = { .packets = { 1, 0 }, .octets = { host * 100, 0 } },
		};

		top_model_read(model, &reading);
	}
	return model;
}

/* Types the keys, looking at the table after each, on a page of ten rows. */
static void type(struct top_ui *ui, struct top_model *model, const guint32 *keys)
{
	struct top_table *table = top_table_new(model, &ui->query);

	top_ui_settle(ui, table, 10);
	for (; *keys; keys++) {
		top_ui_key(ui, table, *keys);
		top_table_free(table);
		table = top_table_new(model, &ui->query);
		top_ui_settle(ui, table, 10);
	}
	top_table_free(table);
}

static char *chosen(const struct top_ui *ui, struct top_model *model)
{
	struct top_table *table = top_table_new(model, &ui->query);
	char *label = table->count
			      ? top_groups[ui->query.group].label(&table->rows[ui->at].key, NULL)
			      : g_strdup("(none)");

	top_table_free(table);
	return label;
}

static void check_chosen(const struct top_ui *ui, struct top_model *model, const char *expected)
{
	g_autofree char *label = chosen(ui, model);

	CU_ASSERT_STRING_EQUAL(label, expected);
}

static struct top_ui *usual(void)
{
	return top_ui_new(TOP_HOSTS, TOP_BY_OCTETS, NULL, true);
}

static void test_moving(void)
{
	struct top_model *model = model_of(30);
	struct top_ui *ui = usual();

	check_chosen(ui, model, "192.0.2.1");
	type(ui, model, (const guint32[]){ TOP_KEY_DOWN, 'j', TOP_KEY_UP, 0 });
	check_chosen(ui, model, "10.0.0.30");
	type(ui, model, (const guint32[]){ TOP_KEY_PAGE_DOWN, 0 });
	CU_ASSERT_EQUAL(ui->at, 11);
	CU_ASSERT_EQUAL(ui->offset, 2);
	type(ui, model, (const guint32[]){ TOP_KEY_END, 0 });
	check_chosen(ui, model, "10.0.0.1");
	CU_ASSERT_EQUAL(ui->offset, 21);
	type(ui, model, (const guint32[]){ TOP_KEY_DOWN, TOP_KEY_HOME, TOP_KEY_UP, 0 });
	check_chosen(ui, model, "192.0.2.1");
	CU_ASSERT_EQUAL(ui->offset, 0);
	top_ui_free(ui);
	top_model_free(model);
}

static void test_following(void)
{
	struct top_model *model = model_of(3);
	struct top_ui *ui = usual();
	struct top_reading reading = {
		.flow = { .id = 99,
			  .end = { { .address = { [10] = 0xff, 0xff, 10, 0, 0, 1 } },
				   { .address = { [10] = 0xff, 0xff, 10, 0, 0, 77 } } },
			  .proto = 6,
			  .version = 4 },
		.record = 1,
		.counts = { .octets = { 5000, 0 } },
	};

	type(ui, model, (const guint32[]){ TOP_KEY_END, 0 });
	check_chosen(ui, model, "10.0.0.1");
	top_model_read(model, &reading);
	type(ui, model, (const guint32[]){ 0 });
	check_chosen(ui, model, "10.0.0.1");
	CU_ASSERT_EQUAL(ui->at, 0);
	top_ui_free(ui);
	top_model_free(model);
}

static void test_drilling(void)
{
	struct top_model *model = model_of(5);
	struct top_ui *ui = usual();

	type(ui, model, (const guint32[]){ TOP_KEY_DOWN, TOP_KEY_ENTER, 0 });
	CU_ASSERT_EQUAL(ui->query.group, TOP_PAIRS);
	check_chosen(ui, model, "10.0.0.5 - 192.0.2.1");
	type(ui, model, (const guint32[]){ TOP_KEY_ENTER, 0 });
	CU_ASSERT_EQUAL(ui->query.group, TOP_FLOWS_EACH);
	CU_ASSERT_EQUAL(ui->query.conditions_count, 2);
	check_chosen(ui, model, "TCP 10.0.0.5:1 > 192.0.2.1:2");
	type(ui, model, (const guint32[]){ TOP_KEY_ENTER, TOP_KEY_BACKSPACE, 0 });
	CU_ASSERT_EQUAL(ui->query.group, TOP_PAIRS);
	type(ui, model, (const guint32[]){ TOP_KEY_LEFT, TOP_KEY_BACKSPACE, 0 });
	CU_ASSERT_EQUAL(ui->query.conditions_count, 0);
	check_chosen(ui, model, "10.0.0.5");
	top_ui_free(ui);
	top_model_free(model);
}

static void test_choosing(void)
{
	struct top_model *model = model_of(5);
	struct top_ui *ui = usual();

	type(ui, model, (const guint32[]){ 's', 0 });
	CU_ASSERT_EQUAL(ui->query.sort, TOP_BY_PACKETS);
	type(ui, model, (const guint32[]){ 'S', 'S', 0 });
	CU_ASSERT_EQUAL(ui->query.sort, TOP_BY_RATE);
	ui->rates = false;
	type(ui, model, (const guint32[]){ 's', 'S', 0 });
	CU_ASSERT_EQUAL(ui->query.sort, TOP_BY_OCTETS);
	type(ui, model, (const guint32[]){ 'g', 'r', 0 });
	CU_ASSERT_EQUAL(ui->query.group, TOP_PAIRS);
	CU_ASSERT_TRUE(ui->query.ascending);
	type(ui, model, (const guint32[]){ '5', 'p', 0 });
	CU_ASSERT_EQUAL(ui->query.group, TOP_PROTOCOLS);
	CU_ASSERT_TRUE(ui->paused);
	type(ui, model, (const guint32[]){ '1', 'G', ' ', '?', 'g', 0 });
	CU_ASSERT_EQUAL(ui->query.group, TOP_INTERFACES);
	CU_ASSERT_FALSE(ui->paused);
	CU_ASSERT_EQUAL(ui->mode, TOP_BROWSING);
	CU_ASSERT_FALSE(ui->quits);
	type(ui, model, (const guint32[]){ '?', 'q', 0 });
	CU_ASSERT_TRUE(ui->quits);
	top_ui_free(ui);
	top_model_free(model);
}

static void test_filtering(void)
{
	struct top_model *model = model_of(5);
	struct top_ui *ui = top_ui_new(TOP_PROTOCOLS, TOP_BY_OCTETS, "tcp", false);

	check_chosen(ui, model, "TCP");
	type(ui, model, (const guint32[]){ '/', 'x', TOP_KEY_BACKSPACE, 'q', TOP_KEY_ESCAPE, 0 });
	CU_ASSERT_STRING_EQUAL(ui->filter->str, "tcp");
	type(ui, model,
	     (const guint32[]){ '/', 0x15, 'u', 'd', 0xfc, TOP_KEY_BACKSPACE, 'p', TOP_KEY_ENTER,
				0 });
	CU_ASSERT_STRING_EQUAL(ui->filter->str, "udp");
	check_chosen(ui, model, "UDP");
	type(ui, model,
	     (const guint32[]){ '/', 'z', TOP_KEY_ENTER, TOP_KEY_DOWN, TOP_KEY_ENTER, 0 });
	check_chosen(ui, model, "(none)");
	CU_ASSERT_EQUAL(ui->query.conditions_count, 0);
	type(ui, model, (const guint32[]){ TOP_KEY_ESCAPE, 0 });
	CU_ASSERT_PTR_NULL(ui->query.filter);
	check_chosen(ui, model, "TCP");
	CU_ASSERT_FALSE(ui->quits);
	top_ui_free(ui);
	top_model_free(model);
}

static CU_TestInfo tests[] = {
	{ "keys move about, within what there is", test_moving },
	{ "a row that was chosen stays chosen wherever it goes", test_following },
	{ "Enter goes into a row, Backspace back to it", test_drilling },
	{ "letters choose group, order and pause", test_choosing },
	{ "a filter is typed, dropped and taken back", test_filtering },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "top_ui", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
