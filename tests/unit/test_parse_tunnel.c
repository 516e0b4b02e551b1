/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets in packets: each kind of tunnel, cut at every octet, nested, refused, mirrored. */
#include "capture/tunnels.h"
#include "meter_home.h"
#include "unit.h"

#define INNER_IP4  0x0800
#define INNER_IP6  0x86dd
#define INNER_ETH  0x6558
#define HEADER_MAX 40
#define CARRIER	   9 /* hosts 9 and 10 carry what 1 sends to 2 */

struct kind {
	const char *name;
	enum tunnel_kind kind;
	guint16 port;  /* UDP; else 0 */
	guint8 proto;  /* IP's, where there is no port */
	guint16 inner; /* EtherType of what follows */
	guint32 key;   /* identifier in the key */
	guint32 id;    /* as the packet says it */
	guint32 size;
	guint8 header[HEADER_MAX];
};

/* clang-format off */
static const struct kind kinds[] = {
	{ "GRE", TUNNEL_GRE, 0, 47, INNER_IP4, 0, 0, 4, { 0, 0, 8, 0 } },
	{ "GRE, IPv6", TUNNEL_GRE, 0, 47, INNER_IP6, 0, 0, 4, { 0, 0, 0x86, 0xdd } },
	{ "GRE, checksum, key, sequence", TUNNEL_GRE, 0, 47, INNER_IP4, 0x01020304, 0x01020304, 16,
	  { 0xb0, 0, 8, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 9 } },
	{ "GRE, Ethernet", TUNNEL_GRE, 0, 47, INNER_ETH, 0, 0, 4, { 0, 0, 0x65, 0x58 } },
	{ "NVGRE", TUNNEL_NVGRE, 0, 47, INNER_ETH, 0x010203, 0x010203, 8,
	  { 0x20, 0, 0x65, 0x58, 1, 2, 3, 4 } },
	{ "PPTP", TUNNEL_PPTP, 0, 47, INNER_IP4, 0, 7, 16,
	  { 0x30, 1, 0x88, 0x0b, 0, 9, 0, 7, 0, 0, 0, 1, 0xff, 3, 0, 0x21 } },
	{ "PPTP, acknowledgement, protocol in one octet", TUNNEL_PPTP, 0, 47, INNER_IP4, 0, 7, 17,
	  { 0x30, 0x81, 0x88, 0x0b, 0, 9, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0x21 } },
	{ "EoIP", TUNNEL_EOIP, 0, 47, INNER_ETH, 0x0102, 0x0102, 8, { 0x20, 1, 0x64, 0, 0, 9, 2, 1 } },
	{ "IPv4 in IP", TUNNEL_IPIP, 0, 4, INNER_IP4, 0, 0, 0, { 0 } },
	{ "IPv6 in IP", TUNNEL_IPIP, 0, 41, INNER_IP6, 0, 0, 0, { 0 } },
	{ "EtherIP", TUNNEL_ETHERIP, 0, 97, INNER_ETH, 0, 0, 2, { 0x30, 0 } },
	{ "L2TPv3 over IP", TUNNEL_L2TP3, 0, 115, INNER_ETH, 0, 5, 4, { 0, 0, 0, 5 } },
	{ "L2TPv3 over IP, cookie and sublayer", TUNNEL_L2TP3, 0, 115, INNER_ETH, 0, 5, 16,
	  { 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8 } },
	{ "MPLS over IP", TUNNEL_MPLS, 0, 137, INNER_IP4, 0, 5, 4, { 0, 0, 0x51, 64 } },
	{ "VXLAN", TUNNEL_VXLAN, 4789, 0, INNER_ETH, 0x010203, 0x010203, 8, { 8, 0, 0, 0, 1, 2, 3, 0 } },
	{ "VXLAN, Linux' port", TUNNEL_VXLAN, 8472, 0, INNER_ETH, 5, 5, 8, { 8, 0, 0, 0, 0, 0, 5, 0 } },
	{ "VXLAN-GPE, IPv4", TUNNEL_VXLAN_GPE, 4790, 0, INNER_IP4, 5, 5, 8,
	  { 0x0c, 0, 0, 1, 0, 0, 5, 0 } },
	{ "VXLAN-GPE, NSH", TUNNEL_VXLAN_GPE, 4790, 0, INNER_IP6, 5, 5, 16,
	  { 0x0c, 0, 0, 4, 0, 0, 5, 0, 0, 2, 2, 2, 0, 0, 1, 0xff } },
	{ "Geneve, options", TUNNEL_GENEVE, 6081, 0, INNER_ETH, 5, 5, 16,
	  { 2, 0, 0x65, 0x58, 0, 0, 5, 0, 1, 1, 1, 1, 0, 0, 0, 0 } },
	{ "GTP-U", TUNNEL_GTPU, 2152, 0, INNER_IP4, 0, 5, 8, { 0x30, 0xff, 0, 0, 0, 0, 0, 5 } },
	{ "GTP-U, two extensions", TUNNEL_GTPU, 2152, 0, INNER_IP6, 0, 5, 20,
	  { 0x34, 0xff, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0x85, 1, 0, 0, 0x40, 1, 0, 0, 0 } },
	{ "Teredo", TUNNEL_TEREDO, 3544, 0, INNER_IP6, 0, 0, 0, { 0 } },
	{ "Teredo, authentication and origin", TUNNEL_TEREDO, 3544, 0, INNER_IP6, 0, 0, 21, { 0, 1 } },
	{ "L2TP", TUNNEL_L2TP, 1701, 0, INNER_IP4, 0, 0x00010002, 10,
	  { 0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21 } },
	{ "L2TP, length, sequence, offset", TUNNEL_L2TP, 1701, 0, INNER_IP4, 0, 0x00010002, 18,
	  { 0x4a, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x21 } },
	{ "L2TPv3 over UDP", TUNNEL_L2TP3, 1701, 0, INNER_ETH, 0, 5, 8, { 0, 3, 0, 0, 0, 0, 0, 5 } },
	{ "MPLS over UDP", TUNNEL_MPLS, 6635, 0, INNER_IP6, 0, 6, 8, { 0, 0, 0x50, 64, 0, 0, 0x61, 64 } },
	{ "TZSP, tags", TUNNEL_TZSP, 37008, 0, INNER_ETH, 0, 0, 9, { 1, 0, 0, 1, 0, 10, 1, 9, 1 } },
	{ "MPLS, Ethernet behind a control word", TUNNEL_MPLS, 0, 137, INNER_ETH, 0, 5, 8,
	  { 0, 0, 0x51, 64, 0, 0, 0, 9 } },
	{ "MPLS, Ethernet alone", TUNNEL_MPLS, 0, 137, INNER_ETH, 0, 5, 4, { 0, 0, 0x51, 64 } },
};
/* clang-format on */

