/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "flow_maker.h"
#include "setup/live_frame.h"
#include "unit.h"

static struct live_flow flows[LIVE_FLOWS];

static struct live_flow ipv4_flow(guint16 port)
{
	return (struct live_flow){
		.address = { { [10] = 0xff, 0xff, 192, 168, 100, 101 },
			     { [10] = 0xff, 0xff, 203, 0, 113, 250 } },
		.packets = { 12, 30 },
		.octets = { 900, 44000 },
		.first_ns = 45296 * FLOW_SECOND_NS, /* 12:34:56 */
		.last_ns = 45297 * FLOW_SECOND_NS,
		.port = { port, 443 },
		.proto = 6,
		.version = 4,
		.end = FLOW_END_DETECTED,
	};
}

static struct live_flow ipv6_flow(void)
{
	struct live_flow flow = ipv4_flow(65535);

	memset(flow.address, 0x88, sizeof(flow.address));
	flow.port[1] = 65534;
	flow.version = 6;
	return flow;
}

static const struct account account = {
	.seen = { 100, 20000 },
	.metered = { 99, 18000, 19900 },
	.set_aside = { [METER_NOT_IP] = { 1, 100, 100 } },
	.exported = { 2, 3, 90, 17000 },
	.in_cache = { 0, 0, 9, 1000 },
};

static struct live_frame frame_of(guint64 count)
{
	return (struct live_frame){ .title = "eth1",
				    .hint = "Ctrl-C ends the run",
				    .run_us = (gint64)3723 * G_USEC_PER_SEC,
				    .packets_s = 12345,
				    .bits_s = 9.87e7,
				    .account = &account,
				    .flows = flows,
				    .flows_count = count };
}

/* The row's text: what stands between its place and the next control sequence. */
static char *row_of(const GString *frame, guint row)
{
	g_autofree char *place = g_strdup_printf("\033[%u;1H", row);
	const char *at = strstr(frame->str, place);

	if (!at)
		return NULL;
	at += strlen(place);
	if (g_str_has_prefix(at, "\033[1m"))
		at += 4;
	return g_strndup(at, strcspn(at, "\033"));
}

static void check_row(const GString *frame, guint row, const char *expected)
{
	g_autofree char *text = row_of(frame, row);

	CU_ASSERT_STRING_EQUAL(text ? text : "(none)", expected);
}

static void test_narrow(void)
{
	const struct live_frame frame = frame_of(2);
	GString *drawn;

	flows[0] = ipv4_flow(1);
	flows[1] = ipv4_flow(65535);
	drawn = live_frame_draw(&frame, 24, 80);
	check_row(drawn, 1, "weir run eth1  1:02:03  12.3k packets/s  98.7M bits/s");
	check_row(drawn, 2, "Ctrl-C ends the run");
	check_row(drawn, 4, "seen                     100            20000");
	check_row(drawn, 8, "exported                  90                             17000");
	check_row(drawn, 9, "  2 flows in 3 records");
	check_row(drawn, 13,
		  "UTC      PROTO SOURCE > DESTINATION                            PKTS OCTS END");
	check_row(drawn, 14,
		  "12:34:56 TCP   192.168.100.101:65535 > 203.0.113.250:443         42  44k end");
	check_row(drawn, 15,
		  "12:34:56 TCP   192.168.100.101:1 > 203.0.113.250:443             42  44k end");
	CU_ASSERT_TRUE(g_str_has_suffix(drawn->str, "\033[16;1H\033[J"));
	g_string_free(drawn, TRUE);
}

static void test_wide(void)
{
	const struct live_frame frame = frame_of(1);
	GString *drawn;

	flows[0] = ipv4_flow(65535);
	drawn = live_frame_draw(&frame, 40, 120);
	check_row(drawn, 8,
		  "exported                  90                             17000  2 flows in 3 "
		  "records");
	check_row(drawn, 13,
		  "12:34:56 1.000s TCP   192.168.100.101:65535 > 203.0.113.250:443"
		  "                                12   30  900  44k end");
	g_string_free(drawn, TRUE);
}

static void test_long_ends(void)
{
	const struct live_frame frame = frame_of(1);
	GString *drawn;

	flows[0] = ipv6_flow();
	drawn = live_frame_draw(&frame, 24, 80);
	check_row(drawn, 14,
		  "12:34:56 TCP   [8888:8888:8888:8888:8888:8888:8888:8888]:65535   42  44k end");
	check_row(drawn, 15, "             > [8888:8888:8888:8888:8888:8888:8888:8888]:65534");
	g_string_free(drawn, TRUE);
	drawn = live_frame_draw(&frame, 24, 160);
	check_row(drawn, 13,
		  "12:34:56 1.000s TCP   [8888:8888:8888:8888:8888:8888:8888:8888]:65535 > "
		  "[8888:8888:8888:8888:8888:8888:8888:8888]:65534"
		  "                12   30  900  44k end");
	g_string_free(drawn, TRUE);
}

