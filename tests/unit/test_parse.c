/* SPDX-License-Identifier: BSD-2-Clause */
/* Link headers and the verdicts at the exact octet; IPv4. Every frame is parsed from a copy of
 * exactly what was captured of it. */
#include "meter_home.h"
#include "unit.h"

static const struct made_ip some_ip = { .from = 1, .to = 2, .proto = 17, .payload = 8 };

static int parse_cut(const struct made_frame *made, guint16 link, guint32 captured)
{
	struct meter_home home = { 0 };
	struct frame frame = made_at(made, 0);
	struct packet pkt;

	frame.link = link;
	frame.captured = captured;
	return home_parse(&home, &frame, &pkt);
}

/* From 0 captured octets up to the end of the IP header. */
static void expect_cut(const struct made_frame *made, guint16 link, guint32 headers)
{
	for (guint32 captured = 0; captured < headers; captured++)
		CU_ASSERT_EQUAL(parse_cut(made, link, captured), METER_TRUNCATED);
	for (guint32 captured = headers; captured <= made->size; captured++)
		CU_ASSERT_EQUAL(parse_cut(made, link, captured), METER_OK);
}

static void test_cut_ethernet(void)
{
	struct made_frame made;

	made_udp4(&made, &some_ip, 1000, 2000);
	expect_cut(&made, METER_LINK_ETHERNET, 14 + 20);
	made_clear(&made);
	made_ethernet(&made, 0x86dd);
	made_ipv6(&made, &some_ip);
	made_zeros(&made, 8);
	expect_cut(&made, METER_LINK_ETHERNET, 14 + 40);
}

static void test_cut_tags_and_options(void)
{
	struct made_ip ip = some_ip;
	struct made_frame made;

	ip.options = 40;
	made_clear(&made);
	made_ethernet(&made, 0x8100);
	made_tag(&made, 5, 0x88a8);
	made_tag(&made, 6, 0x0800);
	made_ipv4(&made, &ip);
	made_zeros(&made, 8);
	expect_cut(&made, METER_LINK_ETHERNET, 14 + 8 + 60);
}

static void test_cut_bare(void)
{
	struct made_frame made = { 0 };

	made_ipv4(&made, &some_ip);
	made_zeros(&made, 8);
	expect_cut(&made, METER_LINK_IP, 20);
	made_clear(&made);
	made_ipv6(&made, &some_ip);
	made_zeros(&made, 8);
	expect_cut(&made, METER_LINK_IP, 40);
}

static void test_link_type(void)
{
	struct made_frame made;

	made_udp4(&made, &some_ip, 1, 2);
	CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_OTHER, made.size), METER_LINK_TYPE);
	CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_OTHER, 0), METER_LINK_TYPE);
}

static void test_not_ip(void)
{
	static const guint16 types[] = { 0x0806, 0x0000, 0x05dc, 0x0801, 0x86dc, 0x8863, 0xffff };
	struct made_frame made;

	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		made_clear(&made);
		made_ethernet(&made, types[i]);
		CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, made.size), METER_NOT_IP);
		CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, 13), METER_TRUNCATED);
	}
}

static void test_bad_version(void)
{
	struct made_frame made;

	for (guint version = 0; version < 16; version++) {
		made_clear(&made);
		made_ethernet(&made, 0x0800);
		made_ipv4(&made, &some_ip);
		made.octets[14] = (guint8)(version << 4 | 5);
		CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, made.size),
				version == 4 ? METER_OK : METER_BAD_IP_HEADER);
		made_clear(&made);
		made_ethernet(&made, 0x86dd);
		made_ipv6(&made, &some_ip);
		made.octets[14] = (guint8)(version << 4);
		CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, made.size),
				version == 6 ? METER_OK : METER_BAD_IP_HEADER);
	}
}

static void test_bad_version_bare(void)
{
	for (guint version = 0; version < 16; version++) {
		struct made_frame made = { .size = 1, .octets = { (guint8)(version << 4) } };
		bool is_ip = version == 4 || version == 6;

		CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_IP, 1),
				is_ip ? METER_TRUNCATED : METER_BAD_IP_HEADER);
	}
}