static const struct made_ip inner_ip = { .from = 1, .to = 2, .proto = 17, .payload = 8 };

static void add_inner(struct made_frame *made, guint16 inner)
{
	if (inner == INNER_ETH)
		made_ethernet(made, INNER_IP4);
	if (inner == INNER_IP6)
		made_ipv6(made, &inner_ip);
	else
		made_ipv4(made, &inner_ip);
	made_ports(made, 1000, 2000);
	made_zeros(made, 4);
}

/* From the carrier's IP header to behind the tunnel's. */
static void add_carrier(struct made_frame *made, const struct kind *kind, guint32 octets, bool ipv6)
{
	struct made_ip ip = { .from = CARRIER,
			      .to = CARRIER + 1,
			      .proto = kind->port ? 17 : kind->proto,
			      .payload = octets + kind->size + (kind->port ? 8 : 0) };

	if (ipv6)
		made_ipv6(made, &ip);
	else
		made_ipv4(made, &ip);
	if (kind->port) {
		made_ports(made, 50000, kind->port);
		made_zeros(made, 4);
	}
	made_octets(made, kind->header, kind->size);
}

static guint32 inner_octets(guint16 inner)
{
	return (inner == INNER_ETH ? 14 : 0) + (inner == INNER_IP6 ? 40 : 20) + 8;
}

static void make(struct made_frame *made, const struct kind *kind, bool ipv6)
{
	made_clear(made);
	made_ethernet(made, ipv6 ? 0x86dd : 0x0800);
	add_carrier(made, kind, inner_octets(kind->inner), ipv6);
	add_inner(made, kind->inner);
}

