/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/error.h"
#include "export/template.h"
#include "sample.h"
#include "unit.h"

static struct record_template *parse(const char *text, enum template_direction direction)
{
	g_autoptr(GError) error = NULL;
	struct record_template *form =
		record_template_parse("x.tpl", text, strlen(text), direction, &error);

	if (error)
		fprintf(stderr, "%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(form);
	return form;
}

/* "a b -c": columns, '-' before a reverse one. */
static char *columns_text(const GArray *columns)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		g_string_append_printf(out, "%s%s%s", i ? " " : "", column->reverse ? "-" : "",
				       column->field->name);
	}
	return g_string_free(out, FALSE);
}

static void check_columns(const struct record_template *form, int which, const char *expected)
{
	g_autofree char *got = columns_text(form->columns[which]);

	CU_ASSERT_STRING_EQUAL(got, expected);
}

static void test_forms(void)
{
	struct record_template *form =
		parse("# a comment\r\n"
		      "flow biflow # another\n"
		      "\tip both\n\n"
		      "sourceIPv4Address\nsourceIPv6Address\n  octetDeltaCount  \n"
		      "reverseOctetDeltaCount#close\nicmpTypeCodeIPv6",
		      TEMPLATE_AS_WRITTEN);
	const struct template_column *column;

	CU_ASSERT_TRUE(form->biflow && form->ipv4 && form->ipv6);
	CU_ASSERT_EQUAL(form->detail, FLOW_DETAIL_BASIC);
	CU_ASSERT_STRING_EQUAL(form->name, "x.tpl");
	check_columns(form, 0, "sourceIPv4Address octetDeltaCount -octetDeltaCount");
	check_columns(form, 1,
		      "sourceIPv6Address octetDeltaCount -octetDeltaCount icmpTypeCodeIPv6");
	column = &g_array_index(form->columns[0], struct template_column, 2);
	CU_ASSERT_STRING_EQUAL(column->name, "reverseOctetDeltaCount");
	record_template_free(form);
	record_template_free(NULL);
}

static void test_defaults(void)
{
	struct record_template *form = parse("fragmentCount", TEMPLATE_AS_WRITTEN);

	CU_ASSERT_TRUE(!form->biflow && form->ipv4 && form->ipv6);
	CU_ASSERT_EQUAL(form->detail, FLOW_DETAIL_FULL);
	record_template_free(form);
}

static void test_one_version(void)
{
	struct record_template *form =
		parse("ip 6\nsourceIPv6Address\npacketDeltaCount", TEMPLATE_AS_WRITTEN);

	CU_ASSERT_TRUE(!form->ipv4 && form->ipv6);
	check_columns(form, 0, "");
	check_columns(form, 1, "sourceIPv6Address packetDeltaCount");
	record_template_free(form);
}

static void test_direction(void)
{
	static const char biflow[] = "flow biflow\nflowId\nreversePacketDeltaCount\n"
				     "packetDeltaCount\noctetDeltaCount\n";
	struct record_template *form = parse(biflow, TEMPLATE_UNIFLOW);

	CU_ASSERT_FALSE(form->biflow);
	check_columns(form, 0, "flowId packetDeltaCount octetDeltaCount");
	record_template_free(form);
	form = parse(biflow, TEMPLATE_BIFLOW);
	CU_ASSERT_TRUE(form->biflow);
	check_columns(form, 0,
		      "flowId -packetDeltaCount packetDeltaCount octetDeltaCount -octetDeltaCount");
	record_template_free(form);
	form = parse("flowId\npacketDeltaCount", TEMPLATE_BIFLOW);
	check_columns(form, 1, "flowId packetDeltaCount -packetDeltaCount");
	record_template_free(form);
}

static void check_error(const char *text, gsize length, enum template_direction direction,
			const char *expected)
{
	g_autoptr(GError) error = NULL;
	struct record_template *form =
		record_template_parse("x.tpl", text, length, direction, &error);

	CU_ASSERT_PTR_NULL(form);
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	if (!g_str_has_prefix(error->message, expected))
		fprintf(stderr, "got  %s\nwant %s\n", error->message, expected);
	CU_ASSERT_TRUE(g_str_has_prefix(error->message, expected));
	CU_ASSERT_PTR_NULL(strchr(error->message, '\n'));
	record_template_free(form);
}