static void test_bad_header_length(void)
{
	struct made_frame made;

	made_udp4(&made, &some_ip, 1, 2);
	made_zeros(&made, 60);
	made_patch16(&made, 16, 1000);
	for (guint words = 0; words < 16; words++) {
		made.octets[14] = (guint8)(0x40 | words);
		CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, made.size),
				words < 5 ? METER_BAD_IP_HEADER : METER_OK);
	}
}

static void test_total_below_header(void)
{
	struct made_ip ip = some_ip;
	struct made_frame made;
	struct packet pkt;

	ip.options = 4;
	made_udp4(&made, &ip, 1, 2);
	made_patch16(&made, 16, 23);
	CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, made.size), METER_BAD_IP_HEADER);
	made_patch16(&made, 16, 24);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 24);
	CU_ASSERT_EQUAL(pkt.payload, 0);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
}

/* A stack of tags of the three kinds in turn, the outermost with this identifier. */
static void make_stack(struct made_frame *made, guint tags, guint16 outermost)
{
	static const guint16 kinds[] = { 0x8100, 0x88a8, 0x9100 };

	made_clear(made);
	made_ethernet(made, tags ? kinds[0] : 0x0800);
	for (guint i = 0; i < tags; i++)
		made_tag(made, i == 0 ? outermost : (guint16)(100 + i),
			 i + 1 == tags ? 0x0800 : kinds[(i + 1) % G_N_ELEMENTS(kinds)]);
	made_ipv4(made, &some_ip);
	made_ports(made, 1000, 2000);
	made_zeros(made, 4);
}

static void test_tag_stack(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint tags = 0; tags <= 8; tags++) {
		make_stack(&made, tags, 0xe00 | 7);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.vlan, tags ? 0xe07 : 0);
		CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
		expect_cut(&made, METER_LINK_ETHERNET, 14 + 4 * tags + 20);
	}
}

static void test_too_many_tags(void)
{
	struct made_frame made;

	make_stack(&made, 9, 7);
	CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, made.size), METER_TOO_DEEP);
	/* Known from the eighth tag's type; the ninth need not be there. */
	CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, 14 + 32), METER_TOO_DEEP);
	CU_ASSERT_EQUAL(parse_cut(&made, METER_LINK_ETHERNET, 14 + 31), METER_TRUNCATED);
}

static void test_first_tag_kinds(void)
{
	static const guint16 kinds[] = { 0x8100, 0x88a8, 0x9100 };
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		make_stack(&made, 1, 0xf000 | 4094);
		made_patch16(&made, 12, kinds[i]);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.vlan, 4094);
	}
	make_stack(&made, 1, 4094);
	made_patch16(&made, 12, 0x9200);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_NOT_IP);
}

static void test_priority_tag(void)
{
	struct made_frame made;
	struct packet pkt;

	make_stack(&made, 1, 0xe000);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.vlan, 0);
	/* The outermost tag is the key's, even where it names no VLAN. */
	make_stack(&made, 2, 0xe000);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.vlan, 0);
}

static void test_ipv4_fields(void)
{
	struct made_ip ip = { .from = 1, .to = 2, .ttl = 7, .tos = 0xb8, .payload = 30 };
	struct made_frame made;
	struct packet pkt;

	for (guint options = 0; options <= 40; options += 4) {
		ip.options = (guint8)options;
		made_udp4(&made, &ip, 1000, 2000);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.octets, 20 + options + 38);
		CU_ASSERT_EQUAL(pkt.payload, 30);
		CU_ASSERT_EQUAL(pkt.frame_octets, 14 + 20 + options + 38);
	}
	CU_ASSERT_EQUAL(pkt.ttl, 7);
	CU_ASSERT_EQUAL(pkt.tos, 0xb8);
	CU_ASSERT_EQUAL(pkt.key.version, 4);
	CU_ASSERT_EQUAL(pkt.key.proto, 17);
	CU_ASSERT_EQUAL(memcmp(&pkt.key.low[1], "\0\0\xff\xff\xc0\0\2\1", 8), 0);
	CU_ASSERT_EQUAL(memcmp(&pkt.key.high[1], "\0\0\xff\xff\xc0\0\2\2", 8), 0);
	CU_ASSERT_EQUAL(pkt.key.low[0] | pkt.key.high[0], 0);
	CU_ASSERT_EQUAL(memcmp(pkt.macs, "\2\0\0\0\0\1\2\0\0\0\0\2", 12), 0);
	CU_ASSERT_EQUAL(pkt.iface, 1);
}

