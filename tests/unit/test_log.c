/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one line an event, whatever is in it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "unit.h"

/* Standard error goes to a file of no name until captured_text(). */
struct captured {
	FILE *file;
	int old;
};

static struct captured capture(void)
{
	struct captured captured = { .file = tmpfile(), .old = dup(STDERR_FILENO) };

	CU_ASSERT_PTR_NOT_NULL_FATAL(captured.file);
	fflush(stderr);
	dup2(fileno(captured.file), STDERR_FILENO);
	return captured;
}

static char *captured_text(struct captured *captured)
{
	char *text = g_malloc0(65536);

	fflush(stderr);
	dup2(captured->old, STDERR_FILENO);
	close(captured->old);
	rewind(captured->file);
	text[fread(text, 1, 65535, captured->file)] = 0;
	fclose(captured->file);
	return text;
}

static void test_line(void)
{
	struct captured captured = capture();
	g_autofree char *text = NULL;

	log_line("%s: %d packets", "a.pcap", 12);
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "weir: a.pcap: 12 packets\n");
}

static void test_control(void)
{
	struct captured captured = capture();
	g_autofree char *text = NULL;

	log_line("%s", "a\nb\033[2Jc\td\x7f\x01 \xc3\xa9");
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "weir: a?b?[2Jc?d?? \xc3\xa9\n");
}

static void test_long(void)
{
	g_autofree char *name = g_strnfill(20000, 'x');
	g_autofree char *expected = g_strdup_printf("weir: %s\n", name);
	struct captured captured = capture();
	g_autofree char *text = NULL;

	log_line("%s", name);
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, expected);
}

static void test_error(void)
{
	struct captured captured = capture();
	g_autofree char *text = NULL;

	log_error(NULL);
	log_error(g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED, "100 %s\nwrong"));
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "weir: 100 %s?wrong\n");
}

static CU_TestInfo tests[] = {
	{ "an event is a line on standard error", test_line },
	{ "no character steers the terminal", test_control },
	{ "a line may be long", test_long },
	{ "an error is told as it is, no error not at all", test_error },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "log", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
