/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies, against a model that remembers everything and compares octets. */
#include <string.h>

#include "capture/dedup.h"
#include "unit.h"

#define PACKETS 20000
#define OCTETS	64

static guint32 next_random(guint32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* IPv4 behind Ethernet; few kinds, so that copies are common. */
static void make(guint8 packet[OCTETS], guint kind)
{
	memset(packet, 0, OCTETS);
	packet[12] = 0x08;
	packet[14] = 0x45;
	packet[17] = 50;
	packet[23] = 17;
	packet[29] = 1;
	packet[33] = 2;
	packet[34 + kind % 16] = (guint8)(1 + kind / 16);
}

struct seen {
	guint kind;
	guint64 time_ns;
};

/* The last ones that were no copies. */
static bool model(GArray *kept, const struct dedup_options *options, struct seen now)
{
	guint first = kept->len > options->packets ? kept->len - options->packets : 0;

	for (guint i = first; i < kept->len; i++) {
		const struct seen *one = &g_array_index(kept, struct seen, i);

		if (one->kind == now.kind &&
		    MAX(one->time_ns, now.time_ns) - MIN(one->time_ns, now.time_ns) <=
			    options->window_ns)
			return true;
	}
	g_array_append_val(kept, now);
	return false;
}

static void compare(const struct dedup_options *options, guint kinds)
{
	struct dedup *dedup = dedup_new(options);
	GArray *kept = g_array_new(FALSE, FALSE, sizeof(struct seen));
	guint32 state = 7;
	guint64 now_ns = 1000000;
	guint wrong = 0;

	for (guint i = 0; i < PACKETS; i++) {
		guint8 packet[OCTETS];
		struct frame frame = { .data = packet, .captured = OCTETS, .length = OCTETS };
		const struct seen seen = { .kind = next_random(&state) % kinds,
					   .time_ns = now_ns + next_random(&state) % 50 };

		make(packet, seen.kind);
		frame.time_ns = seen.time_ns;
		wrong += dedup_frame(dedup, &frame) != model(kept, options, seen);
		now_ns += next_random(&state) % 30;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(kept->len > 0 && kept->len < PACKETS);
	g_array_free(kept, TRUE);
	dedup_free(dedup);
}

static void test_model(void)
{
	static const guint32 rooms[] = { 1, 2, 3, 16, 100, 1000, 5000 };

	for (guint i = 0; i < G_N_ELEMENTS(rooms); i++) {
		struct dedup_options options = { .packets = rooms[i], .seed = i };

		options.window_ns = 100;
		compare(&options, 10);
		options.window_ns = 1000;
		compare(&options, 300);
		options.window_ns = G_MAXUINT64;
		compare(&options, 3000);
	}
}

static bool are_copies(const guint8 *one, const guint8 *other, guint16 link)
{
	const struct dedup_options options = { .packets = 4, .window_ns = 10 };
	struct dedup *dedup = dedup_new(&options);
	struct frame frame = { .data = one, .captured = OCTETS, .length = OCTETS };
	bool copies;

	frame.link = (guint8)link;
	CU_ASSERT_FALSE(dedup_frame(dedup, &frame));
	frame.data = other;
	copies = dedup_frame(dedup, &frame);
	dedup_free(dedup);
	return copies;
}

/* Octet by octet of the frame: which may differ between copies. */
static void expect_invariant(const guint8 *packet, guint16 link, const guint8 *may, guint size)
{
	for (guint i = 0; i < OCTETS; i++) {
		guint8 other[OCTETS];
		bool allowed = i >= size; /* padding */

		for (guint j = 0; j < may[0]; j++)
			allowed |= may[j + 1] == i;
		memcpy(other, packet, OCTETS);
		other[i] ^= 0x04;
		CU_ASSERT_EQUAL(are_copies(packet, other, link), allowed);
	}
}

static void test_invariant(void)
{
	static const guint8 ipv4[] = { 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 22, 24, 25 };
	/* Of the traffic class, this bit lies in the first octet, the flow label's in the second.
	 */
	static const guint8 ipv6[] = { 14, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 21 };
	guint8 packet[OCTETS] = { [12] = 0x86, 0xdd, 0x60, [19] = 10, 17, 64 };

	expect_invariant(packet, METER_LINK_ETHERNET, ipv6, 64);
	make(packet, 5);
	expect_invariant(packet, METER_LINK_ETHERNET, ipv4, 64);
	packet[17] = 40; /* the last ten are padding */
	expect_invariant(packet, METER_LINK_ETHERNET, ipv4, 54);
}

/* A tag is no part of it, and the packet is the same without Ethernet. */
static void test_tags(void)
{
	const struct dedup_options options = { .packets = 4, .window_ns = 10 };
	struct dedup *dedup = dedup_new(&options);
	guint8 plain[OCTETS];
	guint8 tagged[OCTETS + 4];
	struct frame frame = { .data = plain, .captured = OCTETS };

	make(plain, 9);
	memcpy(tagged, plain, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x05", 4);
	memcpy(tagged + 16, plain + 12, OCTETS - 12);
	CU_ASSERT_FALSE(dedup_frame(dedup, &frame));
	frame.data = tagged;
	frame.captured = OCTETS + 4;
	CU_ASSERT_TRUE(dedup_frame(dedup, &frame));
	frame.data = plain + 14;
	frame.captured = OCTETS - 14;
	frame.link = METER_LINK_IP;
	CU_ASSERT_TRUE(dedup_frame(dedup, &frame));
	dedup_free(dedup);
}

/* However short, in a block of its own: nothing beyond is read. */
static void test_short(void)
{
	const struct dedup_options options = { .packets = 1000, .window_ns = 10 };
	struct dedup *dedup = dedup_new(&options);
	guint8 packet[OCTETS];

	make(packet, 3);
	packet[14] = 0x4f; /* options that are not there */
	for (int link = METER_LINK_ETHERNET; link <= METER_LINK_IP; link++) {
		for (guint size = 0; size <= OCTETS; size++) {
			const guint8 *start = link == METER_LINK_IP ? packet + 14 : packet;
			guint captured = MIN(size, (guint)(packet + OCTETS - start));
			guint8 *own = g_memdup2(start, MAX(captured, 1u));
			struct frame frame = { .data = own, .captured = captured };

			frame.link = (guint8)link;
			dedup_frame(dedup, &frame);
			CU_ASSERT_TRUE(dedup_frame(dedup, &frame));
			g_free(own);
		}
	}
	dedup_free(dedup);
	dedup_free(NULL);
}

static CU_TestInfo tests[] = {
	{ "copies are those of a model that remembers everything", test_model },
	{ "only what routers change may differ", test_invariant },
	{ "tags and Ethernet make no other packet of it", test_tags },
	{ "of a packet that is cut nothing beyond is read", test_short },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "copies", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
