/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one line an event, whatever is in it. */
#include <json-glib/json-glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

	log_set_journal("nobody-is-here");
	CU_ASSERT_EQUAL_FATAL(fstat(STDERR_FILENO, &status), 0);
	stream = g_strdup_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	g_setenv("JOURNAL_STREAM", stream, TRUE);
	log_warning("to the journal");
	log_line("as well");
	g_setenv("JOURNAL_STREAM", "1:1", TRUE);
	log_warning("not there");
	g_unsetenv("JOURNAL_STREAM");
	log_set_journal(NULL);
	text = captured_text(&captured);
	CU_ASSERT_STRING_EQUAL(text, "<4>weir: to the journal\n<6>weir: as well\n"
				     "weir: not there\n");
}

/* A stand-in for the journal, in a folder of its own. */
struct listener {
	char *folder;
	char *path;
	int fd;
};

static struct listener listen_as_journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct listener listener = { .folder = g_dir_make_tmp("weir-XXXXXX", NULL) };

	listener.path = g_build_filename(listener.folder, "socket", NULL);
	listener.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	g_strlcpy(address.sun_path, listener.path, sizeof(address.sun_path));
	CU_ASSERT_EQUAL_FATAL(bind(listener.fd, (const struct sockaddr *)&address, sizeof(address)),
			      0);
	return listener;
}

static void close_journal(struct listener *listener)
{
	close(listener->fd);
	unlink(listener->path);
	rmdir(listener->folder);
	g_free(listener->path);
	g_free(listener->folder);
}

static void check_datagram(const struct listener *listener, const char *wanted, gsize length)
{
	char got[1024];

	CU_ASSERT_EQUAL_FATAL(recv(listener->fd, got, sizeof(got), 0), (ssize_t)length);
	CU_ASSERT_EQUAL(memcmp(got, wanted, length), 0);
}

static void test_fields(void)
{
	static const char first[] = "MESSAGE=noc: a?b\nPRIORITY=4\nSYSLOG_IDENTIFIER=weir\n"
				    "WEIR_INSTANCE=edge\nWEIR_DESTINATION\n\3\0\0\0\0\0\0\0n\nc\n";
	static const char second[] = "MESSAGE=plain\nPRIORITY=6\nSYSLOG_IDENTIFIER=weir\n";
	struct listener listener = listen_as_journal();
	struct captured captured = capture();
	g_autofree char *stream = NULL;
	g_autofree char *text = NULL;
	struct stat status;

	CU_ASSERT_EQUAL_FATAL(fstat(STDERR_FILENO, &status), 0);
	stream = g_strdup_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	g_setenv("JOURNAL_STREAM", stream, TRUE);
	log_set_journal(listener.path);
	log_set_instance("edge");
	log_about(LOG_LEVEL_WARNING, "destination", "n\nc", "noc: a\nb");
	log_set_instance(NULL);
	log_line("plain");
	log_set_json(true);
	log_line("an object");
	log_set_json(false);
	log_set_journal(NULL);
	g_unsetenv("JOURNAL_STREAM");
	text = captured_text(&captured);
	check_datagram(&listener, first, sizeof(first) - 1);
	check_datagram(&listener, second, sizeof(second) - 1);
	CU_ASSERT_TRUE(g_str_has_prefix(text, "<6>{"));
	CU_ASSERT_EQUAL(recv(listener.fd, (char[1]){ 0 }, 1, 0), -1);
	close_journal(&listener);
}

/* --- files --- */

static char *contents(const char *path)
{
	char *text = NULL;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static bool is_timed(const char *text, const char *rest)
{
	g_autofree char *pattern = g_strconcat(
		"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z ", rest, "$", NULL);

	return g_regex_match_simple(pattern, text, 0, 0);
}

static void test_timed(void)
{
	struct captured captured = capture();
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;

	log_set_timing(LOG_TIMED);
	log_warning("one");
	log_set_timing(LOG_TIMED_IN_FILES);
	log_line("two");
	log_set_instance("edge"); /* what is captured is a file */
	log_line("three");
	log_set_timing(LOG_NOT_TIMED);
	log_line("four");
	log_set_timing(LOG_TIMED_IN_FILES);
	log_set_instance(NULL);
	text = captured_text(&captured);
	lines = g_strsplit(text, "\n", -1);
	CU_ASSERT_EQUAL_FATAL(g_strv_length(lines), 5);
	CU_ASSERT_TRUE(is_timed(lines[0], "warning weir: one"));
	CU_ASSERT_STRING_EQUAL(lines[1], "weir: two");
	CU_ASSERT_TRUE(is_timed(lines[2], "info weir: three"));
	CU_ASSERT_STRING_EQUAL(lines[3], "weir: four");
}

/* Renamed between two lines, as by logrotate. */
static void rename_and_reopen(const char *path, const char *old)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_EQUAL_FATAL(rename(path, old), 0);
	log_line("still in the old one");
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
	CU_ASSERT_FALSE(log_reopen(&error));
	CU_ASSERT_STRING_EQUAL(error->message + strlen(error->message) - 14, "Is a directory");
	log_line("again");
	CU_ASSERT_EQUAL_FATAL(rmdir(path), 0);
	CU_ASSERT_TRUE(log_reopen(NULL));
	log_line("in the new one");
}

static void test_file(void)
{
	g_autofree char *folder = g_dir_make_tmp("weir-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "log", NULL);
	g_autofree char *old = g_build_filename(folder, "old", NULL);
	g_autoptr(GError) error = g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED, "the end");
	struct captured captured = capture();
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *text = NULL;

	CU_ASSERT_TRUE(log_reopen(NULL));
	CU_ASSERT_FALSE(log_to_file(folder, false, NULL));
	CU_ASSERT_TRUE_FATAL(log_to_file(path, false, NULL));
	log_line("first");
	rename_and_reopen(path, old);
	log_last(error);
	CU_ASSERT_TRUE(log_to_file(NULL, false, NULL));
	log_line("as before");
	text = captured_text(&captured);
	before = contents(old);
	after = contents(path);
	CU_ASSERT_STRING_EQUAL(before, "weir: first\nweir: still in the old one\nweir: again\n");
	CU_ASSERT_STRING_EQUAL(after, "weir: in the new one\nweir: the end\n");
	CU_ASSERT_STRING_EQUAL(text, "weir: the end\nweir: as before\n");
	unlink(old);
	unlink(path);
	rmdir(folder);
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
	{ "the journal is told fields, where it listens", test_fields },
	{ "lines of files have their time and level", test_timed },
	{ "a file that was renamed is opened again, and nothing is lost", test_file },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "log", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
