/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCP rows of the field table: which side, which unit, and what is said of the unknown. */
#include <math.h>
#include <stdio.h>

#include "flow/fields.h"
#include "flow/statistics.h"
#include "sample.h"
#include "unit.h"

#define CLIENT FLOW_FROM_HIGH
#define SERVER FLOW_FROM_LOW

static const struct field *must(const char *name)
{
	const struct field *field = field_by_name(name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(field);
	return field;
}

static union field_value value(const struct flow_record *record, const struct field *field,
			       enum flow_side_index from)
{
	struct flow_view view = { .record = record, .from = from, .scope = FIELD_SCOPE_UNIFLOW };
	union field_value got;

	memset(&got, 0xa5, sizeof(got));
	field->get(&view, &got);
	return got;
}

static guint64 number(const struct flow_record *record, const char *name, enum flow_side_index from)
{
	return value(record, must(name), from).number;
}

static double real(const struct flow_record *record, const char *name, enum flow_side_index from)
{
	return value(record, must(name), from).real;
}

static bool known(const struct flow_record *record, const char *name, enum flow_side_index from)
{
	struct flow_view view = { .record = record, .from = from, .scope = FIELD_SCOPE_UNIFLOW };

	CU_ASSERT_PTR_NOT_NULL_FATAL(must(name)->known);
	return must(name)->known(&view);
}

/* Everything of TCP is there, and no number is another's. */
static struct flow_record rich(void)
{
	struct flow_record record = sample_tcp();
	const guint16 shaken = TCP_TRACKING | TCP_SYN_SEEN | TCP_ACK_SEEN | TCP_SHOOK;

	record.flow.tcp[CLIENT] = (struct flow_tcp){
		.track = { .state = shaken | TCP_SCALES | TCP_SACK_OK | TCP_CLOCKS,
			   .handshake_us = 51,
			   .mss = 1460,
			   .scale = 7 },
		.tally = { .window_sum = 30,
			   .window_count = 4,
			   .window_min = 5,
			   .window_max = 10,
			   .rtt_count = 8,
			   .rtt_sum_us = 40,
			   .rtt_squares_us2 = 232,
			   .rtt_min_us = 2,
			   .rtt_max_us = 9,
			   .response_count = 3,
			   .response_sum_us = 100,
			   .response_min_us = 11,
			   .response_max_us = 70,
			   .retransmitted_packets = 12,
			   .retransmitted_octets = 13,
			   .syn_retransmissions = 14,
			   .out_of_order = 15,
			   .unseen_octets = 16,
			   .gap_octets = 17,
			   .duplicate_acks = 18,
			   .keep_alives = 19,
			   .zero_windows = 20,
			   .zero_window_ns = 21999,
			   .ce_packets = 22,
			   .syn_packets = 23,
			   .fin_packets = 24,
			   .rst_packets = 25 },
	};
	record.flow.tcp[SERVER].track =
		(struct tcp_track){ .state = shaken | TCP_SYN_ANSWERS, .handshake_us = 46905 };
	return record;
}

static void test_values(void)
{
	static const struct {
		const char *name;
		guint64 value;
	} rows[] = {
		{ "tcpHandshakeRtt", 51 },
		{ "tcpRttMinimum", 2 },
		{ "tcpRttMaximum", 9 },
		{ "tcpRttCount", 8 },
		{ "tcpResponseMinimum", 11 },
		{ "tcpResponseMaximum", 70 },
		{ "tcpResponseCount", 3 },
		{ "tcpRetransmittedPacketCount", 12 },
		{ "tcpRetransmittedOctetCount", 13 },
		{ "tcpSynRetransmissionCount", 14 },
		{ "tcpOutOfOrderCount", 15 },
		{ "tcpUnseenOctetCount", 16 },
		{ "tcpCaptureGapOctetCount", 17 },
		{ "tcpDuplicateAckCount", 18 },
		{ "tcpKeepAliveCount", 19 },
		{ "tcpZeroWindowCount", 20 },
		{ "tcpZeroWindowDuration", 21 }, /* microseconds, rounded down */
		{ "tcpWindowMinimum", 5 },
		{ "tcpWindowMaximum", 10 },
		{ "tcpWindowCount", 4 },
		{ "tcpMaximumSegmentSize", 1460 },
		{ "tcpWindowScaleOption", true },
		{ "tcpWindowScale", 7 },
		{ "tcpSackPermitted", true },
		{ "tcpTimestampsOption", true },
		{ "tcpCePacketCount", 22 },
		{ "tcpSynDeltaCount", 23 },
		{ "tcpFinDeltaCount", 24 },
		{ "tcpRstDeltaCount", 25 },
	};
	struct flow_record record = rich();

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		CU_ASSERT_EQUAL(number(&record, rows[i].name, CLIENT), rows[i].value);
		CU_ASSERT_TRUE(known(&record, rows[i].name, CLIENT));
		CU_ASSERT_EQUAL(must(rows[i].name)->detail, FLOW_DETAIL_TCP);
	}
	CU_ASSERT_EQUAL(number(&record, "tcpHandshakeRtt", SERVER), 46905);
	CU_ASSERT_EQUAL(number(&record, "tcpRetransmittedPacketCount", SERVER), 0);
	CU_ASSERT_TRUE(known(&record, "tcpRetransmittedPacketCount", SERVER));
}

