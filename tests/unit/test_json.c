/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "export/encoder.h"
#include "export/print.h"
#include "sample.h"
#include "unit.h"

#define ROUNDS 200000

/* A generator of our own, so that the same numbers are tried everywhere. */
static guint64 next_random(guint64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const char *number(guint64 value)
{
	static char text[PRINT_MAX];

	*print_u64(text, value) = '\0';
	return text;
}

static void test_integers(void)
{
	guint64 state = 88172645463325252ULL;
	char expected[32];

	CU_ASSERT_STRING_EQUAL(number(0), "0");
	CU_ASSERT_STRING_EQUAL(number(9), "9");
	CU_ASSERT_STRING_EQUAL(number(10), "10");
	CU_ASSERT_STRING_EQUAL(number(99), "99");
	CU_ASSERT_STRING_EQUAL(number(100), "100");
	CU_ASSERT_STRING_EQUAL(number(G_MAXUINT64), "18446744073709551615");
	for (int i = 0; i < ROUNDS; i++) {
		guint64 value = next_random(&state) >> (i % 64);

		g_snprintf(expected, sizeof(expected), "%" G_GUINT64_FORMAT, value);
		CU_ASSERT_STRING_EQUAL(number(value), expected);
	}
}

static const char *real(double value)
{
	static char text[PRINT_MAX];

	*print_double(text, value) = '\0';
	return text;
}

static void test_reals(void)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 0.5, "0.5" },
		{ 0.1, "0.1" },
		{ 0.3, "0.3" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 2.0 / 3, "0.6666666666666666" },
		{ 1234.5678, "1234.5678" },
		{ 2251799813685249.5, "2251799813685249.5" },
		{ 0.9999999999999999, "0.9999999999999999" },
		{ 9007199254740991.0, "9007199254740991" },
		{ 1e300, "1e+300" },
		{ 1e-5, "1e-05" },
		{ 5e-324, "5e-324" },
		{ -1.5, "-1.5" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (strcmp(real(rows[i].value), rows[i].text) != 0)
			fprintf(stderr, "got %s, want %s\n", real(rows[i].value), rows[i].text);
		CU_ASSERT_STRING_EQUAL(real(rows[i].value), rows[i].text);
	}
	CU_ASSERT_STRING_EQUAL(real(INFINITY), "null");
	CU_ASSERT_STRING_EQUAL(real(NAN), "null");
}

static size_t digits_of(const char *text)
{
	size_t count = 0;

	while (*text == '0' || *text == '.')
		text++;
	for (; *text && *text != 'e'; text++)
		count += *text != '.';
	return count;
}

/* Against the C library: fewer digits than ours never read back. */
static void check_shortest(double value)
{
	const char *text = real(value);
	size_t digits = digits_of(text);
	char shorter[64];

	CU_ASSERT_EQUAL(g_ascii_strtod(text, NULL), value);
	if (digits < 2 || value == floor(value))
		return;
	g_snprintf(shorter, sizeof(shorter), "%.*g", (int)digits - 1, value);
	CU_ASSERT_NOT_EQUAL(g_ascii_strtod(shorter, NULL), value);
}

static void test_reals_are_shortest(void)
{
	guint64 state = 1234567;

	for (int i = 0; i < ROUNDS; i++) {
		guint64 r = next_random(&state);
		double quotient = (double)(r >> 40) / (double)(1 + (next_random(&state) >> 52));

		check_shortest(quotient);
		check_shortest(sqrt((double)(r >> 30)) / 7);
		check_shortest((double)(r & 0xffffff) / 1000);
		check_shortest(ldexp(1, -(int)(r % 7)) * (double)(1 + (r >> 60)));
	}
	for (int i = 0; i < 52; i++) {
		check_shortest(nextafter(ldexp(1, i), 0));
		check_shortest(nextafter(ldexp(1, i), INFINITY));
	}
}