static void test_newest_first(void)
{
	const struct live_frame frame = frame_of(LIVE_FLOWS + 3);
	GString *drawn;

	for (guint i = 0; i < LIVE_FLOWS; i++)
		flows[i] = ipv4_flow((guint16)(i + 1));
	drawn = live_frame_draw(&frame, 24, 80);
	check_row(drawn, 14,
		  "12:34:56 TCP   192.168.100.101:3 > 203.0.113.250:443             42  44k end");
	check_row(drawn, 17,
		  "12:34:56 TCP   192.168.100.101:256 > 203.0.113.250:443           42  44k end");
	CU_ASSERT_PTR_NULL(strstr(drawn->str, "\033[25;"));
	g_string_free(drawn, TRUE);
}

static void test_hostile_text(void)
{
	struct live_frame frame = frame_of(0);
	GString *drawn;

	frame.title = "a\033[2Jb\n\303\244\177";
	frame.said = "weir: \033c";
	drawn = live_frame_draw(&frame, 24, 80);
	check_row(drawn, 1, "weir run a?[2Jb????  1:02:03  12.3k packets/s  98.7M bits/s");
	check_row(drawn, 24, "weir: ?c");
	g_string_free(drawn, TRUE);
}

static void check_size(guint rows, guint columns)
{
	struct live_frame frame = frame_of(LIVE_FLOWS);
	GString *drawn;

	frame.said = columns % 2 ? "said" : NULL;
	drawn = live_frame_draw(&frame, rows, columns);
	for (guint row = 1; row <= rows; row++) {
		g_autofree char *text = row_of(drawn, row);

		CU_ASSERT_TRUE(!text || strlen(text) <= columns);
	}
	CU_ASSERT_PTR_NULL(row_of(drawn, rows + 1));
	g_string_free(drawn, TRUE);
}

static void test_every_size(void)
{
	for (guint i = 0; i < LIVE_FLOWS; i++)
		flows[i] = i % 3 ? ipv4_flow(80) : ipv6_flow();
	for (guint rows = 1; rows <= 40; rows++)
		for (guint columns = 1; columns <= 130; columns++)
			check_size(rows, columns);
}

static void test_low_window(void)
{
	const struct live_frame frame = frame_of(0);
	GString *drawn = live_frame_draw(&frame, 10, 120);

	check_row(drawn, 5, "(6 more lines of the account in a higher window)");
	g_string_free(drawn, TRUE);
}

static void check_flow_of(guint64 number)
{
	struct flow_record record;
	const struct flow *flow = &record.flow;
	enum flow_side_index first;
	struct live_flow line;
	bool icmp;

	flow_maker_make(&record, number);
	first = flow_initiator(flow);
	icmp = flow->key.proto == 1 || flow->key.proto == 58;
	line = live_flow_of(&record);
	CU_ASSERT_EQUAL(line.packets[0], flow->side[first].packets);
	CU_ASSERT_EQUAL(line.octets[1], flow->side[!first].octets);
	CU_ASSERT_EQUAL(memcmp(line.address[first], flow->key.low, 16), 0);
	CU_ASSERT_EQUAL(memcmp(line.address[!first], flow->key.high, 16), 0);
	CU_ASSERT_EQUAL(line.port[first], icmp ? 0 : GUINT16_FROM_BE(flow->key.low_port));
	CU_ASSERT_EQUAL(line.first_ns, flow_first_ns(flow));
}

static void test_flow_of(void)
{
	for (guint64 number = 0; number < 100; number++)
		check_flow_of(number);
}

static CU_TestInfo tests[] = {
	{ "80 columns show both ends of IPv4 whole, amounts of both directions together",
	  test_narrow },
	{ "120 columns tell the directions apart", test_wide },
	{ "ends that do not fit into a line take two", test_long_ends },
	{ "the flows that left last come first, as many as fit", test_newest_first },
	{ "text from outside cannot steer the terminal", test_hostile_text },
	{ "no size of the window is written beyond", test_every_size },
	{ "a low window says what it leaves out", test_low_window },
	{ "a line's flow begins with its initiator", test_flow_of },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "live_frame", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
