/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 extension headers, and fragments of both versions. */
#include "meter_home.h"
#include "unit.h"

#define TCP_PORTS_OCTETS 20

static void begin6(struct made_frame *made, guint8 next, guint32 payload)
{
	struct made_ip ip = { .from = 1, .to = 2, .proto = next, .payload = payload };

	made_clear(made);
	made_ethernet(made, 0x86dd);
	made_ipv6(made, &ip);
}

static const guint8 kinds[] = { 0, 60, 43 };

/* A chain of hop-by-hop, destination and routing headers of growing length, then UDP. */
static guint32 make_chain(struct made_frame *made, guint headers)
{
	guint32 octets = 0;

	for (guint i = 0; i < headers; i++)
		octets += 8 + 8 * i;
	begin6(made, headers ? kinds[0] : 17, octets + 18);
	for (guint i = 0; i < headers; i++)
		made_extension(made, i + 1 == headers ? 17 : kinds[(i + 1) % 3], (guint8)i);
	made_ports(made, 1000, 2000);
	made_zeros(made, 14);
	return octets;
}

static void test_chains(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint headers = 0; headers <= 7; headers++) {
		guint32 octets = make_chain(&made, headers);

		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.proto, 17);
		CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
		CU_ASSERT_EQUAL(pkt.payload, 10);
		CU_ASSERT_EQUAL(pkt.octets, 40 + octets + 18);
		CU_ASSERT_EQUAL(pkt.state, 0);
	}
}

static void test_deep_chains(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint headers = 8; headers <= 12; headers++) {
		make_chain(&made, headers);
		CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_TOO_DEEP);
	}
}

/* A chain cut by the capture keys the packet by the header that was cut. */
static void test_cut_chain(void)
{
	struct made_frame made;
	struct meter_home home = { 0 };
	struct packet pkt;
	struct frame frame;

	make_chain(&made, 2); /* 8 octets of hop-by-hop, 16 of destination options */
	frame = made_at(&made, 0);
	for (frame.captured = 54; frame.captured < 62; frame.captured++) {
		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.proto, 0);
		CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
		CU_ASSERT_EQUAL(pkt.octets, 40 + 24 + 18);
	}
	frame.captured = 69;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.proto, 60);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
	/* The start of the second header says how long it is: the rest need not be there. */
	frame.captured = 70;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.proto, 17);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
	CU_ASSERT_EQUAL(pkt.key.low_port, 0);
}

/* An extension header longer than its packet. */
static void test_long_extension(void)
{
	struct made_frame made;
	struct packet pkt;

	begin6(&made, 60, 15);
	made_extension(&made, 17, 1);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.proto, 60);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
	CU_ASSERT_EQUAL(pkt.octets, 55);
	begin6(&made, 60, 7);
	made_extension(&made, 17, 0);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.proto, 60);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
}

static void test_ipv6_fields(void)
{
	struct made_ip ip = { .from = 1, .to = 2, .proto = 59, .ttl = 3, .tos = 0xb9 };
	struct made_frame made;
	struct packet pkt;

	made_clear(&made);
	made_ethernet(&made, 0x86dd);
	made_ipv6(&made, &ip);
	made_zeros(&made, 6); /* padding: "no next header" has no length to guess */
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 40);
	CU_ASSERT_EQUAL(pkt.payload, 0);
	CU_ASSERT_EQUAL(pkt.ttl, 3);
	CU_ASSERT_EQUAL(pkt.tos, 0xb9);
	CU_ASSERT_EQUAL(pkt.key.version, 6);
	CU_ASSERT_EQUAL(pkt.key.proto, 59);
	CU_ASSERT_EQUAL(memcmp(pkt.key.low, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16), 0);
	CU_ASSERT_EQUAL(memcmp(pkt.key.high, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16), 0);
}

static void make_jumbo(struct made_frame *made, guint8 option, guint8 length, guint32 octets)
{
	begin6(made, 0, 0);
	made_octets(made, (const guint8[]){ 17, 0, option, length }, 4);
	made_be32(made, octets);
	made_ports(made, 1000, 2000);
	made_zeros(made, 4);
}