static void test_ipv6(void)
{
	guint64 state = 42;

	for (int i = 0; i < ROUNDS; i++) {
		guint64 zeros = next_random(&state);
		guint64 words[2] = { next_random(&state), next_random(&state) };
		guint8 octets[16];
		char expected[INET6_ADDRSTRLEN];
		char got[PRINT_MAX];

		memcpy(octets, words, sizeof(octets));
		for (int j = 0; j < 16; j++)
			if (zeros >> (j / 2 * 2) & 1 && zeros >> (j + 32) & 3)
				octets[j] = 0;
		if (i % 16 == 0)
			memset(octets, 0, 10 + i / 16 % 7);
		if (i % 32 == 0)
			memset(octets + 10, 0xff, 2);
		inet_ntop(AF_INET6, octets, expected, sizeof(expected));
		*print_ipv6(got, octets) = '\0';
		CU_ASSERT_STRING_EQUAL(got, expected);
	}
}

static void test_times(void)
{
	struct print_day day = PRINT_DAY_INIT;
	char text[64];

	*print_date(text, SAMPLE_START_NS, &day) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "2026-11-21");
	*print_date(text, 0, &day) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "1970-01-01");
	*print_date(text, 951782400 * FLOW_SECOND_NS, &day) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "2000-02-29");
	*print_date(text, G_MAXUINT64, &day) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "2554-07-21");
	*print_clock(text, SAMPLE_START_NS, 0) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "07:34:00");
	*print_clock(text, SAMPLE_START_NS, 9) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "07:34:00.123456789");
	*print_clock(text, 86399 * FLOW_SECOND_NS + 999999999, 3) = '\0';
	CU_ASSERT_STRING_EQUAL(text, "23:59:59.999");
}

/* --- the encoder --- */

struct catcher {
	GString *text;
	guint calls;
	bool whole; /* every call ended in a line's end */
	bool fail;
};

static bool catch_octets(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct catcher *catcher = data;

	if (catcher->fail) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "full");
		return false;
	}
	catcher->calls++;
	catcher->whole = catcher->whole && length > 0 && octets[length - 1] == '\n';
	g_string_append_len(catcher->text, (const char *)octets, (gssize)length);
	return true;
}

/* Each record of the batch as JSON; free with g_free. */
static char *encode(const char *form, const struct flow_record *records, size_t count,
		    guint64 expected_records)
{
	struct record_template *parsed =
		record_template_parse("t", form, strlen(form), TEMPLATE_AS_WRITTEN, NULL);
	struct encoder_options options = { .record_template = parsed };
	struct catcher catcher = { g_string_new(NULL), 0, true, false };
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	guint64 told = 5;
	struct encoder *encoder;

	CU_ASSERT_PTR_NOT_NULL_FATAL(parsed);
	memcpy(batch->records, records, count * sizeof(*records));
	batch->count = count;
	encoder = json_encoder.open(&options, catch_octets, &catcher, NULL);
	CU_ASSERT_TRUE(json_encoder.encode(encoder, batch, &told, NULL));
	CU_ASSERT_EQUAL(told, 5 + expected_records);
	CU_ASSERT_TRUE(json_encoder.flush(encoder, NULL));
	json_encoder.free(encoder);
	record_template_free(parsed);
	g_free(batch);
	CU_ASSERT_TRUE(catcher.whole);
	return g_string_free(catcher.text, FALSE);
}

static void check(const char *form, const struct flow_record *record, guint64 records,
		  const char *expected)
{
	g_autofree char *got = encode(form, record, 1, records);

	if (strcmp(got, expected) != 0)
		fprintf(stderr, "got  %s\nwant %s\n", got, expected);
	CU_ASSERT_STRING_EQUAL(got, expected);
}

static void test_uniflow(void)
{
	struct flow_record tcp = sample_tcp();

	check("flowStartMilliseconds\nflowEndMicroseconds\nflowStartNanoseconds\n"
	      "sourceIPv4Address\nsourceTransportPort\ndestinationIPv4Address\n"
	      "packetDeltaCount\nsourceIPv6Address\n",
	      &tcp, 2,
	      "{\"flowStartMilliseconds\":\"2026-11-21T07:34:00.123Z\","
	      "\"flowEndMicroseconds\":\"2026-11-21T07:34:02.623456Z\","
	      "\"flowStartNanoseconds\":\"2026-11-21T07:34:00.123456789Z\","
	      "\"sourceIPv4Address\":\"198.51.100.7\",\"sourceTransportPort\":443,"
	      "\"destinationIPv4Address\":\"192.0.2.1\",\"packetDeltaCount\":4}\n"
	      "{\"flowStartMilliseconds\":\"2026-11-21T07:34:00.124Z\","
	      "\"flowEndMicroseconds\":\"2026-11-21T07:34:03.123456Z\","
	      "\"flowStartNanoseconds\":\"2026-11-21T07:34:00.124456789Z\","
	      "\"sourceIPv4Address\":\"192.0.2.1\",\"sourceTransportPort\":40000,"
	      "\"destinationIPv4Address\":\"198.51.100.7\",\"packetDeltaCount\":3}\n");
}

