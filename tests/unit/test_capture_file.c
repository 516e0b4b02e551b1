/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture file reader against files built here, octet by octet. That it agrees with libpcap on
 * real files is test_capture_equal.c. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "capture/capture_file.h"
#include "capture/octet_source.h"
#include "unit.h"

#define BATCH 7

static const guint8 packet[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

/* Building. The order is that of the file being built. */

static void put(GByteArray *to, const void *data, size_t size)
{
	g_byte_array_append(to, data, (guint)size);
}

static void put16(GByteArray *to, bool big, guint16 value)
{
	value = big ? GUINT16_TO_BE(value) : GUINT16_TO_LE(value);
	put(to, &value, sizeof(value));
}

static void put32(GByteArray *to, bool big, guint32 value)
{
	value = big ? GUINT32_TO_BE(value) : GUINT32_TO_LE(value);
	put(to, &value, sizeof(value));
}

static void put64(GByteArray *to, bool big, guint64 value)
{
	value = big ? GUINT64_TO_BE(value) : GUINT64_TO_LE(value);
	put(to, &value, sizeof(value));
}

static GByteArray *pcap(bool big, guint32 magic, guint16 minor, guint32 linktype)
{
	GByteArray *to = g_byte_array_new();

	put32(to, big, magic);
	put16(to, big, 2);
	put16(to, big, minor);
	put64(to, big, 0);
	put32(to, big, 65535);
	put32(to, big, linktype);
	return to;
}

static void put_record(GByteArray *to, bool big, guint32 seconds, guint32 captured)
{
	put32(to, big, seconds);
	put32(to, big, 123456);
	put32(to, big, captured);
	put32(to, big, captured + 1000);
	put(to, packet, captured);
}

/* A little-endian pcap of records with 1, 2, 3... octets. */
static GByteArray *simple_pcap(guint32 records)
{
	GByteArray *to = pcap(false, 0xa1b2c3d4, 4, 1);

	for (guint32 i = 1; i <= records; i++)
		put_record(to, false, i, 1 + (i - 1) % sizeof(packet));
	return to;
}

/* body is taken; the length is completed to a multiple of four. */
static void put_block(GByteArray *to, bool big, guint32 type, GByteArray *body)
{
	guint32 total;

	while (body->len % 4)
		put(body, "", 1);
	total = body->len + 12;
	put32(to, big, type);
	put32(to, big, total);
	put(to, body->data, body->len);
	put32(to, big, total);
	g_byte_array_unref(body);
}

static void put_section(GByteArray *to, bool big)
{
	GByteArray *body = g_byte_array_new();

	put32(body, big, 0x1a2b3c4d);
	put16(body, big, 1);
	put16(body, big, 0);
	put64(body, big, G_MAXUINT64);
	put_block(to, big, 0x0a0d0d0a, body);
}

static void put_option(GByteArray *to, bool big, guint16 code, const void *value, guint16 size)
{
	put16(to, big, code);
	put16(to, big, size);
	put(to, value, size);
	while (to->len % 4)
		put(to, "", 1);
}

/* name may be NULL; resolution 0xff and offset 0 leave the option out. */
static void put_interface(GByteArray *to, bool big, guint16 linktype, const char *name,
			  guint8 resolution)
{
	GByteArray *body = g_byte_array_new();

	put16(body, big, linktype);
	put16(body, big, 0);
	put32(body, big, 40);
	if (name)
		put_option(body, big, 2, name, (guint16)strlen(name));
	if (resolution != 0xff)
		put_option(body, big, 9, &resolution, 1);
	put_option(body, big, 0, "", 0);
	put_block(to, big, 1, body);
}

static void put_packet(GByteArray *to, bool big, guint32 interface, guint64 stamp)
{
	GByteArray *body = g_byte_array_new();

	put32(body, big, interface);
	put32(body, big, (guint32)(stamp >> 32));
	put32(body, big, (guint32)stamp);
	put32(body, big, 9);
	put32(body, big, 90);
	put(body, packet, 9);
	put_block(to, big, 6, body);
}

static void put_simple_packet(GByteArray *to, bool big, guint32 length)
{
	GByteArray *body = g_byte_array_new();

	put32(body, big, length);
	put(body, packet, MIN(length, 40));
	put_block(to, big, 3, body);
}

static GByteArray *gzip(const GByteArray *from)
{
	guint room = (guint)compressBound(from->len) + 64;
	GByteArray *to = g_byte_array_new();
	z_stream z = { 0 };

	g_byte_array_set_size(to, room);
	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = from->data;
	z.avail_in = from->len;
	z.next_out = to->data;
	z.avail_out = room;
	CU_ASSERT_EQUAL(deflate(&z, Z_FINISH), Z_STREAM_END);
	g_byte_array_set_size(to, (guint)z.total_out);
	deflateEnd(&z);
	return to;
}

/* Reading. */

/* All that a file says. The frames' data is copied one after the other. */
struct reading {
	GArray *frames;
	GByteArray *data;
	GError *error;
	int last;
};

static void reading_clear(struct reading *reading)
{
	g_array_unref(reading->frames);
	g_byte_array_unref(reading->data);
	g_clear_error(&reading->error);
}

static struct reading read_all(struct capture_file *file, size_t batch)
{
	struct reading reading = { g_array_new(FALSE, FALSE, sizeof(struct frame)),
				   g_byte_array_new(), NULL, 0 };
	struct frame frames[64];

	while ((reading.last = capture_file_read(file, frames, batch, &reading.error)) > 0) {
		g_array_append_vals(reading.frames, frames, (guint)reading.last);
		for (int i = 0; i < reading.last; i++)
			put(reading.data, frames[i].data, frames[i].captured);
	}
	return reading;
}

/* From memory of exactly that size, so that ASan sees the first octet beyond. */
static struct reading read_octets(const guint8 *data, size_t size, size_t batch)
{
	guint8 *copy = g_memdup2(data, size);
	struct reading reading = { g_array_new(FALSE, FALSE, sizeof(struct frame)),
				   g_byte_array_new(), NULL, -2 };
	struct capture_file *file =
		capture_file_from(octet_source_from_memory(copy, size), "memory", &reading.error);

	if (file) {
		g_array_unref(reading.frames);
		g_byte_array_unref(reading.data);
		reading = read_all(file, batch);
	}
	capture_file_free(file);
	g_free(copy);
	return reading;
}

static struct reading read_built(GByteArray *built)
{
	struct reading reading = read_octets(built->data, built->len, BATCH);

	g_byte_array_unref(built);
	return reading;
}

static const struct frame *frame_at(const struct reading *reading, guint index)
{
	static const struct frame none;

	CU_ASSERT_FATAL(index < reading->frames->len);
	return index < reading->frames->len ? &g_array_index(reading->frames, struct frame, index)
					    : &none;
}

static void assert_same(const struct reading *a, const struct reading *b)
{
	CU_ASSERT_EQUAL(a->frames->len, b->frames->len);
	CU_ASSERT_EQUAL(a->last, b->last);
	CU_ASSERT_EQUAL(a->data->len, b->data->len);
	CU_ASSERT(a->data->len == b->data->len &&
		  memcmp(a->data->data, b->data->data, a->data->len) == 0);
	for (guint i = 0; i < MIN(a->frames->len, b->frames->len); i++) {
		CU_ASSERT_EQUAL(frame_at(a, i)->time_ns, frame_at(b, i)->time_ns);
		CU_ASSERT_EQUAL(frame_at(a, i)->length, frame_at(b, i)->length);
		CU_ASSERT_EQUAL(frame_at(a, i)->captured, frame_at(b, i)->captured);
	}
}

static void assert_damaged(const struct reading *reading, guint frames, const char *message)
{
	CU_ASSERT_EQUAL(reading->frames->len, frames);
	CU_ASSERT(g_error_matches(reading->error, WEIR_ERROR, WEIR_ERROR_DAMAGED));
	CU_ASSERT(reading->error && strstr(reading->error->message, message));
	if (reading->error && !strstr(reading->error->message, message))
		fprintf(stderr, "\n%s\n  instead of\n%s\n", reading->error->message, message);
}

/* pcap */

static void test_pcap_orders(void)
{
	static const struct {
		guint32 magic;
		guint64 fraction;
	} kinds[] = { { 0xa1b2c3d4, 123456000 }, { 0xa1b23c4d, 123456 } };

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
		bool big = i % 2;
		GByteArray *built = pcap(big, kinds[i / 2].magic, 4, 1);
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
		CU_ASSERT(memcmp(reading.data->data, packet, 20) == 0);
		reading_clear(&reading);
	}
}