static void test_errors(void)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "octetDeltaCount\n  octetDeltaCuont\n",
		  "x.tpl:2:3: no element is called \"octetDeltaCuont\"; did you mean "
		  "\"octetDeltaCount\"?" },
		{ "octetdeltacount", "x.tpl:1:1: no element is called \"octetdeltacount\"; did you "
				     "mean \"octetDeltaCount\"?" },
		{ "flow biflow\nreverseOctetDeltaCont",
		  "x.tpl:2:1: no element is called \"reverseOctetDeltaCont\"; did you mean "
		  "\"reverseOctetDeltaCount\"?" },
		{ "zzzz", "x.tpl:1:1: no element is called \"zzzz\"; `weir elements`" },
		{ "reverse", "x.tpl:1:1: no element is called \"reverse\"" },
		{ "flowId\n\nflowId", "x.tpl:3:1: flowId is here already" },
		{ "flow biflow\nreverseFlowId",
		  "x.tpl:2:1: flowId is the same in both directions" },
		{ "reverseOctetDeltaCount", "x.tpl:1:1: a reverse column needs" },
		{ "flowId\nflow biflow", "x.tpl:2:1: directives stand above" },
		{ "flow biflow\nflow biflow\n", "x.tpl:2:1: \"flow\" was said already" },
		{ "flow", "x.tpl:1:1: \"flow\" needs a value: uniflow or biflow" },
		{ "ip", "x.tpl:1:1: \"ip\" needs a value: 4, 6 or both" },
		{ "flow both", "x.tpl:1:6: \"flow\" is \"uniflow\" or \"biflow\", not \"both\"" },
		{ "ip 5", "x.tpl:1:4: \"ip\" is \"4\", \"6\" or \"both\", not \"5\"" },
		{ "enterprise", "x.tpl:1:1: \"enterprise\" needs a value: own or ntop" },
		{ "enterprise own\nenterprise own", "x.tpl:2:1: \"enterprise\" was said already" },
		{ "enterprise 32473",
		  "x.tpl:1:12: \"enterprise\" is \"own\" or \"ntop\", not \"32473\"" },
		{ "flowId ipVersion", "x.tpl:1:8: one name a line" },
		{ "flow biflow uniflow", "x.tpl:1:13: nothing more belongs" },
		{ "flow-id", "x.tpl:1:5: names are letters and digits, not octet 0x2d" },
		{ "ip 4\nsourceIPv6Address", "x.tpl:2:1: sourceIPv6Address is of IPv6" },
		{ "sourceIPv6Address", "x.tpl:1:1: no column for IPv4 flows" },
		{ "icmpTypeCodeIPv4", "x.tpl:1:1: no column for IPv6 flows" },
		{ "# nothing\n", "x.tpl:1:1: no column for IPv4 flows" },
		{ "", "x.tpl:1:1: no column" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		check_error(cases[i].text, strlen(cases[i].text), TEMPLATE_AS_WRITTEN,
			    cases[i].expected);
	check_error("flowId\0x", 8, TEMPLATE_AS_WRITTEN,
		    "x.tpl:1:7: names are letters and digits, not octet 0x00");
	check_error("flow biflow\nreverseOctetDeltaCount", 34, TEMPLATE_UNIFLOW,
		    "x.tpl:2:1: no column for IPv4");
}

static bool first_is_ntop(const char *text, enum template_direction direction)
{
	struct record_template *form = parse(text, direction);
	bool is = g_array_index(form->columns[0], struct template_column, 0).ntop != NULL;

	CU_ASSERT_EQUAL(is,
			g_array_index(form->columns[1], struct template_column, 0).ntop != NULL);
	record_template_free(form);
	return is;
}

static void test_enterprise(void)
{
	CU_ASSERT_TRUE(first_is_ntop("enterprise ntop\ntcpOutOfOrderCount", TEMPLATE_AS_WRITTEN));
	CU_ASSERT_FALSE(first_is_ntop("enterprise own\ntcpOutOfOrderCount", TEMPLATE_AS_WRITTEN));
	CU_ASSERT_FALSE(first_is_ntop("tcpOutOfOrderCount", TEMPLATE_AS_WRITTEN));
	/* What ntop does not have, and what is IANA's. */
	CU_ASSERT_FALSE(first_is_ntop("enterprise ntop\ntcpKeepAliveCount", TEMPLATE_AS_WRITTEN));
	CU_ASSERT_FALSE(first_is_ntop("enterprise ntop\ntcpWindowScale", TEMPLATE_AS_WRITTEN));
	/* ntop has latencies of both sides at once only, and counts by time to live of both as one.
	 */
	CU_ASSERT_TRUE(first_is_ntop("enterprise ntop\ntcpHandshakeRtt", TEMPLATE_BIFLOW));
	CU_ASSERT_FALSE(first_is_ntop("enterprise ntop\ntcpHandshakeRtt", TEMPLATE_UNIFLOW));
	CU_ASSERT_FALSE(first_is_ntop("enterprise ntop\npacketTtl64", TEMPLATE_BIFLOW));
	CU_ASSERT_TRUE(first_is_ntop("enterprise ntop\npacketTtl64", TEMPLATE_UNIFLOW));
}

