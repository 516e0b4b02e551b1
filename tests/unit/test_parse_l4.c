/* SPDX-License-Identifier: BSD-2-Clause */
/* Transport headers: payload octets, identifiers, headers that are cut, the options of a SYN. */
#include "meter_home.h"
#include "unit.h"

#define L4_AT (14 + 20) /* of the transport header in an IPv4 frame */

static const struct made_ip two_hosts = { .from = 1, .to = 2 };

static void make_proto(struct made_frame *made, guint8 proto, guint32 payload)
{
	struct made_ip ip = { .from = 1, .to = 2, .proto = proto, .payload = payload };

	made_clear(made);
	made_ethernet(made, 0x0800);
	made_ipv4(made, &ip);
	made_ports(made, 1000, 2000);
	made_zeros(made, payload - 4);
}

static void test_payload_octets(void)
{
	static const struct {
		guint8 proto;
		guint header;
		bool ports;
	} rows[] = {
		{ 17, 8, true },  { 136, 8, true },  { 132, 12, true }, { 2, 0, false },
		{ 47, 0, false }, { 50, 0, false },  { 51, 0, false },	{ 89, 0, false },
		{ 0, 0, false },  { 255, 0, false }, { 58, 0, false }, /* ICMPv6 in IPv4 is not */
	};
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		make_proto(&made, rows[i].proto, 100);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.proto, rows[i].proto);
		CU_ASSERT_EQUAL(pkt.payload, 100 - rows[i].header);
		CU_ASSERT_EQUAL(pkt.key.low_port, rows[i].ports ? htons(1000) : 0);
		CU_ASSERT_EQUAL(pkt.state, 0);
	}
}

/* A payload is never less than nothing, where the header is longer than the packet. */
static void test_short_headers(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint octets = 4; octets <= 12; octets++) {
		make_proto(&made, 17, octets);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.payload, octets > 8 ? octets - 8 : 0);
		make_proto(&made, 132, octets);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.payload, 0);
	}
}

static void test_dccp(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint words = 0; words < 256; words++) {
		make_proto(&made, 33, 100);
		made.octets[L4_AT + 4] = (guint8)words;
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.payload, words <= 25 ? 100 - 4 * words : 0);
		CU_ASSERT_EQUAL(pkt.key.high_port, htons(2000));
	}
	make_proto(&made, 33, 4);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
	CU_ASSERT_EQUAL(pkt.key.high_port, htons(2000));
}

static void test_cut_ports(void)
{
	static const guint8 protos[] = { 6, 17, 33, 132, 136 };
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(protos); i++) {
		struct frame frame;

		make_proto(&made, protos[i], 60);
		frame = made_at(&made, 0);
		for (frame.captured = L4_AT; frame.captured < L4_AT + 4; frame.captured++) {
			CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
			CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
			CU_ASSERT_EQUAL(pkt.key.low_port | pkt.key.high_port, 0);
			CU_ASSERT_EQUAL(pkt.octets, 80);
		}
		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
	}
}

static const struct made_tcp some_tcp = {
	.source = 1000,
	.destination = 2000,
	.seq = 0x01020304,
	.ack = 0x05060708,
	.flags = 0xf18,
	.window = 0x1234,
};

static void test_cut_tcp(void)
{
	struct made_ip ip = { .from = 1, .to = 2, .payload = 7 };
	struct meter_home home = { 0 };
	struct made_frame made;
	struct frame frame;
	struct packet pkt;

	made_tcp4(&made, &ip, &some_tcp);
	frame = made_at(&made, 0);
	for (frame.captured = L4_AT + 4; frame.captured <= made.size; frame.captured++) {
		bool flags = frame.captured >= L4_AT + 14;

		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.state, flags ? 0 : FLOW_L4_CUT);
		CU_ASSERT_EQUAL(pkt.tcp_flags, flags ? 0xf18 : 0);
		CU_ASSERT_EQUAL(pkt.seq, flags ? 0x01020304 : 0);
		CU_ASSERT_EQUAL(pkt.ack, flags ? 0x05060708 : 0);
		CU_ASSERT_EQUAL(pkt.payload, flags ? 7 : 0);
		CU_ASSERT_EQUAL(pkt.window, frame.captured >= L4_AT + 16 ? 0x1234 : 0);
	}
}