static void test_biflow(void)
{
	struct flow_record tcp = sample_tcp();

	check("flow biflow\noctetDeltaCount\nreverseOctetDeltaCount\n"
	      "reverseFlowStartMilliseconds\nflowDurationMilliseconds",
	      &tcp, 1,
	      "{\"octetDeltaCount\":1234,\"reverseOctetDeltaCount\":5000,"
	      "\"reverseFlowStartMilliseconds\":\"2026-11-21T07:34:00.124Z\","
	      "\"flowDurationMilliseconds\":3000}\n");
}

static void test_silent(void)
{
	struct flow_record icmp6 = sample_icmp6();

	check("flow biflow\nreverseFlowStartMilliseconds\nreversePacketDeltaCount\n"
	      "destinationIPv6Address\nreverseFlowEndNanoseconds\nreverseFlowDurationMilliseconds",
	      &icmp6, 1,
	      "{\"reversePacketDeltaCount\":0,\"destinationIPv6Address\":\"2001:db8::2\","
	      "\"reverseFlowDurationMilliseconds\":0}\n");
	check("flow biflow\nreverseFlowStartMilliseconds\n", &icmp6, 1, "{}\n");
}

static void test_types(void)
{
	struct flow_record tcp = sample_tcp();
	struct flow_shape *shape = &tcp.flow.shape[FLOW_FROM_HIGH];
	static const guint8 mac[6] = { 0x02, 0xab, 0, 0, 0xcd, 0x0f };

	memcpy(shape->mac_source, mac, 6);
	shape->gap_count = 3;
	shape->gap_sum_us = 10;
	check("flow biflow\nsourceMacAddress\ninterArrivalMean\ninterArrivalDeviation\n", &tcp, 1,
	      "{\"sourceMacAddress\":\"02:ab:00:00:cd:0f\",\"interArrivalMean\":3.3333333333333335,"
	      "\"interArrivalDeviation\":0}\n");
}

#define TCP_FORM                                                                     \
	"flow biflow\npacketDeltaCount\ntcpSackPermitted\nreverseTcpSackPermitted\n" \
	"tcpHandshakeRtt\nreverseTcpHandshakeRtt\ntcpRttMean\nreverseTcpRttMean\n"   \
	"tcpRttCount\nreverseTcpRttCount\ntcpStateAtEnd\n"

static void test_unknown(void)
{
	struct flow_record tcp = sample_tcp();
	struct flow_tcp *sides = tcp.flow.tcp;

	check(TCP_FORM, &tcp, 1,
	      "{\"packetDeltaCount\":4,\"tcpRttCount\":0,\"reverseTcpRttCount\":0,"
	      "\"tcpStateAtEnd\":5}\n");
	sides[FLOW_FROM_HIGH].track.state = TCP_SYN_SEEN | TCP_SACK_OK;
	sides[FLOW_FROM_HIGH].track.handshake_us = 0;
	sides[FLOW_FROM_LOW].track.state = TCP_SYN_SEEN;
	sides[FLOW_FROM_LOW].tally.rtt_count = 2;
	sides[FLOW_FROM_LOW].tally.rtt_sum_us = 5;
	check(TCP_FORM, &tcp, 1,
	      "{\"packetDeltaCount\":4,\"tcpSackPermitted\":true,"
	      "\"reverseTcpSackPermitted\":false,\"tcpHandshakeRtt\":0,"
	      "\"reverseTcpRttMean\":2.5,\"tcpRttCount\":0,\"reverseTcpRttCount\":2,"
	      "\"tcpStateAtEnd\":5}\n");
	/* Nothing of it where it was not metered, or the flow is another. */
	tcp.detail = FLOW_DETAIL_BASIC;
	check(TCP_FORM, &tcp, 1, "{\"packetDeltaCount\":4}\n");
	tcp.detail = FLOW_DETAIL_FULL;
	tcp.flow.key.proto = 17;
	check(TCP_FORM, &tcp, 1, "{\"packetDeltaCount\":4}\n");
	check("flow biflow\ntcpRttCount\n", &tcp, 1, "{}\n");
}