static int parse(const struct made_frame *made, guint32 captured,
		 const struct tunnel_options *options, struct packet *pkt)
{
	struct meter_home home = { 0 };
	struct frame frame = made_at(made, 0);

	CU_ASSERT_TRUE(tunnels_parse(options, &home.tunnels, NULL));
	frame.captured = captured;
	return home_parse(&home, &frame, pkt);
}

static const struct tunnel_options inner_view = { TUNNEL_VIEW_INNER, NULL, NULL };

static guint8 last_octet(const struct flow_outer *outer)
{
	return ((const guint8 *)outer->source)[15];
}

static void test_kinds(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
		const struct kind *kind = &kinds[i / 2];

		make(&made, kind, i % 2);
		CU_ASSERT_EQUAL(parse(&made, made.size, &inner_view, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.tunnel, kind->kind);
		CU_ASSERT_EQUAL(pkt.key.tunnel_id, kind->key);
		CU_ASSERT_EQUAL(pkt.outer.id, kind->id);
		CU_ASSERT_EQUAL(pkt.outer.version, i % 2 ? 6 : 4);
		CU_ASSERT_EQUAL(pkt.outer.proto, kind->port ? 17 : kind->proto);
		CU_ASSERT_EQUAL(pkt.outer.destination_port, htons(kind->port));
		CU_ASSERT_EQUAL(pkt.outer.depth, 1);
		CU_ASSERT_EQUAL(last_octet(&pkt.outer), CARRIER);
		CU_ASSERT_EQUAL(pkt.key.version, kind->inner == INNER_IP6 ? 6 : 4);
		CU_ASSERT_EQUAL(pkt.octets, kind->inner == INNER_IP6 ? 48 : 28);
		CU_ASSERT_EQUAL(pkt.key.proto, 17);
		CU_ASSERT_EQUAL(pkt.frame_octets, made.size);
		CU_ASSERT_EQUAL(pkt.key.low_port, htons(1000));
		CU_ASSERT_EQUAL(pkt.key.high_port, htons(2000));
	}
}

/* However much of it is captured, the packet is metered: as its carrier until the inner IP header
 * is whole. */
static void test_cut(void)
{
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		const struct kind *kind = &kinds[i];
		guint32 whole;

		make(&made, kind, false);
		whole = made.size - 8;
		for (guint32 captured = 14 + 20; captured <= made.size; captured++) {
			CU_ASSERT_EQUAL(parse(&made, captured, &inner_view, &pkt), METER_OK);
			CU_ASSERT_EQUAL(pkt.key.tunnel, captured < whole ? 0 : kind->kind);
			if (captured < whole)
				CU_ASSERT_EQUAL(pkt.octets, made.size - 14);
		}
	}
}

static void test_outer(void)
{
	const struct tunnel_options outer = { TUNNEL_VIEW_OUTER, NULL, NULL };
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		make(&made, &kinds[i], false);
		CU_ASSERT_EQUAL(parse(&made, made.size, &outer, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.tunnel, TUNNEL_NONE);
		CU_ASSERT_EQUAL(pkt.octets, made.size - 14);
		CU_ASSERT_EQUAL(pkt.key.proto, kinds[i].port ? 17 : kinds[i].proto);
	}
}

/* The same packet in another carrier is another flow, in the same one both ways the same flow. */
static void test_both(void)
{
	const struct tunnel_options both = { TUNNEL_VIEW_BOTH, NULL, NULL };
	struct made_frame made;
	struct packet one;
	struct packet other;

	make(&made, &kinds[0], false);
	parse(&made, made.size, &both, &one);
	made_patch16(&made, 14 + 14, 0x0207); /* another carrier */
	parse(&made, made.size, &both, &other);
	CU_ASSERT_NOT_EQUAL(one.key.tunnel_id, other.key.tunnel_id);
	CU_ASSERT_EQUAL(one.outer.id, other.outer.id);
	make(&made, &kinds[0], false);
	made_patch16(&made, 14 + 14, 0x0200 | (CARRIER + 1));
	made_patch16(&made, 14 + 18, 0x0200 | CARRIER);
	parse(&made, made.size, &both, &other);
	CU_ASSERT_EQUAL(one.key.tunnel_id, other.key.tunnel_id);
}

