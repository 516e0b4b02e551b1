/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one line an event, whatever is in it. */
#include <json-glib/json-glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static void test_levels(void)
{
	struct captured captured = capture();
	g_autofree char *text = NULL;

	log_debug("no");
	log_set_level(LOG_LEVEL_WARNING);
	log_line("no");
	log_warning("one");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("two");
	log_set_level(LOG_LEVEL_INFO);
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "weir: one\nweir: two\n");
}

static void test_repeated(void)
{
	struct captured captured = capture();
	g_autofree char *text = NULL;

	for (int i = 0; i < 100; i++)
		log_warning("%s", "again");
	log_line("other");
	log_tick(); /* not yet */
	log_last(NULL);
	log_last(NULL);
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "weir: again\nweir: again\nweir: again\nweir: again\n"
				     "weir: again\nweir: other\n"
				     "weir: left out 95 more of these within 60 s: again\n");
}

static void test_last(void)
{
	g_autoptr(GError) error = g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED, "the end");
	struct captured captured = capture();
	g_autofree char *text = NULL;

	for (int i = 0; i < 6; i++)
		log_warning("the end");
	log_set_level(LOG_LEVEL_ERROR);
	log_last(error);
	log_set_level(LOG_LEVEL_INFO);
	text = captured_text(&captured);
	CU_ASSERT_TRUE(g_str_has_suffix(text, "more of these within 60 s: the end\n"
					      "weir: the end\n"));
}

static void test_kinds(void)
{
	struct captured captured = capture();
	g_autofree char *text = NULL;
	guint lines = 0;

	for (int i = 0; i < 1000; i++)
		log_line("%d of a kind", i);
	log_last(NULL);
	text = captured_text(&captured);
	for (const char *c = text; (c = strchr(c, '\n')); c++)
		lines++;
	CU_ASSERT_EQUAL(lines, 301);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "left out 700 more of these"));
}

static void test_json(void)
{
	struct captured captured = capture();
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	JsonObject *object;

	log_set_json(true);
	log_set_instance("edge");
	log_about(LOG_LEVEL_WARNING, "destination", "noc\n\xff", "a \"b\"\nc");
	log_set_instance(NULL);
	log_json_member("account", "{\"seen\": 7}");
	log_set_json(false);
	text = captured_text(&captured);
	lines = g_strsplit(text, "\n", -1);
	CU_ASSERT_EQUAL_FATAL(g_strv_length(lines), 3); /* the last one is empty */
	CU_ASSERT_TRUE_FATAL(json_parser_load_from_data(parser, lines[0], -1, NULL));
	object = json_node_get_object(json_parser_get_root(parser));
	CU_ASSERT_EQUAL(json_object_get_size(object), 5);
	CU_ASSERT_STRING_EQUAL(json_object_get_string_member(object, "level"), "warning");
	CU_ASSERT_STRING_EQUAL(json_object_get_string_member(object, "message"), "a \"b\"\nc");
	CU_ASSERT_STRING_EQUAL(json_object_get_string_member(object, "instance"), "edge");
	CU_ASSERT_STRING_EQUAL(json_object_get_string_member(object, "destination"),
			       "noc\n\xef\xbf\xbd");
	CU_ASSERT_TRUE(g_str_has_suffix(json_object_get_string_member(object, "time"), "Z"));
	CU_ASSERT_TRUE_FATAL(json_parser_load_from_data(parser, lines[1], -1, NULL));
	object = json_node_get_object(json_parser_get_root(parser));
	CU_ASSERT_FALSE(json_object_has_member(object, "instance"));
	object = json_object_get_object_member(object, "account");
	CU_ASSERT_EQUAL(json_object_get_int_member(object, "seen"), 7);
}

static void test_journal(void)
{
	struct captured captured = capture();
	g_autofree char *stream = NULL;
	g_autofree char *text = NULL;
	struct stat status;

	CU_ASSERT_EQUAL_FATAL(fstat(STDERR_FILENO, &status), 0);
	stream = g_strdup_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	g_setenv("JOURNAL_STREAM", stream, TRUE);
	log_warning("to the journal");
	log_line("as well");
	g_setenv("JOURNAL_STREAM", "1:1", TRUE);
	log_warning("not there");
	g_unsetenv("JOURNAL_STREAM");
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "<4>weir: to the journal\n<6>weir: as well\n"
				     "weir: not there\n");
}

static CU_TestInfo tests[] = {
	{ "an event is a line on standard error", test_line },
	{ "no character steers the terminal", test_control },
	{ "a line may be long", test_long },
	{ "an error is told as it is, no error not at all", test_error },
	{ "what is below the level is not said", test_levels },
	{ "what is said again and again is left out, and told of", test_repeated },
	{ "the last word is never left out", test_last },
	{ "messages of one kind are bounded too", test_kinds },
	{ "an event is a JSON object where those are wanted", test_json },
	{ "the journal is told the level", test_journal },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "log", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