static void test_untold(void)
{
	struct flow_record tcp = sample_tcp();

	check("ip 6\npacketDeltaCount", &tcp, 0, "");
}

static void test_chunks(void)
{
	struct record_template *form = record_template_load("full", TEMPLATE_AS_WRITTEN, NULL);
	struct encoder_options options = { .record_template = form };
	struct catcher catcher = { g_string_new(NULL), 0, true, false };
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	struct encoder *encoder = json_encoder.open(&options, catch_octets, &catcher, NULL);
	guint64 records = 0;
	size_t lines = 0;

	batch->count = FLOW_BATCH_MAX;
	for (size_t i = 0; i < batch->count; i++) {
		batch->records[i] = sample_tcp();
		memset(batch->records[i].flow.shape, 0xff, sizeof(batch->records[i].flow.shape));
		memset(batch->records[i].flow.key.low, 0xff, 16);
		batch->records[i].flow.key.version = i % 2 ? 4 : 6;
		batch->records[i].flow.side[0].packets = G_MAXUINT64;
		batch->records[i].flow.side[0].octets = G_MAXUINT64;
		batch->records[i].flow.side[1].payload = G_MAXUINT64;
	}
	for (int i = 0; i < 4; i++)
		CU_ASSERT_TRUE(json_encoder.encode(encoder, batch, &records, NULL));
	CU_ASSERT_TRUE(catcher.calls > 5);
	CU_ASSERT_TRUE(catcher.text->len / catcher.calls > 60000);
	CU_ASSERT_TRUE(json_encoder.flush(encoder, NULL));
	CU_ASSERT_TRUE(json_encoder.flush(encoder, NULL));
	for (const char *at = catcher.text->str; (at = strchr(at, '\n')); at++)
		lines++;
	CU_ASSERT_EQUAL(lines, 4 * FLOW_BATCH_MAX);
	CU_ASSERT_EQUAL(records, 4 * FLOW_BATCH_MAX);
	CU_ASSERT_TRUE(catcher.whole);
	json_encoder.free(encoder);
	json_encoder.free(NULL);
	record_template_free(form);
	g_string_free(catcher.text, TRUE);
	g_free(batch);
}

static void test_failing_sink(void)
{
	struct record_template *form = record_template_load("standard", TEMPLATE_AS_WRITTEN, NULL);
	struct encoder_options options = { .record_template = form };
	struct catcher catcher = { g_string_new(NULL), 0, true, true };
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	struct encoder *encoder = json_encoder.open(&options, catch_octets, &catcher, NULL);
	g_autoptr(GError) error = NULL;
	guint64 records = 0;

	batch->count = FLOW_BATCH_MAX;
	for (size_t i = 0; i < batch->count; i++)
		batch->records[i] = sample_tcp();
	while (json_encoder.encode(encoder, batch, &records, &error))
		CU_ASSERT_TRUE_FATAL(records < 10 * FLOW_BATCH_MAX);
	CU_ASSERT_PTR_NOT_NULL(error);
	CU_ASSERT_TRUE(records > 0 && records < 2 * FLOW_BATCH_MAX);
	json_encoder.free(encoder);
	record_template_free(form);
	g_string_free(catcher.text, TRUE);
	g_free(batch);
}

static CU_TestInfo tests[] = {
	{ "integers read as the C library writes them", test_integers },
	{ "reals read as people write them", test_reals },
	{ "reals have as few digits as read back", test_reals_are_shortest },
	{ "IPv6 addresses read as inet_ntop writes them", test_ipv6 },
	{ "dates and times are UTC", test_times },
	{ "a uniflow template gives a line for each side that sent", test_uniflow },
	{ "a biflow template gives one line with reverse elements", test_biflow },
	{ "the times of a responder that never answered are left out", test_silent },
	{ "every type has its usual text form", test_types },
	{ "what was not measured is left out", test_unknown },
	{ "flows the template does not take give no line", test_untold },
	{ "the sink gets whole lines in chunks", test_chunks },
	{ "a sink that fails stops the encoder", test_failing_sink },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "json", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
