/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "base/error.h"
#include "export/encoder.h"
#include "sample.h"
#include "unit.h"

static const char heading[] =
	"2026 UTC             TIME PROTO SOURCE > DESTINATION                            "
	"PACKETS    OCTETS FLAGS         END\n";

static bool catch_octets(void *data, const guint8 *octets, size_t length, GError **error)
{
	(void)error;
	g_string_append_len(data, (const char *)octets, (gssize)length);
	return true;
}

static char *encode(const struct flow_record *records, size_t count)
{
	struct encoder_options options = { .record_template = NULL };
	GString *text = g_string_new(NULL);
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	guint64 told = 1;
	struct encoder *encoder = text_encoder.open(&options, catch_octets, text, NULL);

	memcpy(batch->records, records, count * sizeof(*records));
	batch->count = count;
	CU_ASSERT_TRUE(text_encoder.encode(encoder, batch, &told, NULL));
	CU_ASSERT_EQUAL(told, 1 + count);
	CU_ASSERT_TRUE(text_encoder.flush(encoder, NULL));
	text_encoder.free(encoder);
	g_free(batch);
	return g_string_free(text, FALSE);
}

static void check_text(const char *got, const char *expected)
{
	if (strcmp(got, expected) != 0)
		fprintf(stderr, "got\n%swant\n%s", got, expected);
	CU_ASSERT_STRING_EQUAL(got, expected);
}

static void check(const struct flow_record *record, const char *line)
{
	g_autofree char *got = encode(record, 1);
	g_autofree char *expected = g_strconcat(heading, line, NULL);

	check_text(got, expected);
}

static void test_tcp(void)
{
	struct flow_record tcp = sample_tcp();

	check(&tcp, "11-21 07:34:00.123 3.000s TCP   198.51.100.7:443      > 192.0.2.1:40000       "
		    "   4    3 1234 5000 FSPA   FSA    end\n");
}

static void test_icmp(void)
{
	struct flow_record icmp6 = sample_icmp6();

	check(&icmp6,
	      "11-21 07:34:00.123    0us ICMP6 2001:db8::1 > 2001:db8::2                     "
	      "   2    0  208    0 128.0  -      idle\n");
}

static void test_width(void)
{
	struct flow_record udp = sample_tcp();
	g_autofree char *got = NULL;
	const char *line;

	memset(&udp.flow.key.low[1], 0xff, 8);
	memset(&udp.flow.key.high[1], 0xff, 8);
	udp.flow.key.low_port = 0xffff;
	udp.flow.key.high_port = 0xffff;
	udp.flow.key.proto = 255;
	udp.end = FLOW_END_RESOURCES;
	for (int i = 0; i < 2; i++) {
		udp.flow.side[i].packets = G_MAXUINT64;
		udp.flow.side[i].octets = 9999999;
		udp.flow.side[i].tcp_flags = 0x3f;
	}
	got = encode(&udp, 1);
	line = strchr(got, '\n') + 1;
	CU_ASSERT_TRUE(strlen(got) - (size_t)(line - got) <= 121); /* and the line's end */
	CU_ASSERT_TRUE(line - got <= 121);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(line, " 255   255.255.255.255:65535 > 255.255.255.255:65535 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "  18E  18E 9.9M 9.9M FSRPAU FSRPAU no room\n"));
}

static void test_ipv6_ports(void)
{
	struct flow_record tcp = sample_icmp6();
	g_autofree char *got = NULL;

	tcp.flow.key.proto = 6;
	tcp.flow.key.high_port = GUINT16_TO_BE(443);
	got = encode(&tcp, 1);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(got, " TCP   [2001:db8::1]:777 > [2001:db8::2]:443            "));
}

/* The longest address there is, at both ends. */
static void test_ipv6_width(void)
{
	struct flow_record tcp = sample_icmp6();
	g_autofree char *got = NULL;
	const char *line;

	memset(tcp.flow.key.low, 0xab, 16);
	memset(tcp.flow.key.high, 0xcd, 16);
	tcp.flow.key.proto = 6;
	tcp.flow.key.low_port = 0xffff;
	tcp.flow.key.high_port = 0xffff;
	got = encode(&tcp, 1);
	line = strchr(got, '\n') + 1;
	CU_ASSERT_TRUE(strlen(line) <= 121);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(line, " TCP   [abab:a~b:abab]:65535 > [cdcd:c~d:cdcd]:65535 "));
}

