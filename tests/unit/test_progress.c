/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setup/progress.h"
#include "unit.h"

/* The test owns the clock; each reading is the next of these. */
static const gint64 *ticks;

static gint64 tick(void)
{
	return *ticks++;
}

static void test_line(void)
{
	const struct progress_state state = { .file = "/data/big.pcap",
					      .offset = 250,
					      .size = 1000,
					      .packets = 1234567,
					      .file_us = 30 * G_USEC_PER_SEC,
					      .run_us = 10 * G_USEC_PER_SEC };
	g_autofree char *line = progress_line(&state, 80);
	g_autofree char *narrow = progress_line(&state, 12);

	CU_ASSERT_STRING_EQUAL(line, " 25%  1.23M packets  123k/s  1:30 left  big.pcap");
	CU_ASSERT_STRING_EQUAL(narrow, " 25%  1.23M ");
}

static void test_unknown_size(void)
{
	const struct progress_state pipe = {
		.file = "-", .offset = 4096, .packets = 20, .run_us = G_USEC_PER_SEC
	};
	const struct progress_state grown = {
		.file = "a\nb", .offset = 20, .size = 10, .packets = 99900, .run_us = G_USEC_PER_SEC
	};
	g_autofree char *line = progress_line(&pipe, 80);
	g_autofree char *other = progress_line(&grown, 80);

	CU_ASSERT_STRING_EQUAL(line, "20 packets  20/s  -");
	CU_ASSERT_STRING_EQUAL(other, "100%  99.9k packets  99.9k/s  a?b");
}

static void test_drawing(void)
{
	static const gint64 times[] = { 0, 100000, 499999, 500000, 600000, 699999, 700000 };
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	struct progress *progress;
	guint drawn = 0;

	ticks = times;
	progress = progress_new(to, tick);
	for (size_t i = 1; i < G_N_ELEMENTS(times); i++)
		progress_report(progress, "a.pcap", 1, 2, 100);
	progress_free(progress);
	fclose(to);
	for (const char *c = text; *c; c++)
		drawn += *c == '\r';
	CU_ASSERT_EQUAL(drawn, 3); /* at 0.5 s, at 0.7 s, and wiped */
	CU_ASSERT_TRUE(g_str_has_suffix(text, "a.pcap\033[K\r\033[K"));
	free(text);
}

static void test_short_run(void)
{
	static const gint64 times[] = { 0, 400000 };
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	struct progress *progress;

	ticks = times;
	progress = progress_new(to, tick);
	progress_report(progress, "a.pcap", 1, 2, 100);
	progress_free(progress);
	fclose(to);
	CU_ASSERT_EQUAL(length, 0);
	free(text);
}

static CU_TestInfo tests[] = {
	{ "the line tells share, packets, rate and time left", test_line },
	{ "what is not known is left out", test_unknown_size },
	{ "the line is drawn five times a second and wiped", test_drawing },
	{ "a short run draws nothing", test_short_run },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "progress", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