static void test_tcp_header_length(void)
{
	struct made_ip ip = { .from = 1, .to = 2, .payload = 30 };
	struct made_frame made;
	struct packet pkt;

	for (guint words = 0; words < 16; words++) {
		bool fits = words >= 5 && words * 4 <= 50;

		made_tcp4(&made, &ip, &some_tcp);
		made_patch16(&made, L4_AT + 12, (guint16)(words << 12 | 0x10));
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.state, fits ? 0 : FLOW_L4_CUT);
		CU_ASSERT_EQUAL(pkt.payload, fits ? 50 - words * 4 : 0);
		CU_ASSERT_EQUAL(pkt.tcp_flags, 0x10);
	}
}

/* --- ICMP --- */

static void make_icmp(struct made_frame *made, guint8 version, guint8 type, guint32 octets)
{
	struct made_ip ip = {
		.from = 1, .to = 2, .proto = version == 4 ? 1 : 58, .payload = octets
	};

	made_clear(made);
	made_ethernet(made, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		made_ipv4(made, &ip);
	else
		made_ipv6(made, &ip);
	made_be16(made, (guint16)(type << 8 | 3));
	made_be16(made, 0);
	made_be32(made, 0xbeef0001);
	made_zeros(made, 10);
}

static bool has_identifier(guint8 version, guint type)
{
	static const guint8 of_4[] = { 0, 8, 13, 14, 15, 16, 17, 18 };

	if (version == 6)
		return type == 128 || type == 129;
	return memchr(of_4, (int)type, sizeof(of_4)) != NULL;
}

static void test_icmp(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint type = 0; type < 256; type++) {
		for (guint8 version = 4; version <= 6; version += 2) {
			guint16 port = has_identifier(version, type) ? htons(0xbeef) : 0;

			make_icmp(&made, version, (guint8)type, 18);
			CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
			CU_ASSERT_EQUAL(pkt.icmp, type << 8 | 3);
			CU_ASSERT_EQUAL(pkt.key.low_port, port);
			CU_ASSERT_EQUAL(pkt.key.high_port, port);
			CU_ASSERT_EQUAL(pkt.payload, 10);
			CU_ASSERT_EQUAL(pkt.state, 0);
		}
	}
}

static void test_cut_icmp(void)
{
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;
	struct frame frame;

	make_icmp(&made, 4, 8, 18);
	frame = made_at(&made, 0);
	for (guint octets = 0; octets < 18; octets++) {
		frame.captured = L4_AT + octets;
		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.state, octets < 6 ? FLOW_L4_CUT : 0);
		CU_ASSERT_EQUAL(pkt.icmp, octets < 2 ? 0 : 8 << 8 | 3);
		CU_ASSERT_EQUAL(pkt.key.low_port, octets < 6 ? 0 : htons(0xbeef));
	}
	make_icmp(&made, 4, 3, 18); /* without an identifier two octets will do */
	frame = made_at(&made, 0);
	frame.captured = L4_AT + 2;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, 0);
	CU_ASSERT_EQUAL(pkt.icmp, 3 << 8 | 3);
}

/* --- the options of a SYN --- */

static void parse_options(const guint8 *options, guint8 octets, struct packet *pkt)
{
	struct made_tcp tcp = { .flags = WIRE_TCP_SYN,
				.options = options,
				.option_octets = octets };
	struct made_frame made;

	made_tcp4(&made, &two_hosts, &tcp);
	CU_ASSERT_EQUAL(home_parse_made(&made, pkt), METER_OK);
}

static void test_options(void)
{
	static const guint8 usual[20] = { 2, 4, 5,    0xb4, 4, 2, 8, 10, 1, 2,
					  3, 4, 0xf0, 6,    7, 8, 1, 3,	 3, 7 };
	struct packet pkt;

	parse_options(usual, sizeof(usual), &pkt);
	CU_ASSERT_EQUAL(pkt.options, PACKET_MSS | PACKET_SACK_OK | PACKET_CLOCK | PACKET_SCALE);
	CU_ASSERT_EQUAL(pkt.mss, 1460);
	CU_ASSERT_EQUAL(pkt.clock, 0x01020304);
	CU_ASSERT_EQUAL(pkt.clock_echo, 0xf0060708);
	CU_ASSERT_EQUAL(pkt.scale, 7);
}

static void test_scale_limit(void)
{
	struct packet pkt;

	for (guint scale = 0; scale < 256; scale++) {
		parse_options((const guint8[]){ 3, 3, (guint8)scale, 0 }, 4, &pkt);
		CU_ASSERT_EQUAL(pkt.scale, MIN(scale, 14));
	}
}

static void test_many_options(void)
{
	guint8 options[40];
	struct packet pkt;

	memset(options, 1, sizeof(options));
	parse_options(options, 40, &pkt);
	CU_ASSERT_EQUAL(pkt.options, 0);
	memcpy(options + 37, "\3\3\2", 3);
	parse_options(options, 40, &pkt);
	CU_ASSERT_EQUAL(pkt.options, PACKET_SCALE);
	CU_ASSERT_EQUAL(pkt.scale, 2);
}

