/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap files built octet by octet. That real files are read as libpcap reads them is
 * test_capture_equal.c. */
#include <string.h>

#include "base/error.h"
#include "capture/octet_source.h"
#include "capture_build.h"
#include "unit.h"

static void test_pcap_orders(void)
{
	static const struct {
		guint32 magic;
		guint64 fraction;
	} kinds[] = { { 0xa1b2c3d4, 123456000 }, { 0xa1b23c4d, 123456 } };

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
		bool big = i % 2;
		GByteArray *built = build_pcap(big, kinds[i / 2].magic, 4, 1);
		struct reading reading;

		put_record(built, big, 0xfffffffe, 20);
		put_record(built, big, 7, 0);
		reading = read_built(built);
		CU_ASSERT_EQUAL(reading.last, 0);
		CU_ASSERT_EQUAL(reading.frames->len, 2);
		CU_ASSERT_EQUAL(frame_at(&reading, 0)->time_ns,
				0xfffffffeULL * 1000000000 + kinds[i / 2].fraction);
		CU_ASSERT_EQUAL(frame_at(&reading, 0)->captured, 20);
		CU_ASSERT_EQUAL(frame_at(&reading, 0)->length, 1020);
		CU_ASSERT_EQUAL(frame_at(&reading, 0)->iface, 1);
		CU_ASSERT_EQUAL(frame_at(&reading, 1)->captured, 0);
		CU_ASSERT(memcmp(reading.data->data, sample_packet, 20) == 0);
		reading_clear(&reading);
	}
}

static void test_pcap_kuznetzov(void)
{
	for (int big = 0; big < 2; big++) {
		GByteArray *built = build_pcap(big, 0xa1b2cd34, 4, 1);
		struct reading reading;

		for (int i = 0; i < 3; i++) {
			put_record(built, big, 5, 0);
			g_byte_array_set_size(built, built->len - 8);
			put32(built, big, 11);
			put32(built, big, 12);
			put64(built, big, 0x1122334455667788ULL);
			put(built, sample_packet, 11);
		}
		reading = read_built(built);
		CU_ASSERT_EQUAL(reading.last, 0);
		CU_ASSERT_EQUAL(reading.frames->len, 3);
		CU_ASSERT_EQUAL(frame_at(&reading, 2)->captured, 11);
		CU_ASSERT_EQUAL(frame_at(&reading, 2)->length, 12);
		CU_ASSERT(memcmp(reading.data->data + 22, sample_packet, 11) == 0);
		reading_clear(&reading);
	}
}

/* The record says captured 10 and length 1010 in the order of version 2.4. */
static void test_pcap_versions(void)
{
	static const struct {
		guint16 minor;
		bool exchanged;
	} versions[] = { { 0, true }, { 1, true },  { 2, true },
			 { 3, true }, { 3, false }, { 4, false } };

	for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
		GByteArray *built = build_pcap(false, 0xa1b2c3d4, versions[i].minor, 1);
		struct reading reading;

		put_record(built, false, 1, 10);
		if (versions[i].exchanged) {
			const guint8 lengths[8] = { 0xf2, 0x03, 0, 0, 10, 0, 0, 0 };

			memcpy(built->data + 24 + 8, lengths, 8);
		}
		reading = read_built(built);
		CU_ASSERT_EQUAL(reading.last, 0);
		CU_ASSERT_EQUAL(frame_at(&reading, 0)->captured, 10);
		CU_ASSERT_EQUAL(frame_at(&reading, 0)->length, 1010);
		reading_clear(&reading);
	}
}

