/* SPDX-License-Identifier: BSD-2-Clause */
/* Nobody has to wait for a buffer to fill: after a flush, what was given is in the files. */
#include <string.h>

#include "export/fanout.h"
#include "flow_maker.h"
#include "test_folder.h"
#include "unit.h"

static char *folder;

static int make_folder(void)
{
	folder = test_folder_new();
	return folder == NULL;
}

static int remove_folder(void)
{
	test_folder_remove(&folder);
	return 0;
}

static struct fanout *open_all(const char *const *to, const char *template)
{
	struct fanout *fanout = fanout_new(
		&(struct export_options){
			.to = to,
			.template_name = template,
			.pen = FIELD_PEN_DEFAULT,
		},
		NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(fanout);
	return fanout;
}

/* The first flows of the maker; five of them make nine records of one direction each. */
static void write_flows(struct fanout *fanout, guint64 count)
{
	g_autofree struct flow_batch *batch = g_new(struct flow_batch, 1);

	flow_maker_fill(batch, 0, count);
	fanout_write(fanout, batch, NULL);
}

static guint64 count_lines(const char *url)
{
	g_autofree char *text = NULL;
	guint64 lines = 0;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(strchr(url, ':') + 1, &text, NULL, NULL));
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

static void check_flushed(const struct fanout *fanout, guint64 flows)
{
	for (size_t i = 0; i < fanout_count(fanout); i++)
		CU_ASSERT_EQUAL(fanout_counts(fanout, i)->flows, flows);
}

static void test_flush(void)
{
	g_autofree char *ipfix = g_strdup_printf("ipfix+file:%s/flows.ipfix", folder);
	g_autofree char *json = g_strdup_printf("json+file:%s/flows.json", folder);
	g_autofree char *text = g_strdup_printf("text+file:%s/flows.text", folder);
	const char *const to[] = { ipfix, json, text, NULL };
	struct fanout *fanout = open_all(to, "standard");
	gsize length;

	CU_ASSERT_TRUE(fanout_flush(fanout, NULL));
	CU_ASSERT_EQUAL(test_file_length(ipfix), 0); /* there is nothing to tell yet */
	write_flows(fanout, 5);
	check_flushed(fanout, 0);
	CU_ASSERT_EQUAL(test_file_length(json), 0);
	CU_ASSERT_TRUE(fanout_flush(fanout, NULL));
	check_flushed(fanout, 5);
	CU_ASSERT_EQUAL(count_lines(json), 9);
	CU_ASSERT_EQUAL(count_lines(text), 6); /* a heading, and a line a flow */
	length = test_file_length(ipfix);
	CU_ASSERT_TRUE(length > 0);
	CU_ASSERT_TRUE(fanout_flush(fanout, NULL));
	CU_ASSERT_EQUAL(test_file_length(ipfix), length); /* and not again */
	write_flows(fanout, 10);
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	CU_ASSERT_TRUE(fanout_flush(fanout, NULL)); /* all is there already */
	check_flushed(fanout, 15);
	CU_ASSERT_EQUAL(count_lines(json), 27);
	CU_ASSERT_TRUE(test_file_length(ipfix) > length);
	fanout_free(fanout);
}

static void test_flush_fails(void)
{
	g_autofree char *json = g_strdup_printf("json+file:%s/beside.json", folder);
	const char *const to[] = { "ipfix+file:/dev/full", json, NULL };
	struct fanout *fanout = open_all(to, "biflow");
	g_autoptr(GError) error = NULL;

	write_flows(fanout, 5);
	CU_ASSERT_FALSE(fanout_flush(fanout, &error));
	CU_ASSERT_TRUE(error != NULL && strstr(error->message, "ipfix+file:/dev/full") != NULL);
	CU_ASSERT_EQUAL(count_lines(json), 5);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 0)->flows, 0);
	CU_ASSERT_EQUAL(fanout_counts(fanout, 0)->failed_flows, 5);
	CU_ASSERT_TRUE(fanout_flush(fanout, NULL)); /* told once */
	CU_ASSERT_TRUE(fanout_finish(fanout, NULL));
	fanout_free(fanout);
}

static CU_TestInfo tests[] = {
	{ "flushed flows are in the files and count as written", test_flush },
	{ "a flush that fails is told once and counted", test_flush_fails },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "fanout_flush", make_folder, remove_folder, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