static void test_pcap_kuznetzov(void)
{
	for (int big = 0; big < 2; big++) {
		GByteArray *built = pcap(big, 0xa1b2cd34, 4, 1);
		struct reading reading;

		for (int i = 0; i < 3; i++) {
			put_record(built, big, 5, 0);
			g_byte_array_set_size(built, built->len - 8);
			put32(built, big, 11);
			put32(built, big, 12);
			put64(built, big, 0x1122334455667788ULL);
			put(built, packet, 11);
		}
		reading = read_built(built);
		CU_ASSERT_EQUAL(reading.last, 0);
		CU_ASSERT_EQUAL(reading.frames->len, 3);
		CU_ASSERT_EQUAL(frame_at(&reading, 2)->captured, 11);
		CU_ASSERT_EQUAL(frame_at(&reading, 2)->length, 12);
		CU_ASSERT(memcmp(reading.data->data + 22, packet, 11) == 0);
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
		GByteArray *built = pcap(false, 0xa1b2c3d4, versions[i].minor, 1);
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
	struct reading reading = read_built(pcap(false, 0xa1b2c3d4, 5, 1));

	CU_ASSERT(g_error_matches(reading.error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT(reading.error && strstr(reading.error->message, "version 2.5"));
	reading_clear(&reading);
}

static void test_pcap_snaplens(void)
{
	static const guint32 snaplens[] = { 0, 1, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < G_N_ELEMENTS(snaplens); i++) {
		GByteArray *built = simple_pcap(20);
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
		GByteArray *built = pcap(true, 0xa1b2c3d4, 4, links[i].linktype | 0x24000000);
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
	struct reading reading = read_built(simple_pcap(0));

	CU_ASSERT_EQUAL(reading.last, 0);
	CU_ASSERT_EQUAL(reading.frames->len, 0);
	reading_clear(&reading);
}

/* Damage */

static void test_pcap_too_long(void)
{
	GByteArray *built = simple_pcap(9); /* 24 + 9 * 16 + 45 octets */
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
	g_autoptr(GByteArray) built = simple_pcap(3);
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
	g_autoptr(GByteArray) built = simple_pcap(5);
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
	g_autoptr(GByteArray) built = simple_pcap(0);

	for (guint size = 4; size < 24; size++) {
		struct reading reading = read_octets(built->data, size, BATCH);

		assert_damaged(&reading, 0, "octets where 24 are needed) at offset 0");
		reading_clear(&reading);
	}
}

static void test_batches(void)
{
	g_autoptr(GByteArray) built = simple_pcap(500);
	struct reading whole = read_octets(built->data, built->len, 64);

	CU_ASSERT_EQUAL(whole.frames->len, 500);
	for (size_t batch = 1; batch < 64; batch += 6) {
		struct reading reading = read_octets(built->data, built->len, batch);

		assert_same(&whole, &reading);
		reading_clear(&reading);
	}
	reading_clear(&whole);
}

/* pcapng */

static GByteArray *two_sections(void)
{
	GByteArray *to = g_byte_array_new();
	GByteArray *body = g_byte_array_new();

	put_section(to, false);
	put_interface(to, false, 1, "eth0", 0xff);
	put_block(to, false, 0x0bad, g_byte_array_append(g_byte_array_new(), packet, 33));
	put_interface(to, false, 101, NULL, 9);
	put_packet(to, false, 0, 1500000000123456ULL);
	put_packet(to, false, 1, 1500000000123456789ULL);
	put_simple_packet(to, false, 100);
	put_block(to, false, 0x7777, g_byte_array_new());
	put_section(to, true);
	put_interface(to, true, 228, "wlan0", 0x80 | 10);
	put16(body, true, 0); /* the obsolete packet block: interface, drops, the rest as ever */
	put16(body, true, 0xffff);
	put64(body, true, 1024 * 1600000000ULL + 512);
	put32(body, true, 8);
	put32(body, true, 8);
	put(body, packet, 8);
	put_block(to, true, 2, body);
	return to;
}

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
	struct reading reading = read_built(two_sections());

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
	CU_ASSERT(memcmp(reading.data->data + 18, packet, 40) == 0);
	reading_clear(&reading);
}

static void test_pcapng_names(void)
{
	g_autoptr(GByteArray) built = two_sections();
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
	g_autoptr(GByteArray) built = two_sections();
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

/* gzip */

static void test_gzip_members(void)
{
	g_autoptr(GByteArray) built = simple_pcap(3000);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	GByteArray *packed = g_byte_array_new();
	struct reading reading;

	for (guint at = 0; at < built->len; at += 50000) {
		GByteArray part = { built->data + at, MIN(50000, built->len - at) };
		g_autoptr(GByteArray) member = gzip(&part);

		put(packed, member->data, member->len);
	}
	put64(packed, false, 0); /* the padding of some media */
	reading = read_built(packed);
	CU_ASSERT_EQUAL(whole.frames->len, 3000);
	assert_same(&whole, &reading);
	reading_clear(&reading);
	reading_clear(&whole);
}

static void test_gzip_of_pcapng(void)
{
	g_autoptr(GByteArray) built = two_sections();
	struct reading whole = read_octets(built->data, built->len, BATCH);
	struct reading reading = read_built(gzip(built));

	assert_same(&whole, &reading);
	reading_clear(&reading);
	reading_clear(&whole);
}

static void test_gzip_cut_anywhere(void)
{
	g_autoptr(GByteArray) built = simple_pcap(50);
	g_autoptr(GByteArray) packed = gzip(built);
	guint before = 0;

	for (guint size = 2; size < packed->len; size++) {
		struct reading reading = read_octets(packed->data, size, BATCH);

		CU_ASSERT(reading.last < 0 && reading.error);
		CU_ASSERT(reading.frames->len >= before);
		if (reading.last == -1)
			assert_damaged(&reading, reading.frames->len,
				       "the gzip data ends too early at offset ");
		before = reading.frames->len;
		reading_clear(&reading);
	}
	CU_ASSERT_EQUAL(before, 50);
}

static void test_gzip_damaged(void)
{
	g_autoptr(GByteArray) built = simple_pcap(50);
	GByteArray *packed = gzip(built);
	struct reading reading;

	packed->data[packed->len - 6] ^= 1; /* the checksum */
	reading = read_built(packed);
	assert_damaged(&reading, 50,
		       "the gzip data is damaged (incorrect data check) at offset 2099 "
		       "of the uncompressed data");
	reading_clear(&reading);
}

static void test_gzip_rubbish_behind(void)
{
	g_autoptr(GByteArray) built = simple_pcap(5);
	GByteArray *packed = gzip(built);
	struct reading reading;

	put(packed, "rubbish", 7);
	reading = read_built(packed);
	assert_damaged(&reading, 5,
		       "the gzip data is damaged (incorrect header check) at offset 119");
	reading_clear(&reading);
}

/* The octets' way in */

struct pipe_writer {
	const GByteArray *data;
	size_t step;
	int fd;
};

static gpointer write_pipe(gpointer data)
{
	const struct pipe_writer *writer = data;

	for (size_t at = 0; at < writer->data->len;) {
		ssize_t done = write(writer->fd, writer->data->data + at,
				     MIN(writer->step, writer->data->len - at));

		if (done < 0)
			break;
		at += (size_t)done;
	}
	close(writer->fd);
	return NULL;
}

static void assert_pipe_reads(const GByteArray *data, size_t step, const struct reading *whole)
{
	struct pipe_writer writer = { data, step, -1 };
	struct capture_file *file;
	struct reading reading;
	GThread *thread;
	int kept = dup(STDIN_FILENO);
	int ends[2];

	CU_ASSERT_FATAL(pipe(ends) == 0);
	CU_ASSERT_EQUAL(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	writer.fd = ends[1];
	thread = g_thread_new("writer", write_pipe, &writer);
	file = capture_file_open("-", NULL);
	CU_ASSERT_FATAL(file != NULL);
	reading = read_all(file, BATCH);
	g_thread_join(thread);
	CU_ASSERT_EQUAL(capture_file_size(file), 0);
	CU_ASSERT_EQUAL(capture_file_offset(file), data->len);
	capture_file_free(file);
	assert_same(whole, &reading);
	reading_clear(&reading);
	CU_ASSERT_EQUAL(fcntl(STDIN_FILENO, F_GETFD) >= 0, 1);
	if (kept >= 0) {
		dup2(kept, STDIN_FILENO);
		close(kept);
	}
}

static void test_pipe(void)
{
	g_autoptr(GByteArray) built = simple_pcap(8000);
	g_autoptr(GByteArray) few = simple_pcap(30);
	g_autoptr(GByteArray) packed = gzip(few);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	struct reading small = read_octets(few->data, few->len, BATCH);

	assert_pipe_reads(built, 100000, &whole);
	assert_pipe_reads(built, 777, &whole);
	assert_pipe_reads(few, 1, &small);
	assert_pipe_reads(packed, 1, &small);
	reading_clear(&whole);
	reading_clear(&small);
}

static void test_large_block_through_gzip(void)
{
	g_autoptr(GByteArray) built = g_byte_array_new();
	GByteArray *body = g_byte_array_new();
	struct reading reading;

	put_section(built, false);
	put_interface(built, false, 1, NULL, 0xff);
	g_byte_array_set_size(body, 16 * 1024 * 1024 - 12);
	memset(body->data, 0, body->len);
	put_block(built, false, 0x0bad, body);
	put_packet(built, false, 0, 5);
	reading = read_built(gzip(built));
	CU_ASSERT_EQUAL(reading.last, 0);
	CU_ASSERT_EQUAL(reading.frames->len, 1);
	reading_clear(&reading);
}

/* A temporary file with these octets; the caller frees the name and removes the file. */
static char *stored(const void *data, size_t size)
{
	char *name = NULL;
	int fd = g_file_open_tmp("weir-test-XXXXXX", &name, NULL);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT(g_file_set_contents(name, data, (gssize)size, NULL));
	return name;
}

static void test_regular_file(void)
{
	g_autoptr(GByteArray) built = simple_pcap(60000);
	g_autofree char *name = stored(built->data, built->len);
	struct reading whole = read_octets(built->data, built->len, BATCH);
	struct capture_file *file = capture_file_open(name, NULL);
	struct reading reading;

	CU_ASSERT_FATAL(file != NULL);
	CU_ASSERT_EQUAL(capture_file_offset(file), 24);
	CU_ASSERT_EQUAL(capture_file_size(file), built->len);
	reading = read_all(file, 64);
	CU_ASSERT_EQUAL(capture_file_offset(file), built->len);
	assert_same(&whole, &reading);
	capture_file_free(file);
	g_unlink(name);
	reading_clear(&reading);
	reading_clear(&whole);
}

/* Cuts the file to size after the first batch. Every frame told must have been in the file. */
static void assert_shrinks_well(const GByteArray *built, guint size)
{
	g_autofree char *name = stored(built->data, built->len);
	struct capture_file *file = capture_file_open(name, NULL);
	struct reading whole = read_octets(built->data, built->len, 64);
	struct reading reading;

	CU_ASSERT_FATAL(file != NULL);
	CU_ASSERT_EQUAL(truncate(name, size), 0);
	reading = read_all(file, 64);
	assert_damaged(&reading, reading.frames->len,
		       "the file shrank while it was read at offset");
	CU_ASSERT(reading.data->len <= whole.data->len &&
		  memcmp(reading.data->data, whole.data->data, reading.data->len) == 0);
	CU_ASSERT(reading.data->len + 16 * reading.frames->len + 24 + 16 + sizeof(packet) >= size);
	capture_file_free(file);
	g_unlink(name);
	reading_clear(&reading);
	reading_clear(&whole);
}

static void test_shrinking_file(void)
{
	g_autoptr(GByteArray) built = simple_pcap(20000);

	assert_shrinks_well(built, 0);
	assert_shrinks_well(built, 8192);
	assert_shrinks_well(built, 500001);
	for (guint less = 1; less < 100; less += 9)
		assert_shrinks_well(built, built->len - less);
}

/* Not captures */

static void test_not_captures(void)
{
	static const struct {
		const char *start;
		size_t size;
		const char *message;
	} rows[] = {
		{ "", 0, "f: is not a capture (pcap or pcapng), but empty" },
		{ "\xd4\xc3", 2, "of an unknown kind" },
		{ "No. Time Source\n1 2 3 4 5 6 7 8\n", 32, "but text" },
		{ "\x00\x0a\x00\x40 and so on and on and on", 28, "but an IPFIX file" },
		{ "\x28\xb5\x2f\xfd and so on and on and on", 28, "but a zstd file; unpack it" },
		{ "\n\r\r\n0123abcd0123abcd0123abcd0123", 32, "but text" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		CU_ASSERT_PTR_NULL(capture_file_from(
			octet_source_from_memory(rows[i].start, rows[i].size), "f", &error));
		CU_ASSERT(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
		CU_ASSERT(error && strstr(error->message, rows[i].message));
	}
}

static void test_gzip_of_others(void)
{
	g_autoptr(GByteArray) text = g_byte_array_new();
	struct reading reading;

	put(text, "nothing to see here\n", 20);
	reading = read_built(gzip(text));
	CU_ASSERT(g_error_matches(reading.error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT(reading.error &&
		  strstr(reading.error->message, "but gzip of something that is text"));
	reading_clear(&reading);
}

static void assert_not_opened(const char *path, const char *message)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(capture_file_open(path, &error));
	CU_ASSERT(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT(error && strstr(error->message, path) && strstr(error->message, message));
}

static void test_not_opened(void)
{
	g_autofree char *name = stored("", 0);

	assert_not_opened("/", "is a directory");
	assert_not_opened("/nonexistent/file", "No such file");
	assert_not_opened(name, "empty");
	g_chmod(name, 0);
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(seteuid(65534), 0);
		assert_not_opened(name, "Permission denied");
		CU_ASSERT_EQUAL(seteuid(0), 0);
	} else {
		assert_not_opened(name, "Permission denied");
	}
	g_unlink(name);
}

static CU_TestInfo pcap_tests[] = {
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

static CU_TestInfo pcapng_tests[] = {
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

static CU_TestInfo source_tests[] = {
	{ "gzip members follow each other", test_gzip_members },
	{ "a gzipped pcapng is read", test_gzip_of_pcapng },
	{ "cut gzip gives every packet before the cut", test_gzip_cut_anywhere },
	{ "a wrong gzip checksum is damage", test_gzip_damaged },
	{ "rubbish behind gzip is damage", test_gzip_rubbish_behind },
	{ "standard input is read, however slowly it comes", test_pipe },
	{ "a block of 16 MiB passes through gzip", test_large_block_through_gzip },
	{ "a regular file is read, and how far is known", test_regular_file },
	{ "a file that shrinks while it is read ends where it ends", test_shrinking_file },
	{ "what is no capture is named", test_not_captures },
	{ "gzip of what is no capture is named", test_gzip_of_others },
	{ "what cannot be opened is told with the reason", test_not_opened },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "pcap", NULL, NULL, NULL, NULL, pcap_tests },
	{ "pcapng", NULL, NULL, NULL, NULL, pcapng_tests },
	{ "octet source", NULL, NULL, NULL, NULL, source_tests },
	CU_SUITE_INFO_NULL,
};
