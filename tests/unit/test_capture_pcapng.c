/* SPDX-License-Identifier: BSD-2-Clause */
/* pcapng files built octet by octet. */
#include <string.h>

#include "base/error.h"
#include "capture/octet_source.h"
#include "capture_build.h"
#include "unit.h"

static void test_pcapng_sections(void)
{
	static const struct {
		guint64 time_ns;
		guint32 captured;
		guint32 length;
		guint16 iface;
		guint16 link;
	} rows[] = {
		{ 1500000000123456000ULL, 9, 90, 1, METER_LINK_ETHERNET },
		{ 1500000000123456789ULL, 9, 90, 2, METER_LINK_IP },
		{ 1500000000123456789ULL, 40, 100, 1, METER_LINK_ETHERNET },
		{ 1600000000500000000ULL, 8, 8, 3, METER_LINK_IP },
	};
	struct reading reading = read_built(build_two_sections());

	CU_ASSERT_EQUAL(reading.last, 0);
	CU_ASSERT_EQUAL(reading.frames->len, G_N_ELEMENTS(rows));
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct frame *frame = frame_at(&reading, i);

		CU_ASSERT_EQUAL(frame->time_ns, rows[i].time_ns);
		CU_ASSERT_EQUAL(frame->captured, rows[i].captured);
		CU_ASSERT_EQUAL(frame->length, rows[i].length);
		CU_ASSERT_EQUAL(frame->iface, rows[i].iface);
		CU_ASSERT_EQUAL(frame->link, rows[i].link);
	}
	CU_ASSERT(memcmp(reading.data->data + 18, sample_packet, 40) == 0);
	reading_clear(&reading);
}

static void test_pcapng_names(void)
{
	g_autoptr(GByteArray) built = build_two_sections();
	struct frame frames[16];
	struct capture_file *file =
		capture_file_from(octet_source_from_memory(built->data, built->len), "m", NULL);

	CU_ASSERT_FATAL(file != NULL);
	CU_ASSERT_EQUAL(capture_file_interfaces(file), 0);
	CU_ASSERT_EQUAL(capture_file_read(file, frames, 16, NULL), 4);
	CU_ASSERT_EQUAL(capture_file_interfaces(file), 3);
	CU_ASSERT_STRING_EQUAL(capture_file_interface_name(file, 1), "eth0");
	CU_ASSERT_PTR_NULL(capture_file_interface_name(file, 2));
	CU_ASSERT_STRING_EQUAL(capture_file_interface_name(file, 3), "wlan0");
	CU_ASSERT_PTR_NULL(capture_file_interface_name(file, 4));
	CU_ASSERT_PTR_NULL(capture_file_interface_name(file, 0));
	CU_ASSERT_EQUAL(capture_file_interface_linktype(file, 3), 228);
	CU_ASSERT_EQUAL(capture_file_offset(file), capture_file_size(file));
	capture_file_free(file);
}

/* One packet of one interface with this resolution and offset. */
static guint64 stamped(guint8 resolution, gint64 offset, guint64 stamp)
{
	GByteArray *built = g_byte_array_new();
	GByteArray *body = g_byte_array_new();
	struct reading reading;
	guint64 time_ns;

	put_section(built, true);
	put32(body, true, 1 << 16);
	put32(body, true, 0);
	put_option(body, true, 9, &resolution, 1);
	offset = GINT64_TO_BE(offset);
	put_option(body, true, 14, &offset, 8);
	put_block(built, true, 1, body);
	put_packet(built, true, 0, stamp);
	reading = read_built(built);
	CU_ASSERT_EQUAL(reading.last, 0);
	time_ns = reading.frames->len ? frame_at(&reading, 0)->time_ns : 1;
	reading_clear(&reading);
	return time_ns;
}

static void test_pcapng_times(void)
{
	CU_ASSERT_EQUAL(stamped(0, 0, 77), 77000000000ULL);
	CU_ASSERT_EQUAL(stamped(3, 0, 77), 77000000ULL);
	CU_ASSERT_EQUAL(stamped(9, 5, 77), 5000000077ULL);
	CU_ASSERT_EQUAL(stamped(12, 0, 77999), 77);
	CU_ASSERT_EQUAL(stamped(19, 0, G_MAXUINT64), 1844674407ULL);
	CU_ASSERT_EQUAL(stamped(6, -1, 2500000), 1500000000ULL);
	CU_ASSERT_EQUAL(stamped(0x80, 0, 3), 3000000000ULL);
	CU_ASSERT_EQUAL(stamped(0x80 | 1, 0, 3), 1500000000ULL);
	CU_ASSERT_EQUAL(stamped(0x80 | 63, 0, G_MAXUINT64), 1999999999ULL);
	CU_ASSERT_EQUAL(stamped(0x80 | 40, 0, 3ULL << 39), 1500000000ULL);
}

static void test_times_are_clamped(void)
{
	CU_ASSERT_EQUAL(stamped(6, 0, G_MAXUINT64), G_MAXUINT64);
	CU_ASSERT_EQUAL(stamped(6, G_MAXINT64, G_MAXUINT64), G_MAXUINT64);
	CU_ASSERT_EQUAL(stamped(6, G_MININT64, G_MAXUINT64), 0);
	CU_ASSERT_EQUAL(stamped(6, -10, 1), 0);
	CU_ASSERT_EQUAL(stamped(0, 0, 18446744073ULL), 18446744073000000000ULL);
	CU_ASSERT_EQUAL(stamped(0, 0, 18446744074ULL), G_MAXUINT64);
}