static void test_statistics(void)
{
	struct flow_record record = rich();
	struct tcp_tally *tally = &record.flow.tcp[CLIENT].tally;

	/* 2 4 4 4 5 5 7 9 */
	CU_ASSERT_EQUAL(real(&record, "tcpRttMean", CLIENT), 5);
	CU_ASSERT_EQUAL(real(&record, "tcpRttDeviation", CLIENT), 2);
	CU_ASSERT_EQUAL(real(&record, "tcpWindowMean", CLIENT), 7.5);
	CU_ASSERT_EQUAL(real(&record, "tcpResponseMean", CLIENT), 100.0 / 3);
	/* A million of 1999999, one of them less by one: in doubles the squares would not cancel.
	 */
	tally->rtt_count = 1000000;
	tally->rtt_sum_us = 1000000 * 1999999ULL - 1;
	tally->rtt_squares_us2 = 999999 * (1999999ULL * 1999999ULL) + 1999998ULL * 1999998ULL;
	CU_ASSERT_EQUAL(real(&record, "tcpRttDeviation", CLIENT), sqrt(999999) / 1000000);
	CU_ASSERT_EQUAL(statistics_mean(0, 0), 0);
	CU_ASSERT_EQUAL(statistics_deviation(0, 0, 0), 0);
	CU_ASSERT_EQUAL(statistics_deviation(G_MAXUINT64, G_MAXUINT64, 1), 0);
}