static void test_nested(void)
{
	static const struct kind *const gre = &kinds[0];
	struct made_frame made;
	struct packet pkt;

	for (guint depth = 1; depth <= 6; depth++) {
		made_clear(&made);
		made_ethernet(&made, 0x0800);
		for (guint i = depth; i > 0; i--)
			add_carrier(&made, gre, (i - 1) * 24 + 28, false);
		add_inner(&made, INNER_IP4);
		CU_ASSERT_EQUAL(parse(&made, made.size, &inner_view, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.outer.depth, MIN(depth, TUNNELS_MAX));
		CU_ASSERT_EQUAL(pkt.key.proto, depth <= TUNNELS_MAX ? 17 : 47);
		CU_ASSERT_EQUAL(pkt.octets, 28 + (depth > TUNNELS_MAX ? depth - 4 : 0) * 24);
	}
}

static const struct kind erspans[] = {
	{ "I", TUNNEL_NONE, 0, 47, INNER_ETH, 0, 0, 4, { 0, 0, 0x88, 0xbe } },
	{ "II",
	  TUNNEL_NONE,
	  0,
	  47,
	  INNER_ETH,
	  0,
	  0,
	  16,
	  { 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 5 } },
	{ "III",
	  TUNNEL_NONE,
	  0,
	  47,
	  INNER_ETH,
	  0,
	  0,
	  20,
	  { 0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20 } },
};

/* A mirror leaves no trace, whatever the view; the frame's own tag counts. */
static void test_mirrors(void)
{
	const struct tunnel_options views[] = {
		{ TUNNEL_VIEW_INNER, NULL, NULL },
		{ TUNNEL_VIEW_OUTER, "erspan", NULL },
		{ TUNNEL_VIEW_BOTH, "vxlan,gre", NULL },
	};
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(erspans) * G_N_ELEMENTS(views); i++) {
		const struct kind *kind = &erspans[i / G_N_ELEMENTS(views)];

		made_clear(&made);
		made_ethernet(&made, 0x8100);
		made_tag(&made, 7, 0x0800);
		add_carrier(&made, kind, 14 + 4 + 28, false);
		made_ethernet(&made, 0x8100);
		made_tag(&made, 5, 0x0800);
		add_inner(&made, INNER_IP4);
		CU_ASSERT_EQUAL(parse(&made, made.size, &views[i % G_N_ELEMENTS(views)], &pkt),
				METER_OK);
		CU_ASSERT_EQUAL(pkt.key.tunnel, TUNNEL_NONE);
		CU_ASSERT_EQUAL(pkt.key.tunnel_id, 0);
		CU_ASSERT_EQUAL(pkt.key.vlan, 5);
		CU_ASSERT_EQUAL(pkt.octets, 28);
		CU_ASSERT_EQUAL(pkt.depth, 0);
	}
	make(&made, &kinds[14], false);
	CU_ASSERT_STRING_EQUAL(kinds[14].name, "VXLAN");
	CU_ASSERT_EQUAL(parse(&made, made.size, &views[2], &pkt), METER_OK);
	CU_ASSERT_EQUAL(pkt.key.tunnel, TUNNEL_NONE);
}

/* What is carried is no IP, or the header is another's: the carrier counts. */
static void test_refused(void)
{
	/* Octet of the header to change, and what makes it nothing to follow. */
	static const struct {
		const char *name;
		guint at;
		guint8 value;
	} rows[] = {
		{ "GRE", 2, 0x10 },
		{ "GRE", 0, 0x40 },
		{ "GRE", 1, 0x05 },
		{ "PPTP", 0, 0x20 },
		{ "PPTP", 15, 0x2b },
		{ "EtherIP", 0, 0x10 },
		{ "VXLAN", 0, 0 },
		{ "GTP-U", 1, 1 },
		{ "GTP-U", 0, 0x20 },
		{ "L2TP", 0, 0xc8 },
		{ "L2TP", 1, 7 },
		{ "VXLAN-GPE, IPv4", 3, 9 },
		{ "Geneve, options", 0, 0x42 },
		{ "Geneve, options", 2, 0x10 },
		{ "TZSP, tags", 0, 2 },
		{ "TZSP, tags", 3, 18 },
		{ "TZSP, tags", 6, 200 },
		{ "L2TPv3 over IP", 3, 0 },
		{ "GTP-U, two extensions", 12, 0 },
		{ "VXLAN-GPE, NSH", 8, 0x40 },
		{ "VXLAN-GPE, NSH", 11, 0 },
	};
	struct made_frame made;
	struct packet pkt;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct kind *found = NULL;

		for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
			if (g_str_equal(kinds[k].name, rows[i].name))
				found = &kinds[k];
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(found);
		make(&made, found, false);
		made.octets[14 + 20 + (found->port ? 8 : 0) + rows[i].at] = rows[i].value;
		CU_ASSERT_EQUAL(parse(&made, made.size, &inner_view, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.tunnel, TUNNEL_NONE);
		CU_ASSERT_EQUAL(pkt.octets, made.size - 14);
		CU_ASSERT_EQUAL(pkt.key.proto, found->port ? 17 : found->proto);
	}
}

