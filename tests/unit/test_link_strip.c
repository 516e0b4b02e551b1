/* SPDX-License-Identifier: BSD-2-Clause */
/* Link headers of files, each before the same IP packet: the meter finds it, with its octets. */
#include <stdio.h>
#include <string.h>

#include "capture/link_strip.h"
#include "capture/native_meter.h"
#include "capture/sieve.h"
#include "unit.h"

#define HEADER_MOST 256
#define SECOND	    1500000000000000000ULL

static const guint8 packet4[] = {
	0x45, 0, 0, 33, 0, 1, 0, 0, 64, 17, 0, 0,   10,	 0,   0,   1,	10,
	0,    0, 2, 0,	7, 0, 9, 0, 13, 0,  0, 'h', 'e', 'l', 'l', 'o',
};

/* Without payload: 40 octets of header and 8 of UDP. */
static const guint8 packet6[48] = {
	0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 1, [23] = 1, 0x20, 1, [39] = 2, 0, 7, 0, 9, 0, 8,
};

struct kind {
	const char *name;
	guint16 linktype;
	const char *header;
	size_t size;
	bool six; /* an IPv6 packet follows */
};

#define KIND(name, linktype, header)                              \
	{                                                         \
		name, linktype, header, sizeof(header) - 1, false \
	}
#define KIND6(name, linktype, header)                            \
	{                                                        \
		name, linktype, header, sizeof(header) - 1, true \
	}
#define Z2	"\0\0"
#define Z4	Z2 Z2
#define Z8	Z4 Z4
#define Z16	Z8 Z8
#define Z32	Z16 Z16
#define IP_SNAP "\xaa\xaa\x03\0\0\0\x08\0"
#define MACS	"\2\0\0\0\0\1\2\0\0\0\0\2"