static void test_total_zero(void)
{
	struct made_ip ip = some_ip;
	struct made_frame made;
	struct packet pkt;
	struct meter_home home = { 0 };
	struct frame frame;

	ip.payload = 52;
	made_udp4(&made, &ip, 1, 2);
	made_patch16(&made, 16, 0);
	frame = made_at(&made, 0);
	frame.length = 70000; /* longer than a length field can say, and than was captured */
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 70000 - 14);
	CU_ASSERT_EQUAL(pkt.payload, 70000 - 14 - 28);
	frame.length = 14 + 19; /* a wire length that cannot be */
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_BAD_IP_HEADER);
	frame.length = 13;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_BAD_IP_HEADER);
}

/* Padding to the least Ethernet frame holds what looks like ports, and is not read. */
static void test_padding(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint inside = 0; inside <= 8; inside++) {
		made_udp4(&made, &some_ip, 1000, 2000);
		made_zeros(&made, 18);
		made_patch16(&made, 16, (guint16)(20 + inside));
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.octets, 20 + inside);
		CU_ASSERT_EQUAL(pkt.key.low_port, inside < 4 ? 0 : htons(1000));
		CU_ASSERT_EQUAL(pkt.state, inside < 4 ? FLOW_L4_CUT : 0);
		CU_ASSERT_EQUAL(pkt.payload, 0);
	}
}

static void test_snap_length(void)
{
	struct made_ip ip = some_ip;
	struct made_frame made;
	struct packet pkt;
	struct meter_home home = { 0 };
	struct frame frame;

	ip.payload = 1400;
	made_udp4(&made, &ip, 1000, 2000);
	frame = made_at(&made, 0);
	frame.captured = 14 + 20 + 4;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 1428);
	CU_ASSERT_EQUAL(pkt.payload, 1400);
	CU_ASSERT_EQUAL(pkt.key.high_port, htons(2000));
	CU_ASSERT_EQUAL(pkt.frame_octets, 14 + 1428);
}

static CU_TestInfo tests[] = {
	{ "Ethernet and IP headers cut anywhere are truncated, whole ones are not",
	  test_cut_ethernet },
	{ "so are tags and IPv4 options", test_cut_tags_and_options },
	{ "so are packets without a link header", test_cut_bare },
	{ "a link type the meter does not read is a verdict of its own", test_link_type },
	{ "other EtherTypes are not IP", test_not_ip },
	{ "an IP version other than EtherType says is a bad header", test_bad_version },
	{ "a version nibble that is neither 4 nor 6 is a bad header", test_bad_version_bare },
	{ "an IPv4 header length below 20 is a bad header", test_bad_header_length },
	{ "a total length below the header is a bad header", test_total_below_header },
	{ "up to eight tags are followed and the outermost is the VLAN", test_tag_stack },
	{ "nine tags are too deep", test_too_many_tags },
	{ "802.1Q, 802.1ad and 0x9100 are tags", test_first_tag_kinds },
	{ "a priority tag is no VLAN", test_priority_tag },
	{ "IPv4 fields are read behind any options", test_ipv4_fields },
	{ "a total length of 0 is what the wire says", test_total_zero },
	{ "padding behind a short packet is not read", test_padding },
	{ "octets come from the IP header, however little was captured", test_snap_length },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "parse", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