static void test_pcap_version_unknown(void)
{
	struct reading reading = read_built(build_pcap(false, 0xa1b2c3d4, 5, 1));

	CU_ASSERT(g_error_matches(reading.error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT(reading.error && strstr(reading.error->message, "version 2.5"));
	reading_clear(&reading);
}

static void test_pcap_snaplens(void)
{
	static const guint32 snaplens[] = { 0, 1, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < G_N_ELEMENTS(snaplens); i++) {
		GByteArray *built = build_simple_pcap(20);
		struct reading reading;

		memcpy(built->data + 16, &snaplens[i], 4);
		reading = read_built(built);
		CU_ASSERT_EQUAL(reading.last, 0);
		CU_ASSERT_EQUAL(reading.frames->len, 20);
		CU_ASSERT_EQUAL(frame_at(&reading, 19)->captured, 20);
		reading_clear(&reading);
	}
}

static void test_links(void)
{
	static const struct {
		guint32 linktype;
		guint16 link;
	} links[] = { { 1, METER_LINK_ETHERNET }, { 12, METER_LINK_IP },    { 14, METER_LINK_IP },
		      { 101, METER_LINK_IP },	  { 228, METER_LINK_IP },   { 229, METER_LINK_IP },
		      { 0, METER_LINK_OTHER },	  { 113, METER_LINK_OTHER } };

	for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
		/* A frame check sequence of four octets is announced in the upper bits. */
		GByteArray *built = build_pcap(true, 0xa1b2c3d4, 4, links[i].linktype | 0x24000000);
		struct capture_file *file;
		struct frame frame;

		put_record(built, true, 1, 30);
		file = capture_file_from(octet_source_from_memory(built->data, built->len), "m",
					 NULL);
		CU_ASSERT_FATAL(file != NULL);
		CU_ASSERT_EQUAL(capture_file_read(file, &frame, 1, NULL), 1);
		CU_ASSERT_EQUAL(frame.link, links[i].link);
		CU_ASSERT_EQUAL(capture_file_interfaces(file), 1);
		CU_ASSERT_EQUAL(capture_file_interface_linktype(file, 1), links[i].linktype);
		CU_ASSERT_PTR_NULL(capture_file_interface_name(file, 1));
		CU_ASSERT_EQUAL(capture_file_interface_linktype(file, 2), 0);
		capture_file_free(file);
		g_byte_array_unref(built);
	}
}

static void test_no_packets(void)
{
	struct reading reading = read_built(build_simple_pcap(0));

	CU_ASSERT_EQUAL(reading.last, 0);
	CU_ASSERT_EQUAL(reading.frames->len, 0);
	reading_clear(&reading);
}

/* Damage */

static void test_pcap_too_long(void)
{
	GByteArray *built = build_simple_pcap(9); /* 24 + 9 * 16 + 45 octets */
	struct reading reading;

	put_record(built, false, 1, 1);
	memcpy(built->data + 213 + 8, "\x01\x00\x04\x00", 4);
	reading = read_built(built);
	assert_damaged(&reading, 9,
		       "a packet of 262145 octets, where 262144 are possible at offset 213");
	reading_clear(&reading);
}

static void test_damage_is_told_again(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(3);
	struct frame frames[8];
	struct capture_file *file =
		capture_file_from(octet_source_from_memory(built->data, built->len - 1), "m", NULL);

	CU_ASSERT_EQUAL(capture_file_read(file, frames, 8, NULL), 2);
	for (int i = 0; i < 3; i++) {
		g_autoptr(GError) error = NULL;

		CU_ASSERT_EQUAL(capture_file_read(file, frames, 8, &error), -1);
		CU_ASSERT_STRING_EQUAL(
			error->message,
			"m: the file is cut short (18 octets where 19 are needed) at offset 59");
	}
	capture_file_free(file);
}

/* Sizes of a file after its first 0, 1, 2... packets. */
static GArray *packet_ends(const struct reading *whole, guint size)
{
	GArray *ends = g_array_new(FALSE, FALSE, sizeof(guint));
	guint at = size;

	for (guint i = whole->frames->len; i > 0; i--) {
		g_array_prepend_val(ends, at);
		at -= 16 + frame_at(whole, i - 1)->captured;
	}
	g_array_prepend_val(ends, at);
	return ends;
}

static void test_pcap_cut_anywhere(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(5);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	g_autoptr(GArray) ends = packet_ends(&whole, built->len);
	guint packets = 0;

	CU_ASSERT_EQUAL(g_array_index(ends, guint, 0), 24);
	for (guint size = 24; size <= built->len; size++) {
		struct reading reading = read_octets(built->data, size, BATCH);
		g_autofree char *offset = NULL;

		if (packets < 5 && size == g_array_index(ends, guint, packets + 1))
			packets++;
		CU_ASSERT_EQUAL(reading.frames->len, packets);
		offset = g_strdup_printf("at offset %u", g_array_index(ends, guint, packets));
		if (size == g_array_index(ends, guint, packets)) {
			CU_ASSERT_EQUAL(reading.last, 0);
		} else {
			assert_damaged(&reading, packets, offset);
		}
		reading_clear(&reading);
	}
	reading_clear(&whole);
}

static void test_header_cut(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(0);

	for (guint size = 4; size < 24; size++) {
		struct reading reading = read_octets(built->data, size, BATCH);

		assert_damaged(&reading, 0, "octets where 24 are needed) at offset 0");
		reading_clear(&reading);
	}
}

static void test_batches(void)
{
	g_autoptr(GByteArray) built = build_simple_pcap(500);
	struct reading whole = read_octets(built->data, built->len, 64);

	CU_ASSERT_EQUAL(whole.frames->len, 500);
	for (size_t batch = 1; batch < 64; batch += 6) {
		struct reading reading = read_octets(built->data, built->len, batch);

		assert_same(&whole, &reading);
		reading_clear(&reading);
	}
	reading_clear(&whole);
}

static CU_TestInfo tests[] = {
	{ "pcap is read in both byte orders and resolutions", test_pcap_orders },
	{ "the modified pcap has a longer record header", test_pcap_kuznetzov },
	{ "old versions have the two lengths exchanged", test_pcap_versions },
	{ "an unknown version is refused by its number", test_pcap_version_unknown },
	{ "a wrong snapshot length changes nothing", test_pcap_snaplens },
	{ "the link type tells what the first octet is", test_links },
	{ "a pcap without packets is fine", test_no_packets },
	{ "a packet that is too long is damage", test_pcap_too_long },
	{ "damage is told as often as one asks", test_damage_is_told_again },
	{ "a cut pcap gives every packet before the cut", test_pcap_cut_anywhere },
	{ "a cut file header is damage", test_header_cut },
	{ "the size of a batch changes nothing", test_batches },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "pcap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