static void test_option_list_end(void)
{
	struct packet pkt;

	parse_options((const guint8[]){ 0, 3, 3, 7 }, 4, &pkt);
	CU_ASSERT_EQUAL(pkt.options, 0);
	parse_options((const guint8[]){ 99, 0, 4, 2 }, 4, &pkt);
	CU_ASSERT_EQUAL(pkt.options, 0);
	parse_options((const guint8[]){ 99, 1, 4, 2 }, 4, &pkt);
	CU_ASSERT_EQUAL(pkt.options, 0);
	parse_options((const guint8[]){ 99, 2, 4, 2 }, 4, &pkt);
	CU_ASSERT_EQUAL(pkt.options, PACKET_SACK_OK);
	parse_options((const guint8[]){ 99, 255, 4, 2 }, 4, &pkt);
	CU_ASSERT_EQUAL(pkt.options, 0);
}

/* Cut by the capture anywhere, only what is there is read; the copy is of exactly that size. */
static void test_cut_options(void)
{
	static const guint8 options[16] = { 2, 4, 5, 0xb4, 3, 3, 7, 8, 10, 1, 2, 3, 4, 5, 6, 7 };
	struct made_tcp tcp = { .flags = WIRE_TCP_SYN, .options = options, .option_octets = 16 };
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	made_tcp4(&made, &two_hosts, &tcp);
	for (int octets = -6; octets < 16; octets++) { /* from the flags on */
		struct frame frame = made_at(&made, 0);
		unsigned int expected =
			(octets >= 4 ? PACKET_MSS : 0u) | (octets >= 7 ? PACKET_SCALE : 0u);

		frame.captured = (guint32)(L4_AT + 20 + octets);
		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.options, expected);
	}
}

static void test_options_of_syn_only(void)
{
	static const guint8 options[4] = { 2, 4, 5, 0xb4 };
	struct made_tcp tcp = { .flags = WIRE_TCP_ACK, .options = options, .option_octets = 4 };
	struct made_frame made;
	struct packet pkt;

	made_tcp4(&made, &two_hosts, &tcp);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.options, 0);
}

/* An option of a wrong length, or one that reaches beyond the header, says nothing. */
static void test_wrong_options(void)
{
	static const struct {
		guint8 octets[12];
		guint8 header; /* octets of it that are options; the rest is payload */
	} rows[] = {
		{ { 2, 3, 5, 0xb4 }, 4 },
		{ { 2, 2, 5, 0xb4 }, 4 },
		{ { 3, 2, 7, 1 }, 4 },
		{ { 3, 4, 7, 1 }, 4 },
		{ { 4, 3, 1, 1 }, 4 },
		{ { 8, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 12 },
		{ { 1, 1, 2, 4, 5, 0xb4, 1, 1 }, 4 },
		{ { 1, 1, 3, 3, 7, 1, 1, 1 }, 4 },
		{ { 1, 1, 1, 4, 2, 1, 1, 1 }, 4 },
		{ { 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1 }, 8 },
	};
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct made_tcp tcp = { .flags = WIRE_TCP_SYN,
					.options = rows[i].octets,
					.option_octets = 12 };

		made_tcp4(&made, &two_hosts, &tcp);
		made_patch16(&made, L4_AT + 12,
			     (guint16)((20 + rows[i].header) / 4 << 12 | WIRE_TCP_SYN));
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.options, 0);
	}
}

static CU_TestInfo tests[] = {
	{ "each protocol has the payload octets above its header", test_payload_octets },
	{ "a payload is never below nothing", test_short_headers },
	{ "DCCP says where its data begin", test_dccp },
	{ "ports that are cut are none, and the flow says so", test_cut_ports },
	{ "a TCP header that is cut gives what it can", test_cut_tcp },
	{ "a TCP header length that cannot be is a cut header", test_tcp_header_length },
	{ "ICMP messages with an identifier are keyed by it, others by none", test_icmp },
	{ "an ICMP header that is cut gives what it can", test_cut_icmp },
	{ "the options of a SYN are read", test_options },
	{ "a window scale is 14 at most", test_scale_limit },
	{ "forty options are read, the last of them too", test_many_options },
	{ "the list ends at its end, or at a length that cannot be", test_option_list_end },
	{ "options that are cut are not read", test_cut_options },
	{ "only a SYN has options to read", test_options_of_syn_only },
	{ "an option of a wrong length or beyond the header says nothing", test_wrong_options },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "parse_l4", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