static void test_durations(void)
{
	static const struct {
		guint64 ns;
		const char *text;
	} rows[] = {
		{ 999, "    0us " },	      { 999999, "  999us " },
		{ 1000000, " 1.0ms " },	      { 99999999, "99.9ms " },
		{ 100000000, " 100ms " },     { 999999999, " 999ms " },
		{ 1000000000, "1.000s " },    { 59987654321, "59.98s " },
		{ 999999999999, "999.9s " },  { 1000000000000, "16m40s " },
		{ 6000000000000, " 1h40m " }, { 360000000000000, " 4d04h " },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct flow_record tcp = sample_tcp();
		g_autofree char *got = NULL;

		tcp.flow.side[0].last_ns = SAMPLE_START_NS + rows[i].ns;
		tcp.flow.side[1].last_ns = SAMPLE_START_NS;
		got = encode(&tcp, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(got, rows[i].text));
	}
}

static void test_amounts(void)
{
	static const struct {
		guint64 octets;
		const char *text;
	} rows[] = {
		{ 9999, " 9999 5000 " },       { 10000, "  10k 5000 " },
		{ 999999, " 999k 5000 " },     { 1000000, " 1.0M 5000 " },
		{ 9999999, " 9.9M 5000 " },    { 10000000, "  10M 5000 " },
		{ 1999999999, " 1.9G 5000 " }, { G_MAXUINT64, "  18E 5000 " },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct flow_record tcp = sample_tcp();
		g_autofree char *got = NULL;

		tcp.flow.side[FLOW_FROM_HIGH].octets = rows[i].octets;
		got = encode(&tcp, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(got, rows[i].text));
	}
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

static void test_years(void)
{
	struct flow_record records[3] = { sample_tcp(), sample_tcp(), sample_tcp() };
	g_autofree char *got = NULL;

	for (int i = 0; i < 2; i++)
		records[2].flow.side[i].first_ns += 365 * 86400 * FLOW_SECOND_NS;
	got = encode(records, 3);
	CU_ASSERT_EQUAL(count_of(got, "UTC"), 2);
	CU_ASSERT_EQUAL(count_of(got, "2026 UTC"), 1);
	CU_ASSERT_EQUAL(count_of(got, "\n2027 UTC"), 1);
	CU_ASSERT_EQUAL(count_of(got, "\n11-21 "), 3);
}

static bool refuse_octets(void *data, const guint8 *octets, size_t length, GError **error)
{
	(void)data;
	(void)octets;
	(void)length;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "full");
	return false;
}

static void test_failing_sink(void)
{
	struct encoder_options options = { .record_template = NULL };
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	struct encoder *encoder = text_encoder.open(&options, refuse_octets, NULL, NULL);
	g_autoptr(GError) error = NULL;
	guint64 records = 0;

	for (batch->count = 0; batch->count < FLOW_BATCH_MAX; batch->count++)
		batch->records[batch->count] = sample_tcp();
	while (text_encoder.encode(encoder, batch, &records, &error))
		CU_ASSERT_TRUE_FATAL(records < 20 * FLOW_BATCH_MAX);
	CU_ASSERT_PTR_NOT_NULL(error);
	CU_ASSERT_TRUE(text_encoder.flush(encoder, NULL)); /* nothing is left to send */
	text_encoder.free(encoder);
	text_encoder.free(NULL);
	g_free(batch);
}

static CU_TestInfo tests[] = {
	{ "a flow is a line, the initiator first", test_tcp },
	{ "ICMP shows type and code, a silent side nothing", test_icmp },
	{ "the widest IPv4 flow fits 120 columns", test_width },
	{ "IPv6 addresses with ports stand in brackets", test_ipv6_ports },
	{ "long IPv6 addresses give way in their middle", test_ipv6_width },
	{ "durations fit six places", test_durations },
	{ "amounts fit four places", test_amounts },
	{ "the heading comes again with a new year", test_years },
	{ "a sink that fails stops the encoder", test_failing_sink },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "text", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