/* Each row: what makes the element unknown is taken away. */
static void test_unknown(void)
{
	static const char *const unmeasured[] = {
		"tcpHandshakeRtt",	"tcpRttMinimum",	 "tcpRttMaximum",
		"tcpResponseMinimum",	"tcpResponseMaximum",	 "tcpWindowMinimum",
		"tcpWindowMaximum",	"tcpMaximumSegmentSize", "tcpWindowScale",
		"tcpWindowScaleOption", "tcpSackPermitted",	 "tcpTimestampsOption",
	};
	static const char *const means[] = { "tcpRttMean", "tcpRttDeviation", "tcpResponseMean",
					     "tcpWindowMean" };
	static const char *const counts[] = { "tcpRttCount", "tcpResponseCount", "tcpWindowCount",
					      "tcpSynDeltaCount", "tcpZeroWindowDuration" };
	struct flow_record record = sample_tcp();

	for (size_t i = 0; i < G_N_ELEMENTS(unmeasured); i++) {
		CU_ASSERT_FALSE(known(&record, unmeasured[i], CLIENT));
		CU_ASSERT_EQUAL(number(&record, unmeasured[i], CLIENT), 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(means); i++) {
		CU_ASSERT_FALSE(known(&record, means[i], CLIENT));
		CU_ASSERT_EQUAL(real(&record, means[i], CLIENT), 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		CU_ASSERT_TRUE(known(&record, counts[i], CLIENT));
	/* A round trip of no microsecond was measured all the same; a SYN without options is known.
	 */
	record.flow.tcp[CLIENT].track.handshake_us = 0;
	record.flow.tcp[CLIENT].track.state = TCP_SYN_SEEN;
	CU_ASSERT_TRUE(known(&record, "tcpHandshakeRtt", CLIENT));
	CU_ASSERT_TRUE(known(&record, "tcpSackPermitted", CLIENT));
	CU_ASSERT_FALSE(known(&record, "tcpWindowScale", CLIENT));
	CU_ASSERT_FALSE(known(&record, "tcpMaximumSegmentSize", CLIENT));
}

static void check_nothing(const struct flow_record *record, enum flow_side_index from)
{
	size_t rows = 0;

	for (size_t i = 0; i < fields_count; i++) {
		union field_value got = value(record, &fields[i], from);

		if (!fields[i].known || fields[i].direction == FIELD_OF_FLOW ||
		    fields[i].detail != FLOW_DETAIL_TCP)
			continue;
		CU_ASSERT_FALSE(known(record, fields[i].name, from));
		CU_ASSERT_EQUAL(fields[i].type == FIELD_FLOAT64 ? got.real != 0 : got.number != 0,
				false);
		rows++;
	}
	CU_ASSERT_EQUAL(rows, 33);
}

/* Whatever lies there. */
static void test_not_metered(void)
{
	struct flow_record record = rich();

	memset(record.flow.tcp, 0xff, sizeof(record.flow.tcp));
	record.flow.key.proto = 17;
	check_nothing(&record, CLIENT);
	CU_ASSERT_FALSE(known(&record, "tcpStateAtEnd", CLIENT));
	CU_ASSERT_EQUAL(number(&record, "tcpStateAtEnd", CLIENT), FIELD_TCP_UNKNOWN);
	CU_ASSERT_EQUAL(number(&record, "metricValidity", CLIENT), FIELD_VALIDITY_BOTH_WAYS);
	record.flow.key.proto = 6;
	record.detail = FLOW_DETAIL_BASIC;
	check_nothing(&record, CLIENT);
	CU_ASSERT_EQUAL(number(&record, "tcpStateAtEnd", CLIENT), FIELD_TCP_UNKNOWN);
	record.detail = FLOW_DETAIL_TCP;
	record.flow.side[SERVER].packets = 0;
	check_nothing(&record, SERVER);
	CU_ASSERT_TRUE(known(&record, "tcpStateAtEnd", SERVER));
	CU_ASSERT_EQUAL(number(&record, "metricValidity", SERVER), 0);
}

static void test_validity(void)
{
	struct flow_record record = rich();

	CU_ASSERT_EQUAL(number(&record, "metricValidity", CLIENT), 1024 + 128 + 64 + 32 + 16 + 8);
	CU_ASSERT_EQUAL(number(&record, "metricValidity", SERVER), 1024 + 64 + 32 + 16 + 8 + 1);
	record.circumstances = FLOW_SAMPLED;
	record.flow.tcp[CLIENT].track.handshake_us = TCP_RTT_NONE;
	record.flow.tcp[CLIENT].tally.gap_octets = 0;
	CU_ASSERT_EQUAL(number(&record, "metricValidity", CLIENT), 1024 + 256 + 64 + 16 + 8);
	record.circumstances = FLOW_FILE_CLOCK;
	record.flow.tcp[CLIENT].track.state = TCP_TRACKING;
	CU_ASSERT_EQUAL(number(&record, "metricValidity", CLIENT), 1024 + 512 + 8);
	CU_ASSERT_EQUAL(number(&record, "metricValidity", SERVER), 1024 + 512 + 64 + 32 + 8 + 1);
	record.flow.key.proto = 17;
	CU_ASSERT_EQUAL(number(&record, "metricValidity", CLIENT), 512 + 8);
}

struct state_row {
	enum field_tcp_state state;
	guint16 client;
	guint16 server;
	guint32 server_sent; /* data behind its SYN+ACK */
	guint16 client_fin;  /* of struct flow_side.state */
	guint16 server_fin;
	bool ended;
};

static void check_state(const struct state_row *row)
{
	struct flow_record record = sample_tcp();
	struct flow *flow = &record.flow;

	flow->tcp[CLIENT].track.state = row->client;
	flow->tcp[SERVER].track.state = row->server;
	flow->tcp[SERVER].track.isn = 0xffffffff;
	flow->tcp[SERVER].track.next = row->server_sent;
	flow->side[CLIENT].state = FLOW_INITIATOR | row->client_fin;
	flow->side[SERVER].state = row->server_fin;
	flow->side[FLOW_FROM_HIGH].whole = row->ended;
	if (number(&record, "tcpStateAtEnd", SERVER) != row->state)
		fprintf(stderr, "state %u is told as %u\n", row->state,
			(guint)number(&record, "tcpStateAtEnd", SERVER));
	CU_ASSERT_EQUAL(number(&record, "tcpStateAtEnd", CLIENT), row->state);
	CU_ASSERT_EQUAL(number(&record, "tcpStateAtEnd", SERVER), row->state);
}

static void test_states(void)
{
	const guint16 syn = TCP_TRACKING | TCP_SYN_SEEN;
	const guint16 answer = syn | TCP_SYN_ANSWERS | TCP_ACK_SEEN;
	const guint16 done = TCP_SHOOK | TCP_ACK_SEEN;
	const guint16 acked = FLOW_FIN_SEEN | FLOW_FIN_ACKED;
	const struct state_row rows[] = {
		{ FIELD_TCP_UNKNOWN, 0, 0, 0, 0, 0, false },
		{ FIELD_TCP_OPENING, syn, 0, 0, 0, 0, false },
		{ FIELD_TCP_OPENING, syn, syn, 0, 0, 0, false }, /* both at once */
		{ FIELD_TCP_ANSWERED, syn, answer | TCP_SHOOK, 0, 0, 0, false },
		{ FIELD_TCP_ANSWERED, 0, answer, 0, 0, 0, false },
		{ FIELD_TCP_ESTABLISHED, syn | done, answer | done, 0, 0, 0, false },
		{ FIELD_TCP_ESTABLISHED, syn | done, answer | done, 99, 0, 0, false },
		/* One direction alone. */
		{ FIELD_TCP_MIDSTREAM, 0, answer, 99, 0, 0, false },
		{ FIELD_TCP_MIDSTREAM, syn | TCP_ACK_SEEN, 0, 0, 0, 0, false },
		{ FIELD_TCP_MIDSTREAM, TCP_TRACKING, TCP_TRACKING, 0, 0, 0, false },
		{ FIELD_TCP_HALF_CLOSED, syn | done, answer | done, 0, FLOW_FIN_SEEN, 0, false },
		{ FIELD_TCP_HALF_CLOSED, TCP_TRACKING, 0, 0, 0, acked, false },
		{ FIELD_TCP_CLOSING, 0, 0, 0, acked, FLOW_FIN_SEEN, false },
		{ FIELD_TCP_CLOSED, syn | done, answer | done, 0, acked, acked, true },
		{ FIELD_TCP_RESET, syn | done, answer | done, 0, acked, FLOW_FIN_SEEN, true },
		{ FIELD_TCP_RESET, syn, 0, 0, 0, 0, true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		check_state(&rows[i]);
}

/* Ids on the wire are for ever. */
static void test_ids(void)
{
	static const char *const names[] = {
		"tcpHandshakeRtt",
		"tcpRttMinimum",
		"tcpRttMean",
		"tcpRttMaximum",
		"tcpRttDeviation",
		"tcpRttCount",
		"tcpResponseMinimum",
		"tcpResponseMean",
		"tcpResponseMaximum",
		"tcpResponseCount",
		"tcpRetransmittedPacketCount",
		"tcpRetransmittedOctetCount",
		"tcpSynRetransmissionCount",
		"tcpOutOfOrderCount",
		"tcpUnseenOctetCount",
		"tcpCaptureGapOctetCount",
		"tcpDuplicateAckCount",
		"tcpKeepAliveCount",
		"tcpZeroWindowCount",
		"tcpZeroWindowDuration",
		"tcpWindowMinimum",
		"tcpWindowMean",
		"tcpWindowMaximum",
		"tcpWindowCount",
		"tcpMaximumSegmentSize",
		"tcpWindowScaleOption",
		"tcpSackPermitted",
		"tcpTimestampsOption",
		"tcpCePacketCount",
		"tcpSynDeltaCount",
		"tcpFinDeltaCount",
		"tcpRstDeltaCount",
		"tcpStateAtEnd",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		CU_ASSERT_TRUE(must(names[i])->own);
		CU_ASSERT_EQUAL(must(names[i])->id, 29 + i);
		/* RFC 7012, 3.2.2: what begins anew in each record is no total. */
		CU_ASSERT_NOT_EQUAL(must(names[i])->semantics, FIELD_TOTAL_COUNTER);
	}
}

static CU_TestInfo tests[] = {
	{ "every element reads its own counter, of its own side", test_values },
	{ "means and deviations are exact", test_statistics },
	{ "what was not measured is 0 and known to be unknown", test_unknown },
	{ "without TCP quality all of it is 0 and unknown", test_not_metered },
	{ "validity bits say what was seen and how", test_validity },
	{ "the state at the end follows from both sides", test_states },
	{ "the ids of the TCP elements stay what they are", test_ids },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "fields_tcp", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