static void test_first_packet_without_time(void)
{
	GByteArray *built = g_byte_array_new();
	struct reading reading;

	put_section(built, false);
	put_interface(built, false, 1, NULL, 0xff);
	put_simple_packet(built, false, 3);
	reading = read_built(built);
	CU_ASSERT_EQUAL(reading.last, 0);
	CU_ASSERT_EQUAL(frame_at(&reading, 0)->time_ns, 0);
	CU_ASSERT_EQUAL(frame_at(&reading, 0)->captured, 3);
	reading_clear(&reading);
}

static void test_pcapng_cut_anywhere(void)
{
	g_autoptr(GByteArray) built = build_two_sections();
	guint before = 0;

	for (guint size = 12; size < built->len; size++) {
		struct reading reading = read_octets(built->data, size, BATCH);

		CU_ASSERT(reading.frames->len >= before);
		CU_ASSERT(reading.frames->len < 4);
		CU_ASSERT_EQUAL(reading.last, size % 4 ? -1 : reading.last);
		if (reading.last != 0)
			CU_ASSERT(g_error_matches(reading.error, WEIR_ERROR, WEIR_ERROR_DAMAGED));
		before = reading.frames->len;
		reading_clear(&reading);
	}
	CU_ASSERT_EQUAL(before, 3);
}

/* A section of 28 octets, an interface of 24 and a packet of 44, with one 32-bit word changed. */
static void test_pcapng_damage(void)
{
	static const struct {
		guint at;
		guint32 word;
		guint frames;
		const char *message;
	} rows[] = {
		{ 28 + 4, 8, 0, "a block length of 8 octets, which cannot be at offset 28" },
		{ 28 + 4, 0, 0, "a block length of 0 octets, which cannot be at offset 28" },
		{ 28 + 4, 25, 0, "a block length of 25 octets, which cannot be at offset 28" },
		{ 28 + 4, 0x1000004, 0, "a block length of 16777220 octets, which cannot be at" },
		{ 28 + 4, 0x1000000, 0,
		  "cut short (112 octets where 16777216 are needed) at offset 28" },
		{ 28 + 20, 28, 0, "length is 24 at its start and 28 at its end at offset 28" },
		{ 28 + 0, 9, 0, "a packet of an interface that is not described at offset 52" },
		{ 52 + 8, 1, 0, "a packet of an interface that is not described at offset 52" },
		{ 52 + 20, 13, 0, "a packet longer than its block at offset 52" },
		{ 52 + 20, 0xffffffff, 0, "a packet longer than its block at offset 52" },
		{ 96 + 8, 1, 1, "a packet of an interface that is not described at offset 96" },
		{ 16, 0, 0, NULL }, /* the section's length, which nobody reads */
		{ 12, 2, 0, "a section of an unknown pcapng version at offset 0" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		GByteArray *built = g_byte_array_new();
		guint32 word = GUINT32_TO_LE(rows[i].word);
		struct reading reading;

		put_section(built, false);
		put_interface(built, false, 1, NULL, 0xff);
		put_packet(built, false, 0, 1);
		put_packet(built, false, 0, 2);
		CU_ASSERT_EQUAL(built->len, 140);
		memcpy(built->data + rows[i].at, &word, 4);
		reading = read_built(built);
		if (rows[i].message) {
			assert_damaged(&reading, rows[i].frames, rows[i].message);
		} else {
			CU_ASSERT_EQUAL(reading.last, 0);
		}
		reading_clear(&reading);
	}
}

static void test_pcapng_options(void)
{
	static const struct {
		guint16 code;
		guint16 size;
		guint8 value;
		const char *message;
	} rows[] = {
		{ 9, 1, 20, "an impossible time resolution at offset 28" },
		{ 9, 1, 0xc0, "an impossible time resolution at offset 28" },
		{ 9, 2, 6, "an impossible time resolution at offset 28" },
		{ 14, 4, 0, "an impossible time offset at offset 28" },
		{ 2, 200, 0, "an option longer than its block at offset 28" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		GByteArray *built = g_byte_array_new();
		GByteArray *body = g_byte_array_new();
		struct reading reading;

		put_section(built, true);
		put64(body, true, 1ULL << 48);
		put16(body, true, rows[i].code);
		put16(body, true, rows[i].size);
		put(body, &rows[i].value, 1);
		put_block(built, true, 1, body);
		reading = read_built(built);
		assert_damaged(&reading, 0, rows[i].message);
		reading_clear(&reading);
	}
}

static void test_pcapng_interface_flood(void)
{
	GByteArray *built = g_byte_array_new();
	struct reading reading;

	put_section(built, false);
	for (int i = 0; i < 65536; i++)
		put_interface(built, false, 1, "x", 0xff);
	reading = read_built(built);
	assert_damaged(&reading, 0, "more than 65535 interfaces at offset 2097148");
	reading_clear(&reading);
}

static CU_TestInfo tests[] = {
	{ "sections of both byte orders and all packet blocks are read", test_pcapng_sections },
	{ "interfaces are numbered through all sections", test_pcapng_names },
	{ "every resolution gives nanoseconds", test_pcapng_times },
	{ "times out of reach are clamped", test_times_are_clamped },
	{ "a first packet without a time has time 0", test_first_packet_without_time },
	{ "a cut pcapng gives every packet before the cut", test_pcapng_cut_anywhere },
	{ "a damaged block is told with its offset", test_pcapng_damage },
	{ "impossible interface options are damage", test_pcapng_options },
	{ "no more interfaces than a frame can name", test_pcapng_interface_flood },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "pcapng", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