static void test_jumbo(void)
{
	struct made_frame made;
	struct packet pkt;

	make_jumbo(&made, 0xc2, 4, 100000);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 100040);
	CU_ASSERT_EQUAL(pkt.payload, 100000 - 8 - 8);
	/* Without the option the wire's length counts. */
	make_jumbo(&made, 0x05, 4, 100000);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 40 + 16);
	make_jumbo(&made, 0xc2, 2, 100000);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 40 + 16);
}

/* 32 bits hold the whole packet's octets, the header's 40 among them. */
static void test_highest_jumbo(void)
{
	struct made_frame made;
	struct packet pkt;

	make_jumbo(&made, 0xc2, 4, G_MAXUINT32 - 40);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, G_MAXUINT32);
	make_jumbo(&made, 0xc2, 4, G_MAXUINT32 - 39);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 40 + 16);
}

static void test_cut_jumbo(void)
{
	struct made_frame made;
	struct meter_home home = { 0 };
	struct packet pkt;
	struct frame frame;

	make_jumbo(&made, 0xc2, 4, 100000);
	frame = made_at(&made, 0);
	frame.captured = 14 + 40 + 7;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 40 + 16);
	CU_ASSERT_EQUAL(pkt.state, FLOW_L4_CUT);
}

static void test_length_zero(void)
{
	struct made_frame made;
	struct meter_home home = { 0 };
	struct packet pkt;
	struct frame frame;

	begin6(&made, 17, 0);
	made_ports(&made, 1000, 2000);
	made_zeros(&made, 4);
	frame = made_at(&made, 0);
	frame.length = 80000;
	CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.octets, 80000 - 14);
	CU_ASSERT_EQUAL(pkt.payload, 80000 - 14 - 48);
}

/* --- fragments --- */

#define MORE  0x2000
#define LATER 185 /* offset in 8 octets */

static const struct made_ip fragment_ip = { .from = 1, .to = 2, .proto = 17, .payload = 24 };

static void make_fragment4(struct made_frame *made, guint16 fragment, guint16 id, guint8 proto)
{
	struct made_ip ip = fragment_ip;

	ip.fragment = fragment;
	ip.id = id;
	ip.proto = proto;
	made_clear(made);
	made_ethernet(made, 0x0800);
	made_ipv4(made, &ip);
	made_ports(made, 1000, 2000);
	made_zeros(made, 20);
}

static int parse_at(struct meter_home *home, const struct made_frame *made, guint64 now_ns,
		    struct packet *pkt)
{
	struct frame frame = made_at(made, now_ns);

	return home_parse(home, &frame, pkt);
}