/* A later fragment finds its ports in its own tunnel, not in another with the same addresses. */
static void test_fragments(void)
{
	static const struct tunnel_options view = { TUNNEL_VIEW_INNER, NULL, NULL };
	const struct kind *vxlan = &kinds[14];
	const guint32 vni = 14 + 20 + 8 + 4; /* first two octets of the network */
	const guint32 ip = 14 + 20 + 8 + 8 + 14;
	struct meter_home home = { 0 };
	struct made_frame made;
	struct frame frame;
	struct packet pkt;

	CU_ASSERT_TRUE(tunnels_parse(&view, &home.tunnels, NULL));
	for (guint turn = 0; turn < 3; turn++) {
		make(&made, vxlan, false);
		made_patch16(&made, ip + 4, 77);
		made_patch16(&made, ip + 6, turn ? 3 : 0x2000);
		made_patch16(&made, vni, turn == 1 ? 0x0909 : 0x0102);
		frame = made_at(&made, 0);
		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.tunnel, TUNNEL_VXLAN);
		CU_ASSERT_TRUE(pkt.state & FLOW_FRAGMENTED);
		CU_ASSERT_EQUAL(pkt.state & FLOW_ORPHANS, turn == 1 ? FLOW_ORPHANS : 0);
		CU_ASSERT_EQUAL(pkt.key.version, turn == 1 ? 4 | FLOW_KEY_HELD : 4);
		CU_ASSERT_EQUAL(pkt.key.high_port, turn == 1 ? 0 : htons(2000));
	}
}

/* Of a carrier in fragments the first is entered; the later ones count as the carrier, and may be
 * held for it. */
static void test_fragmented_carrier(void)
{
	static const struct tunnel_options view = { TUNNEL_VIEW_INNER, NULL, NULL };
	struct meter_home home = { 0 };
	struct made_frame made;
	struct frame frame;
	struct packet pkt;

	CU_ASSERT_TRUE(tunnels_parse(&view, &home.tunnels, NULL));
	for (guint turn = 0; turn < 2; turn++) {
		make(&made, &kinds[14], false);
		made_patch16(&made, 14 + 6, turn ? 3 : 0x2000);
		frame = made_at(&made, 0);
		CU_ASSERT_EQUAL(home_parse(&home, &frame, &pkt), METER_OK);
		CU_ASSERT_EQUAL(pkt.key.tunnel, turn ? TUNNEL_NONE : TUNNEL_VXLAN);
		CU_ASSERT_EQUAL(pkt.key.high_port, htons(turn ? 4789 : 2000));
		CU_ASSERT_EQUAL(pkt.pieces, turn ? 0 : PIECE_CARRIER);
		if (turn == 0) {
			CU_ASSERT_EQUAL(home.carriers[1].key.high_port, htons(4789));
			CU_ASSERT_EQUAL(home.carriers[1].pieces, PIECE_FIRST);
		}
	}
}

static CU_TestInfo tests[] = {
	{ "each kind of tunnel is entered, over IPv4 and IPv6", test_kinds },
	{ "a packet cut inside counts as its carrier", test_cut },
	{ "the outer view enters none", test_outer },
	{ "with both, who carries a packet is key, the same both ways", test_both },
	{ "tunnels in tunnels are followed four deep", test_nested },
	{ "a mirror's encapsulation is removed without a trace", test_mirrors },
	{ "what cannot be followed counts as its carrier", test_refused },
	{ "fragments find their ports in their own tunnel", test_fragments },
	{ "of a carrier in fragments only the first is entered", test_fragmented_carrier },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "parse_tunnel", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