static void test_limits(void)
{
	g_autofree char *line = g_strnfill(1025, '#');
	g_autofree char *word = g_strnfill(65, 'a');
	g_autofree char *fits = g_strnfill(64, 'a');

	check_error(line, 1025, TEMPLATE_AS_WRITTEN, "x.tpl:1:1025: the line is longer than 1024");
	check_error(word, 65, TEMPLATE_AS_WRITTEN, "x.tpl:1:1: no name is longer than 64");
	check_error(fits, 64, TEMPLATE_AS_WRITTEN, "x.tpl:1:1: no element is called");
}

static void check_load_error(const char *path, const char *expected)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(record_template_load(path, TEMPLATE_AS_WRITTEN, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, expected));
}

static void test_files(void)
{
	g_autofree char *path = NULL;
	g_autofree char *big = g_strnfill(256 * 1024 + 1, '\n');
	g_autoptr(GError) error = NULL;
	struct record_template *form;
	int fd = g_file_open_tmp("weir-test-XXXXXX.tpl", &path, NULL);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_TRUE_FATAL(g_file_set_contents(path, "flowId\n", -1, NULL));
	form = record_template_load(path, TEMPLATE_AS_WRITTEN, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(form);
	CU_ASSERT_STRING_EQUAL(form->name, path);
	record_template_free(form);
	CU_ASSERT_TRUE_FATAL(g_file_set_contents(path, big, 256 * 1024 + 1, NULL));
	check_load_error(path, "larger than 262144 octets");
	check_load_error("/dev/zero", "larger than 262144 octets");
	g_unlink(path);
	check_load_error(path, "No such file");
	check_load_error("/", "directory");
}

static bool has_column(const GArray *columns, const char *name)
{
	for (guint i = 0; i < columns->len; i++)
		if (strcmp(g_array_index(columns, struct template_column, i).name, name) == 0)
			return true;
	return false;
}

static void test_builtins(void)
{
	static const char *const times[] = { "flowStartMilliseconds", "flowEndMilliseconds" };
	size_t count = 0;

	for (const struct template_builtin *builtin = template_builtins; builtin->name; builtin++) {
		g_autoptr(GError) error = NULL;
		struct record_template *form =
			record_template_load(builtin->name, TEMPLATE_AS_WRITTEN, &error);

		CU_ASSERT_PTR_NOT_NULL_FATAL(form);
		CU_ASSERT_STRING_EQUAL(form->name, builtin->name);
		for (int i = 0; i < 4; i++)
			CU_ASSERT_TRUE(!(i / 2 ? form->ipv6 : form->ipv4) ||
				       has_column(form->columns[i / 2], times[i % 2]));
		record_template_free(form);
		count++;
	}
	CU_ASSERT_EQUAL(count, 9);
	CU_ASSERT_STRING_EQUAL(template_builtins[0].name, "standard");
}

static void test_standard(void)
{
	struct record_template *form = record_template_load("standard", TEMPLATE_AS_WRITTEN, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(form);
	CU_ASSERT_FALSE(form->biflow);
	CU_ASSERT_EQUAL(form->detail, FLOW_DETAIL_BASIC);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(form->columns[i]->len < 60);
		for (guint j = 0; j < form->columns[i]->len; j++)
			CU_ASSERT_FALSE(g_array_index(form->columns[i], struct template_column, j)
						.field->own);
	}
	record_template_free(form);
}

static void test_full(void)
{
	struct record_template *form = record_template_load("full", TEMPLATE_AS_WRITTEN, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(form);
	for (size_t i = 0; i < fields_count; i++) {
		g_autofree char *reverse = field_reverse_name(&fields[i]);
		const GArray *columns = form->columns[fields[i].version == 6];

		CU_ASSERT_TRUE(has_column(columns, fields[i].name));
		CU_ASSERT_EQUAL(has_column(columns, reverse), fields[i].direction == FIELD_OF_SIDE);
	}
	record_template_free(form);
}

static void test_quality(void)
{
	struct record_template *form = record_template_load("quality", TEMPLATE_AS_WRITTEN, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(form);
	CU_ASSERT_TRUE(form->biflow);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(form->columns[i]->len <= 60);
		CU_ASSERT_TRUE(has_column(form->columns[i], "biflowDirection"));
		CU_ASSERT_TRUE(has_column(form->columns[i], "reverseTcpHandshakeRtt"));
	}
	record_template_free(form);
}

/* What the records of a flow say: "packets/reverse packets" each. */
struct told {
	GString *text;
	guint stop_after;
};

static bool tell(void *data, const GArray *columns, const struct flow_view *forward, GError **error)
{
	struct told *told = data;

	for (guint i = 0; i < columns->len; i++) {
		union field_value value;

		template_column_value(&g_array_index(columns, struct template_column, i), forward,
				      &value);
		g_string_append_printf(told->text, "%s%" G_GUINT64_FORMAT, i ? "/" : " ",
				       value.number);
	}
	if (told->stop_after-- > 1)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "enough");
	return false;
}

static void check_told(const char *text, const struct flow_record *record, const char *expected)
{
	struct record_template *form = parse(text, TEMPLATE_AS_WRITTEN);
	struct told told = { g_string_new(NULL), 9 };
	const struct flow_view flow = flow_view_of(record, NULL);

	CU_ASSERT_TRUE(record_template_apply(form, &flow, tell, &told, NULL));
	CU_ASSERT_STRING_EQUAL(told.text->str, expected);
	g_string_free(told.text, TRUE);
	record_template_free(form);
}

static void test_apply(void)
{
	struct flow_record tcp = sample_tcp();
	struct flow_record icmp6 = sample_icmp6();

	check_told("packetDeltaCount\nbiflowDirection", &tcp, " 4/1 3/2");
	check_told("packetDeltaCount\nbiflowDirection", &icmp6, " 2/1");
	check_told("flow biflow\npacketDeltaCount\nreversePacketDeltaCount", &tcp, " 4/3");
	check_told("flow biflow\npacketDeltaCount\nreversePacketDeltaCount", &icmp6, " 2/0");
	check_told("ip 6\npacketDeltaCount", &tcp, "");
	check_told("ip 4\npacketDeltaCount", &tcp, " 4 3");
	check_told("ip 4\npacketDeltaCount", &icmp6, "");
	/* After an active time-out the initiator may be silent; it stays the initiator. */
	tcp.flow.side[FLOW_FROM_HIGH].packets = 0;
	check_told("packetDeltaCount\nbiflowDirection", &tcp, " 3/2");
	check_told("flow biflow\npacketDeltaCount\nreversePacketDeltaCount", &tcp, " 0/3");
}

static void test_failing_sink(void)
{
	struct record_template *form = parse("packetDeltaCount", TEMPLATE_AS_WRITTEN);
	struct flow_record tcp = sample_tcp();
	struct told told = { g_string_new(NULL), 1 };
	const struct flow_view flow = flow_view_of(&tcp, NULL);
	g_autoptr(GError) error = NULL;

	CU_ASSERT_FALSE(record_template_apply(form, &flow, tell, &told, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	CU_ASSERT_STRING_EQUAL(told.text->str, " 4");
	g_string_free(told.text, TRUE);
	record_template_free(form);
}

static void test_cut(void)
{
	struct flow_record tcp = sample_tcp();

	tcp.flow.shape[FLOW_FROM_HIGH].fragments = 77;
	check_told("flow biflow\nfragmentCount\npacketDeltaCount", &tcp, " 77/4");
	tcp.detail = FLOW_DETAIL_BASIC;
	check_told("flow biflow\nfragmentCount\npacketDeltaCount", &tcp, " 0/4");
}

static CU_TestInfo tests[] = {
	{ "a layout has a form for each IP version", test_forms },
	{ "without directives both IP versions are told, a record a side", test_defaults },
	{ "a layout may be of one IP version", test_one_version },
	{ "the user's direction goes over the file's", test_direction },
	{ "an error says file, line, column and what was meant", test_errors },
	{ "own elements may be said as ntop's, where it has them", test_enterprise },
	{ "lines and names have a limit", test_limits },
	{ "a file is read by its path, if it is no monster", test_files },
	{ "every shipped layout is sound and has milliseconds", test_builtins },
	{ "the standard layout is what every collector eats", test_standard },
	{ "the full layout has everything", test_full },
	{ "the quality layout is not too wide for tshark", test_quality },
	{ "a flow becomes one biflow or a uniflow for each side that sent", test_apply },
	{ "a sink that fails stops the rest", test_failing_sink },
	{ "what the record was cut of reads 0", test_cut },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "template", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