/* clang-format off */
static const struct kind kinds[] = {
	KIND("null, little-endian", 0, "\2\0\0\0"),
	KIND("null, big-endian", 0, "\0\0\0\2"),
	KIND6("null, FreeBSD's IPv6", 0, "\x1c\0\0\0"),
	KIND6("null, Darwin's, big-endian", 0, "\0\0\0\x1e"),
	KIND6("null, NetBSD's", 0, "\x18\0\0\0"),
	KIND("loopback", 108, "\0\0\0\2"),
	KIND("loopback, little-endian", 108, "\2\0\0\0"),
	KIND("enc", 109, "\0\0\0\2" Z8),
	KIND("pflog, its header not a multiple of 4", 117, "\x3d\2" Z32 Z16 Z8 Z4 Z2),
	KIND("cooked", 113, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0"),
	KIND6("cooked, IPv6", 113, "\0\4\3\4\0\6\2\0\0\0\0\1\0\0\x86\xdd"),
	KIND("cooked, a tag", 113, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x81\0\0\5\x08\0"),
	KIND("cooked, IEEE 802.2", 113, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\0\4" IP_SNAP),
	KIND("cooked 2", 276, "\x08\0\0\0\0\0\0\3\0\1\0\6\2\0\0\0\0\1\0\0"),
	KIND6("cooked 2, IPv6", 276, "\x86\xdd\0\0\0\0\0\3\0\1\0\6\2\0\0\0\0\1\0\0"),
	KIND("PPP", 9, "\xff\3\0\x21"),
	KIND("PPP without address and control", 9, "\0\x21"),
	KIND("PPP, protocol of one octet", 9, "\x21"),
	KIND6("PPP, IPv6", 9, "\xff\3\0\x57"),
	KIND("PPP in HDLC", 50, "\xff\3\0\x21"),
	KIND("Cisco HDLC where PPP is expected", 50, "\x0f\0\x08\0"),
	KIND("PPPoE", 51, "\x11\0\0\1\0\x23\0\x21"),
	KIND("pppd", 166, "\1\3\0\x21"),
	KIND("PPP with direction", 204, "\1\xff\3\0\x21"),
	KIND("Cisco HDLC", 104, "\x0f\0\x08\0"),
	KIND6("Cisco HDLC, IPv6", 104, "\x8f\0\x86\xdd"),
	KIND("Cisco HDLC with direction", 205, "\0\x0f\0\x08\0"),
	KIND("frame relay", 107, "\x18\x41\x03\xcc"),
	KIND6("frame relay, padded", 107, "\x18\x41\x03\0\x8e"),
	KIND("frame relay, SNAP", 107, "\x18\x41\x03\0\x80\0\0\0\x08\0"),
	KIND("frame relay, as Cisco has it", 107, "\x18\x41\x08\0"),
	KIND("frame relay, a long address", 107, "\x18\x40\x40\x41\x03\xcc"),
	KIND("frame relay with direction", 206, "\1\x18\x41\x03\xcc"),
	KIND("ATM", 100, IP_SNAP),
	KIND("token ring", 6, "\x10\x40" MACS IP_SNAP),
	KIND("token ring, routed", 6, "\x10\x40\2\0\0\0\0\1\x82\0\0\0\0\2\x06\0\0\1\0\2" IP_SNAP),
	KIND("FDDI", 10, "\x50" MACS IP_SNAP),
	KIND("fibre channel", 122, Z16 IP_SNAP),
	KIND("FireWire", 138, Z16 "\x08\0"),
	KIND("802.11, from station to station", 105, "\x08\0\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("802.11, to the wired network", 105, "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("802.11, from it", 105, "\x08\2\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("802.11, four addresses", 105, "\x08\3\0\0" MACS "\3\0\0\0\0\3\0\0\4\0\0\0\0\4" IP_SNAP),
	KIND("802.11, quality of service", 105, "\x88\1\0\0" MACS "\3\0\0\0\0\3\0\0\0\0" IP_SNAP),
	KIND("802.11, with more control", 105, "\x88\x81\0\0" MACS "\3\0\0\0\0\3\0\0\0\0\0\0\0\0" IP_SNAP),
	KIND("802.11, an aggregate of one", 105,
	     "\x88\1\0\0" MACS "\3\0\0\0\0\3\0\0\x80\0" MACS "\0\x29" IP_SNAP),
	KIND("radiotap", 127, "\0\0\x08\0\0\0\0\0" "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("radiotap, clock and padding", 127, "\0\0\x12\0\3\0\0\0" Z8 "\x20\0"
	     "\x88\1\0\0" MACS "\3\0\0\0\0\3\0\0\0\0\0\0" IP_SNAP),
	KIND("radiotap, more that is there", 127, "\0\0\x10\0\2\0\0\x80\0\0\0\0\0\0\0\0"
	     "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("prism", 119, "\x44\0\0\0\x90\0\0\0" Z32 Z32 Z32 Z32 Z8
	     "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("AVS as prism", 119, "\x80\x21\x10\1\0\0\0\x40" Z32 Z16 Z8
	     "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("AVS", 163, "\x80\x21\x10\1\0\0\0\x40" Z32 Z16 Z8
	     "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("PPI", 192, "\0\0\x08\0\x69\0\0\0" "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP),
	KIND("PPI before Ethernet", 192, "\0\0\x0c\0\1\0\0\0\0\0\0\0" MACS "\x08\0"),
	KIND("NFLOG", 239, "\2\0\0\1\x08\0\1\0\0\0\0\0\5\0\x0a\0p\0\0\0\x25\0\x09\0"),
	KIND("NFLOG, big-endian", 239, "\2\0\0\1\0\x08\0\1\0\0\0\0\0\5\0\x0ap\0\0\0\0\x25\0\x09"),
	KIND6("NFLOG, IPv6", 239, "\x0a\0\0\1\x34\0\x09\0"),
	KIND("PKTAP before Ethernet", 258, "\x10\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0" MACS "\x08\0"),
	KIND("PKTAP before raw IP", 258, "\x10\0\0\0\1\0\0\0\x0c\0\0\0\0\0\0\0"),
	KIND("PKTAP as Darwin numbers it", 149, "\x10\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0"),
	KIND("ERF, Ethernet", 197, Z8 "\2\0\0\0\0\0\0\0" Z2 MACS "\x08\0"),
	KIND("ERF, one more header, HDLC", 197, Z8 "\x81\0\0\0\0\0\0\0" Z8 "\x0f\0\x08\0"),
	KIND("ERF, IP", 197, Z8 "\x16\0\0\0\0\0\0\0"),
	KIND("IPNET", 226, "\1\2" Z16 Z4 Z2),
	KIND("NetAnalyzer", 240, Z4 MACS "\x08\0"),
	KIND("NetAnalyzer, transparent", 241, Z4 "\x55\x55\x55\x55\x55\x55\x55\xd5" MACS "\x08\0"),
	KIND("mpacket", 274, "\x55\x55\x55\x55\x55\x55\x55\xd5" MACS "\x08\0"),
	KIND("Broadcom's tag", 281, MACS Z4 "\x08\0"),
	KIND("Broadcom's tag in front", 282, Z4 MACS "\x08\0"),
	KIND("Marvell's tag", 283, MACS Z4 "\x08\0"),
	KIND("Marvell's long tag", 284, MACS "\xda\xda" Z4 Z2 "\x08\0"),
};

/* Frames without a packet, and why. */
static const struct {
	struct kind kind;
	enum meter_verdict verdict;
} others[] = {
	{ KIND("null, another family", 0, "\7\0\0\0"), METER_NOT_IP },
	{ KIND("PPP, link control", 9, "\xff\3\xc0\x21"), METER_NOT_IP },
	{ KIND("PPPoE, discovery", 51, "\x11\x09\0\0\0\4\0\x21"), METER_NOT_IP },
	{ KIND("802.11, encrypted", 105, "\x08\x41\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP), METER_NOT_IP },
	{ KIND("802.11, a beacon", 105, "\x80\0\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP), METER_NOT_IP },
	{ KIND("802.11, no data", 105, "\x48\1\0\0" MACS "\3\0\0\0\0\3\0\0" IP_SNAP), METER_NOT_IP },
	{ KIND("802.11, a later fragment", 105, "\x08\1\0\0" MACS "\3\0\0\0\0\3\1\0" IP_SNAP), METER_NOT_IP },
	{ KIND("802.11, spanning tree", 105, "\x08\1\0\0" MACS "\3\0\0\0\0\3\0\0\x42\x42\3"), METER_NOT_IP },
	{ KIND("802.11, an aggregate of several", 105,
	       "\x88\1\0\0" MACS "\3\0\0\0\0\3\0\0\x80\0" MACS "\0\x08" IP_SNAP), METER_AGGREGATE },
	{ KIND("cooked, netlink", 113, "\0\0\3\x38\0\0" Z8 "\x08\0"), METER_NOT_IP },
	{ KIND("cooked, ARP", 113, "\0\0\0\1\0\6" Z8 "\x08\6"), METER_NOT_IP },
	{ KIND("NFLOG of a bridge", 239, "\7\0\0\1\x25\0\x09\0"), METER_NOT_IP },
	{ KIND("USB", 189, Z32), METER_LINK_TYPE },
	{ KIND("PPI before USB", 192, "\0\0\x08\0\xbd\0\0\0" Z32), METER_LINK_TYPE },
	{ KIND("PPI in PPI in PPI in PPI in PPI", 192,
	       "\0\0\x08\0\xc0\0\0\0" "\0\0\x08\0\xc0\0\0\0" "\0\0\x08\0\xc0\0\0\0"
	       "\0\0\x08\0\xc0\0\0\0" "\0\0\x08\0\x0c\0\0\0"), METER_LINK_TYPE },
};
/* clang-format on */

static guint told;

static void on_unread(void *data, guint16 linktype)
{
	told++;
	*(guint16 *)data = linktype;
}

struct outcome {
	enum meter_verdict verdict;
	struct meter_counts counts; /* of the meter and the sieve together */
	struct flow flow;
	guint flows;
};

static void on_flows(void *data, struct flow_batch *batch)
{
	struct outcome *outcome = data;

	for (guint i = 0; i < batch->count; i++) {
		outcome->flow = batch->records[i].flow;
		outcome->flows++;
	}
}

static void add(struct meter_counts *sum, const struct meter_counts *more)
{
	for (int v = 0; v < METER_VERDICTS; v++) {
		sum->packets[v] += more->packets[v];
		sum->frame_octets[v] += more->frame_octets[v];
	}
	sum->octets += more->octets;
}

/* The frame's octets in a block of their own, so that a read beyond is one beyond the block. */
static struct outcome run(guint16 linktype, const guint8 *octets, size_t size, size_t captured)
{
	guint16 unread = 0;
	const struct sieve_options sift = { .unread = on_unread, .data = &unread };
	struct outcome outcome = { .verdict = METER_VERDICTS };
	const struct native_options native = { .idle_ns = FLOW_SECOND_NS,
					       .active_ns = FLOW_SECOND_NS,
					       .max_flows = 8,
					       .detail = FLOW_DETAIL_FULL,
					       .sink = on_flows,
					       .data = &outcome };
	struct sieve *sieve = sieve_new(&sift, NULL);
	struct native_meter *meter = native_meter_new(&native, NULL);
	guint8 *own = g_memdup2(octets, MAX(captured, 1u));
	struct frame frame = { .data = own,
			       .captured = (guint32)captured,
			       .length = (guint32)size,
			       .time_ns = SECOND,
			       .iface = 1,
			       .link = METER_LINK_OTHER,
			       .linktype = linktype };

	native_meter_frames(meter, &frame, sieve_frames(sieve, &frame, 1));
	native_meter_finish(meter);
	add(&outcome.counts, sieve_counts(sieve));
	add(&outcome.counts, native_meter_counts(meter));
	for (int v = 0; v < METER_VERDICTS; v++) {
		if (outcome.counts.packets[v])
			outcome.verdict = (enum meter_verdict)v;
	}
	native_meter_free(meter);
	sieve_free(sieve);
	g_free(own);
	return outcome;
}

static size_t build(guint8 *to, const struct kind *kind)
{
	const guint8 *packet = kind->six ? packet6 : packet4;
	const size_t size = kind->six ? sizeof(packet6) : sizeof(packet4);

	memcpy(to, kind->header, kind->size);
	memcpy(to + kind->size, packet, size);
	return kind->size + size;
}

static void expect(const struct kind *kind, bool good)
{
	if (!good)
		fprintf(stderr, "%s\n", kind->name);
	CU_ASSERT_TRUE(good);
}

static void test_found(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		const struct kind *kind = &kinds[i];
		guint8 frame[HEADER_MOST + sizeof(packet6)];
		const size_t size = build(frame, kind);
		const struct outcome outcome = run(kind->linktype, frame, size, size);
		const struct flow_key *key = &outcome.flow.key;

		expect(kind, outcome.verdict == METER_OK && outcome.flows == 1);
		expect(kind,
		       outcome.counts.octets == (kind->six ? sizeof(packet6) : sizeof(packet4)));
		expect(kind, outcome.counts.frame_octets[METER_OK] == size);
		expect(kind, key->version == (kind->six ? 6 : 4) && key->proto == 17);
		expect(kind, MIN(g_ntohs(key->low_port), g_ntohs(key->high_port)) == 7);
	}
}

/* Wherever a capture is cut, the packet is one of the account, and nothing beyond is read. */
static void test_cut(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		guint8 frame[HEADER_MOST + sizeof(packet6)];
		const size_t size = build(frame, &kinds[i]);

		for (size_t captured = 0; captured < size; captured++) {
			const struct outcome outcome =
				run(kinds[i].linktype, frame, size, captured);

			expect(&kinds[i], outcome.verdict != METER_VERDICTS);
			expect(&kinds[i], outcome.counts.frame_octets[outcome.verdict] == size);
			expect(&kinds[i],
			       captured >= kinds[i].size + 20 || outcome.verdict != METER_OK);
			expect(&kinds[i], captured > 0 || outcome.verdict == METER_TRUNCATED);
		}
	}
}

static void test_none(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		guint8 frame[HEADER_MOST + sizeof(packet6)];
		const size_t size = build(frame, &others[i].kind);

		told = 0;
		expect(&others[i].kind, run(others[i].kind.linktype, frame, size, size).verdict ==
						others[i].verdict);
		expect(&others[i].kind, told == (others[i].verdict == METER_LINK_TYPE));
	}
}

/* Every link type there may be, before octets that are none of its. */
static void test_noise(void)
{
	guint8 noise[300];
	guint32 state = 1;

	for (guint linktype = 0; linktype < 400; linktype++) {
		for (guint turn = 0; turn < 40; turn++) {
			struct outcome outcome;

			for (size_t i = 0; i < sizeof(noise); i++) {
				state = state * 1664525 + 1013904223;
				noise[i] = (guint8)(state >> 24);
			}
			if (linktype == 1)
				continue;
			outcome = run((guint16)linktype, noise, sizeof(noise), turn * 7);
			CU_ASSERT_NOT_EQUAL(outcome.verdict, METER_VERDICTS);
			CU_ASSERT_EQUAL(outcome.counts.frame_octets[outcome.verdict],
					sizeof(noise));
		}
	}
}

static void test_addresses(void)
{
	static const char *const expected[] = {
		"\2\0\0\0\0\1\2\0\0\0\0\2", /* destination, source */
		"\3\0\0\0\0\3\2\0\0\0\0\2",
		"\2\0\0\0\0\1\3\0\0\0\0\3",
		"\3\0\0\0\0\3\4\0\0\0\0\4",
	};
	size_t first = 0;

	while (strcmp(kinds[first].name, "802.11, from station to station") != 0)
		first++;
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
		guint8 frame[HEADER_MOST + sizeof(packet6)];
		const size_t size = build(frame, &kinds[first + i]);
		const struct outcome outcome = run(105, frame, size, size);
		const struct flow_shape *low = &outcome.flow.shape[0];
		const struct flow_shape *high = &outcome.flow.shape[1];

		expect(&kinds[first + i],
		       memcmp(low->mac_destination, expected[i], 12) == 0 ||
			       memcmp(high->mac_destination, expected[i], 12) == 0);
	}
}

static void test_described(void)
{
	g_autofree char *usb = link_strip_describe(189);
	g_autofree char *nobody = link_strip_describe(60000);

	CU_ASSERT_PTR_NOT_NULL(strstr(usb, "189 (USB_LINUX"));
	CU_ASSERT_PTR_NOT_NULL(strstr(nobody, "60000"));
}

static CU_TestInfo tests[] = {
	{ "behind each link header the packet is found, with its octets", test_found },
	{ "a frame that is cut within them is accounted, and nothing beyond is read", test_cut },
	{ "what holds no packet is set aside by its reason, what is not read by its name",
	  test_none },
	{ "noise of every link type is accounted", test_noise },
	{ "the addresses of a wireless frame are those of its ends", test_addresses },
	{ "a link type is told as libpcap names it", test_described },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "link headers", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
