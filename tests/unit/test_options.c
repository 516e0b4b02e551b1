/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/quantity.h"
#include "flow/fields.h"
#include "setup/options.h"
#include "unit.h"

#define SECOND G_GUINT64_CONSTANT(1000000000)

struct quantity_case {
	enum quantity_kind kind;
	const char *text;
	guint64 value;
};

static void test_quantities(void)
{
	static const struct quantity_case cases[] = {
		{ QUANTITY_DURATION, "15", 15 * SECOND },
		{ QUANTITY_DURATION, "15s", 15 * SECOND },
		{ QUANTITY_DURATION, "500ms", SECOND / 2 },
		{ QUANTITY_DURATION, "0.5", SECOND / 2 },
		{ QUANTITY_DURATION, "1.000000001s", SECOND + 1 },
		{ QUANTITY_DURATION, "2m", 120 * SECOND },
		{ QUANTITY_DURATION, "1.5h", 5400 * SECOND },
		{ QUANTITY_DURATION, "1d", 86400 * SECOND },
		{ QUANTITY_DURATION, "7us", 7000 },
		{ QUANTITY_DURATION, "7ns", 7 },
		{ QUANTITY_DURATION, "7.0ns", 7 },
		{ QUANTITY_DURATION, "0", 0 },
		{ QUANTITY_COUNT, "1000000", 1000000 },
		{ QUANTITY_COUNT, "1M", 1000000 },
		{ QUANTITY_COUNT, "2.5k", 2500 },
		{ QUANTITY_COUNT, "3G", 3000000000 },
		{ QUANTITY_NUMBER, "0x2a", 42 },
		{ QUANTITY_NUMBER, "18446744073709551615", G_MAXUINT64 },
		{ QUANTITY_NUMBER, "0xffffffffffffffff", G_MAXUINT64 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint64 value = 0;

		CU_ASSERT_TRUE(quantity_parse(cases[i].kind, cases[i].text, &value));
		CU_ASSERT_EQUAL(value, cases[i].value);
	}
}

static void test_no_quantities(void)
{
	static const struct quantity_case cases[] = {
		{ QUANTITY_DURATION, "", 0 },
		{ QUANTITY_DURATION, "s", 0 },
		{ QUANTITY_DURATION, "-1s", 0 },
		{ QUANTITY_DURATION, "+1s", 0 },
		{ QUANTITY_DURATION, " 1s", 0 },
		{ QUANTITY_DURATION, "1 s", 0 },
		{ QUANTITY_DURATION, "1s ", 0 },
		{ QUANTITY_DURATION, "1sec", 0 },
		{ QUANTITY_DURATION, "1.", 0 },
		{ QUANTITY_DURATION, ".5s", 0 },
		{ QUANTITY_DURATION, "0.5ns", 0 },
		{ QUANTITY_DURATION, "1.2.3s", 0 },
		{ QUANTITY_DURATION, "0x10", 0 },
		{ QUANTITY_DURATION, "18446744074s", 0 },
		{ QUANTITY_COUNT, "1.5", 0 },
		{ QUANTITY_COUNT, "1.2345k", 0 },
		{ QUANTITY_COUNT, "1m", 0 },
		{ QUANTITY_COUNT, "1MM", 0 },
		{ QUANTITY_COUNT, "M", 0 },
		{ QUANTITY_NUMBER, "1k", 0 },
		{ QUANTITY_NUMBER, "0x", 0 },
		{ QUANTITY_NUMBER, "0x-1", 0 },
		{ QUANTITY_NUMBER, "0x1g", 0 },
		{ QUANTITY_NUMBER, "18446744073709551616", 0 },
		{ QUANTITY_NUMBER, "1e3", 0 },
		{ QUANTITY_NUMBER, "99999999999999999999999", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint64 value = 99;

		CU_ASSERT_FALSE(quantity_parse(cases[i].kind, cases[i].text, &value));
		CU_ASSERT_EQUAL(value, 99);
	}
}

static void test_quantity_format(void)
{
	static const struct quantity_case cases[] = {
		{ QUANTITY_DURATION, "15s", 15 * SECOND },
		{ QUANTITY_DURATION, "1m", 60 * SECOND },
		{ QUANTITY_DURATION, "90s", 90 * SECOND },
		{ QUANTITY_DURATION, "1d", 86400 * SECOND },
		{ QUANTITY_DURATION, "1ns", 1 },
		{ QUANTITY_DURATION, "0", 0 },
		{ QUANTITY_COUNT, "1M", 1000000 },
		{ QUANTITY_COUNT, "1001", 1001 },
		{ QUANTITY_NUMBER, "1000", 1000 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = quantity_format(cases[i].kind, cases[i].value);

		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
}

static void test_nearest(void)
{
	static const char *const names[] = { "idle-timeout", "active-timeout", "to", "filter",
					     NULL };

	CU_ASSERT_STRING_EQUAL(nearest_name("idle-timout", names), "idle-timeout");
	CU_ASSERT_STRING_EQUAL(nearest_name("fliter", names), "filter");
	CU_ASSERT_STRING_EQUAL(nearest_name("active", names), "active-timeout");
	CU_ASSERT_STRING_EQUAL(nearest_name("ot", names), "to");
	CU_ASSERT_PTR_NULL(nearest_name("zebra", names));
	CU_ASSERT_PTR_NULL(nearest_name("", names));
	CU_ASSERT_PTR_NULL(nearest_name("x", names));
	CU_ASSERT_PTR_NULL(nearest_name(
		"a-word-that-is-longer-than-any-name-could-ever-be-and-then-some-more", names));
}

/* Words separated by "|"; the error's message, or NULL when the line is good. */
static char *parse(struct options *options, enum command_id command, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, "|", -1);
	g_autoptr(GError) error = NULL;
	enum option_id about;

	if (options_parse(options, command, (int)g_strv_length(words), words, &error) &&
	    options_check(options, &about, &error)) {
		CU_ASSERT_PTR_NULL(error);
		return NULL;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	CU_ASSERT_PTR_NULL(strchr(error->message, '\n'));
	return g_strdup(error->message);
}

static void test_defaults(void)
{
	struct options *options = options_new();

	CU_ASSERT_PTR_NULL(parse(options, COMMAND_REPLAY, "replay|a.pcap"));
	CU_ASSERT_EQUAL(options->values[OPTION_IDLE_TIMEOUT].number, 15 * SECOND);
	CU_ASSERT_EQUAL(options->values[OPTION_ACTIVE_TIMEOUT].number, 60 * SECOND);
	CU_ASSERT_EQUAL(options->values[OPTION_MAX_FLOWS].number, 1000000);
	CU_ASSERT_EQUAL(options->values[OPTION_PEN].number, FIELD_PEN_DEFAULT);
	CU_ASSERT_STRING_EQUAL(options->values[OPTION_TEMPLATE].text, "standard");
	CU_ASSERT_STRING_EQUAL(options->values[OPTION_TO].list[0], "text+file:-");
	CU_ASSERT_PTR_NULL(options->values[OPTION_TO].list[1]);
	for (guint id = 0; id < OPTIONS; id++)
		CU_ASSERT_EQUAL(options->values[id].origin, OPTION_NOT_GIVEN);
	options_free(options);
}

static void test_every_type(void)
{
	struct options *options = options_new();
	const struct option_value *values = options->values;

	CU_ASSERT_PTR_NULL(parse(options, COMMAND_REPLAY,
				 "replay|--to|json+file:a|-t|ipfix+file:b|--idle-timeout=2m|"
				 "--active-timeout|0|--max-flows|64k|-f|port 443|--detail=full|"
				 "--seed|0xff|--biflow|--no-progress|-q|a.pcap|-|--|--odd"));
	CU_ASSERT_STRING_EQUAL(values[OPTION_TO].list[0], "json+file:a");
	CU_ASSERT_STRING_EQUAL(values[OPTION_TO].list[1], "ipfix+file:b");
	CU_ASSERT_PTR_NULL(values[OPTION_TO].list[2]);
	CU_ASSERT_EQUAL(values[OPTION_IDLE_TIMEOUT].number, 120 * SECOND);
	CU_ASSERT_EQUAL(values[OPTION_ACTIVE_TIMEOUT].number, 0);
	CU_ASSERT_EQUAL(values[OPTION_MAX_FLOWS].number, 64000);
	CU_ASSERT_STRING_EQUAL(values[OPTION_FILTER].text, "port 443");
	CU_ASSERT_EQUAL(values[OPTION_DETAIL].number, 3);
	CU_ASSERT_EQUAL(values[OPTION_SEED].number, 255);
	CU_ASSERT_EQUAL(values[OPTION_SEED].origin, OPTION_FROM_COMMAND_LINE);
	CU_ASSERT_EQUAL(values[OPTION_BIFLOW].number, 1);
	CU_ASSERT_EQUAL(values[OPTION_UNIFLOW].number, 0);
	CU_ASSERT_EQUAL(values[OPTION_PROGRESS].origin, OPTION_FROM_COMMAND_LINE);
	CU_ASSERT_EQUAL(values[OPTION_PROGRESS].number, 0);
	CU_ASSERT_EQUAL(values[OPTION_QUIET].number, 1);
	CU_ASSERT_EQUAL(g_strv_length(options->arguments), 3);
	CU_ASSERT_STRING_EQUAL(options->arguments[1], "-");
	CU_ASSERT_STRING_EQUAL(options->arguments[2], "--odd");
	options_free(options);
}

struct fault_case {
	enum command_id command;
	const char *line;
	const char *message;
};

static void test_faults(void)
{
	static const struct fault_case cases[] = {
		{ COMMAND_REPLAY, "replay|--idle-timeout|soon",
		  "--idle-timeout: 'soon' is not a duration; give 1ms to 1d, as 15s, 500ms or 2m" },
		{ COMMAND_REPLAY, "replay|--idle-timeout|0",
		  "--idle-timeout: '0' is out of range; give 1ms to 1d, as 15s, 500ms or 2m" },
		{ COMMAND_REPLAY, "replay|--active-timeout=2d",
		  "--active-timeout: '2d' is out of range; give 1ms to 1d, or 0, as 15s, 500ms or 2m" },
		{ COMMAND_REPLAY, "replay|--max-flows=0",
		  "--max-flows: '0' is out of range; give 1 to 1G" },
		{ COMMAND_REPLAY, "replay|--batch|many",
		  "--batch: 'many' is not a number; give 1 to 1024" },
		{ COMMAND_REPLAY, "replay|--batch|1025",
		  "--batch: '1025' is out of range; give 1 to 1024" },
		{ COMMAND_REPLAY, "replay|--domain|4294967296",
		  "--domain: '4294967296' is out of range; give 0 to 4294967295" },
		{ COMMAND_REPLAY, "replay|--detail|most",
		  "--detail: 'most' is not known; give auto or basic or tcp or full" },
		{ COMMAND_REPLAY, "replay|--to=", "--to: '' is empty; give URL" },
		{ COMMAND_REPLAY, "replay|a.pcap|--to", "--to needs a value; give URL" },
		{ COMMAND_REPLAY, "replay|a.pcap|-f", "-f needs a value; give EXPR" },
		{ COMMAND_REPLAY, "replay|--quiet=yes",
		  "--quiet takes no value; leave out '=yes'" },
		{ COMMAND_REPLAY, "replay|--no-quiet",
		  "unknown option '--no-quiet'; did you mean '--quiet'?" },
		{ COMMAND_REPLAY, "replay|--idel-timeout=3",
		  "unknown option '--idel-timeout'; did you mean '--idle-timeout'?" },
		{ COMMAND_REPLAY, "replay|-z", "unknown option '-z'; --help lists what there is" },
		{ COMMAND_REPLAY, "replay|--for|libfixbuf", NULL },
		{ COMMAND_CHECK, "check|--to|x",
		  "unknown option '--to'; --help lists what there is" },
		{ COMMAND_REPLAY, "replay|--biflow|--uniflow",
		  "biflow and uniflow contradict each other; give one of them" },
		{ COMMAND_ELEMENTS, "elements|--pen|29305",
		  "pen: 29305 means reverse elements (RFC 5103); give your own number" },
		{ COMMAND_ELEMENTS, "elements|--for|excel",
		  "--for: 'excel' is not known; give libfixbuf or ipfixcol2 or goflow2 or logstash "
		  "or telegraf or pmacct or vflow or graylog or filebeat" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct options *options = options_new();
		g_autofree char *message = parse(options, cases[i].command, cases[i].line);

		if (!message || (cases[i].message && strcmp(message, cases[i].message) != 0)) {
			fprintf(stderr, "\n%s: %s\n", cases[i].line,
				message ? message : "no error");
			CU_FAIL("another message");
		}
		options_free(options);
	}
}

static void test_origins(void)
{
	static const struct option_source file = { OPTION_FROM_CONFIG, "", 7 };
	static const struct option_source typed = { OPTION_FROM_COMMAND_LINE, "", 0 };
	struct options *options = options_new();
	const struct option_value *to = &options->values[OPTION_TO];
	enum option_id about;

	CU_ASSERT_TRUE(options_set(options, OPTION_TO, &typed, "c", NULL));
	CU_ASSERT_TRUE(options_set(options, OPTION_TO, &file, "f", NULL));
	CU_ASSERT_STRING_EQUAL(to->list[0], "c");
	CU_ASSERT_PTR_NULL(to->list[1]);
	CU_ASSERT_TRUE(options_set(options, OPTION_BATCH, &file, "7", NULL));
	CU_ASSERT_TRUE(options_set(options, OPTION_BATCH, &typed, "8", NULL));
	CU_ASSERT_EQUAL(options->values[OPTION_BATCH].number, 8);
	CU_ASSERT_FALSE(options_set(options, OPTION_BATCH, &file, "x", NULL));
	CU_ASSERT_EQUAL(options->values[OPTION_BATCH].number, 8);
	CU_ASSERT_TRUE(options_set(options, OPTION_BIFLOW, &file, "yes", NULL));
	CU_ASSERT_TRUE(options_set(options, OPTION_UNIFLOW, &typed, "yes", NULL));
	CU_ASSERT_EQUAL(options->values[OPTION_BIFLOW].line, 7);
	CU_ASSERT_TRUE(options_check(options, &about, NULL));
	options_free(options);
}

static void test_rows(void)
{
	for (guint id = 0; id < OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];

		CU_ASSERT_NOT_EQUAL(row->commands, 0);
		CU_ASSERT_TRUE(strlen(row->help) > 0);
		for (guint other = 0; other < id; other++) {
			CU_ASSERT_TRUE(!(row->commands & option_rows[other].commands) ||
				       strcmp(row->name, option_rows[other].name) != 0);
			CU_ASSERT_TRUE(row->letter == 0 ||
				       row->letter != option_rows[other].letter);
		}
	}
}

static CU_TestInfo tests[] = {
	{ "quantities are exact", test_quantities },
	{ "what is no quantity is refused", test_no_quantities },
	{ "a quantity is written the short way", test_quantity_format },
	{ "a slip of the finger finds its name", test_nearest },
	{ "what is not given has its default", test_defaults },
	{ "every type of option is read", test_every_type },
	{ "every fault is one line that says what to do", test_faults },
	{ "the command line overrides the configuration file", test_origins },
	{ "no two options of a command share a name, none a letter", test_rows },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "options", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