static void test_fragments(void)
{
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	make_fragment4(&made, MORE, 77, 17);
	CU_ASSERT_EQUAL(parse_at(&home, &made, 0, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED);
	CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
	CU_ASSERT_EQUAL(pkt.payload, 16);
	make_fragment4(&made, LATER, 77, 17);
	made_patch16(&made, 34, 7); /* what lies there are no ports */
	CU_ASSERT_EQUAL(parse_at(&home, &made, 30 * FLOW_SECOND_NS, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED);
	CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
	CU_ASSERT_EQUAL(pkt.key.high_port, htons(2000));
	CU_ASSERT_EQUAL(pkt.payload, 24);
	CU_ASSERT_EQUAL(pkt.octets, 44);
}

static void expect_orphan(struct meter_home *home, const struct made_frame *made, guint64 now_ns)
{
	struct flow flow = { 0 };
	struct packet pkt;

	CU_ASSERT_EQUAL(parse_at(home, made, now_ns, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED | FLOW_ORPHANS);
	flow.key = pkt.key;
	CU_ASSERT_TRUE(flow_is_held(&flow));
	flow_release(&flow);
	CU_ASSERT_FALSE(flow_is_held(&flow));
	CU_ASSERT_TRUE(flow.key.version == 4 || flow.key.version == 6);
	CU_ASSERT_EQUAL(flow.key.low_port, 0);
	CU_ASSERT_EQUAL(flow.key.high_port, 0);
}

static void test_orphans(void)
{
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	make_fragment4(&made, LATER, 77, 17);
	expect_orphan(&home, &made, 0);
	make_fragment4(&made, MORE, 77, 17);
	CU_ASSERT_EQUAL(parse_at(&home, &made, 0, &pkt), METER_OK);
	make_fragment4(&made, LATER, 78, 17);
	expect_orphan(&home, &made, 0);
	make_fragment4(&made, LATER, 77, 136); /* in IPv4 the protocol is part of the identity */
	expect_orphan(&home, &made, 0);
	make_fragment4(&made, LATER, 77, 17);
	expect_orphan(&home, &made, 30 * FLOW_SECOND_NS + 1);
}

static void test_reused_id(void)
{
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	make_fragment4(&made, MORE, 77, 17);
	parse_at(&home, &made, 0, &pkt);
	made_patch16(&made, 34, 3000);
	parse_at(&home, &made, 20 * FLOW_SECOND_NS, &pkt);
	make_fragment4(&made, LATER | MORE, 77, 17);
	CU_ASSERT_EQUAL(parse_at(&home, &made, 50 * FLOW_SECOND_NS, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED);
	CU_ASSERT_EQUAL(pkt.key.low_port, htons(3000));
	CU_ASSERT_EQUAL(home.fragments, 1);
}

static void make_fragment6(struct made_frame *made, guint8 next, guint16 offset)
{
	begin6(made, 44, 8 + TCP_PORTS_OCTETS);
	made_fragment(made, next, offset, 0xabcdef01);
	made_ports(made, 1000, 2000);
	made_zeros(made, TCP_PORTS_OCTETS - 4);
}

static void test_fragments6(void)
{
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	make_fragment6(&made, 17, 1);
	CU_ASSERT_EQUAL(parse_at(&home, &made, 0, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED);
	CU_ASSERT_EQUAL(pkt.payload, TCP_PORTS_OCTETS - 8);
	/* RFC 8200 4.5: only the first fragment's next header counts. */
	make_fragment6(&made, 60, 8);
	CU_ASSERT_EQUAL(parse_at(&home, &made, 1, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED);
	CU_ASSERT_EQUAL(pkt.key.proto, 17);
	CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
	CU_ASSERT_EQUAL(pkt.payload, TCP_PORTS_OCTETS);
	made.octets[61] ^= 1; /* the last octet of the identification */
	expect_orphan(&home, &made, 2);
}

static void test_atomic_fragment(void)
{
	struct made_frame made;
	struct packet pkt;

	make_fragment6(&made, 17, 0);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.fragment, PACKET_WHOLE);
	CU_ASSERT_EQUAL(pkt.state, 0);
	CU_ASSERT_EQUAL(pkt.key.proto, 17);
	CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
	CU_ASSERT_EQUAL(pkt.octets, 40 + 8 + TCP_PORTS_OCTETS);
}

/* A first fragment whose chain of extension headers is cut has no ports to leave. */
static void test_cut_first_fragment(void)
{
	struct meter_home home = { 0 };
	struct made_frame made;
	struct packet pkt;

	begin6(&made, 44, 12);
	made_fragment(&made, 60, 1, 5);
	made_zeros(&made, 4);
	CU_ASSERT_EQUAL(parse_at(&home, &made, 0, &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.state, FLOW_FRAGMENTED | FLOW_L4_CUT);
	CU_ASSERT_EQUAL(pkt.key.proto, 60);
	CU_ASSERT_EQUAL(pkt.key.low_port, 0);
}

static CU_TestInfo tests[] = {
	{ "up to seven IPv6 extension headers are followed", test_chains },
	{ "more are too deep", test_deep_chains },
	{ "a chain that is cut keys the packet by where it was cut", test_cut_chain },
	{ "an extension header longer than its packet is cut", test_long_extension },
	{ "IPv6 fields are read", test_ipv6_fields },
	{ "a jumbo payload option says the length", test_jumbo },
	{ "a jumbo payload length beyond the counter is none", test_highest_jumbo },
	{ "a jumbo payload option that is cut says nothing", test_cut_jumbo },
	{ "an IPv6 length of 0 is what the wire says", test_length_zero },
	{ "later fragments get the first one's ports for 30 s", test_fragments },
	{ "fragments without a first one have no ports and say so", test_orphans },
	{ "a first fragment takes over an identifier that is used again", test_reused_id },
	{ "IPv6 fragments are known whatever their next header says", test_fragments6 },
	{ "an atomic fragment is a whole packet", test_atomic_fragment },
	{ "a first fragment that is cut has no ports to leave", test_cut_first_fragment },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "parse_ip", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
