/* SPDX-License-Identifier: BSD-2-Clause */
/* The builders and readers of the capture tests. */
#include "capture_build.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "capture/octet_source.h"
#include "unit.h"

const guint8 sample_packet[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

/* Building. The order is that of the file being built. */

void put(GByteArray *to, const void *data, size_t size)
{
	g_byte_array_append(to, data, (guint)size);
}

void put16(GByteArray *to, bool big, guint16 value)
{
	value = big ? GUINT16_TO_BE(value) : GUINT16_TO_LE(value);
	put(to, &value, sizeof(value));
}

void put32(GByteArray *to, bool big, guint32 value)
{
	value = big ? GUINT32_TO_BE(value) : GUINT32_TO_LE(value);
	put(to, &value, sizeof(value));
}

void put64(GByteArray *to, bool big, guint64 value)
{
	value = big ? GUINT64_TO_BE(value) : GUINT64_TO_LE(value);
	put(to, &value, sizeof(value));
}

GByteArray *build_pcap(bool big, guint32 magic, guint16 minor, guint32 linktype)
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

void put_record(GByteArray *to, bool big, guint32 seconds, guint32 captured)
{
	put32(to, big, seconds);
	put32(to, big, 123456);
	put32(to, big, captured);
	put32(to, big, captured + 1000);
	put(to, sample_packet, captured);
}

/* A little-endian pcap of records with 1, 2, 3... octets. */
GByteArray *build_simple_pcap(guint32 records)
{
	GByteArray *to = build_pcap(false, 0xa1b2c3d4, 4, 1);

	for (guint32 i = 1; i <= records; i++)
		put_record(to, false, i, 1 + (i - 1) % sizeof(sample_packet));
	return to;
}

/* body is taken; the length is completed to a multiple of four. */
void put_block(GByteArray *to, bool big, guint32 type, GByteArray *body)
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

void put_section(GByteArray *to, bool big)
{
	GByteArray *body = g_byte_array_new();

	put32(body, big, 0x1a2b3c4d);
	put16(body, big, 1);
	put16(body, big, 0);
	put64(body, big, G_MAXUINT64);
	put_block(to, big, 0x0a0d0d0a, body);
}

void put_option(GByteArray *to, bool big, guint16 code, const void *value, guint16 size)
{
	put16(to, big, code);
	put16(to, big, size);
	put(to, value, size);
	while (to->len % 4)
		put(to, "", 1);
}

/* name may be NULL; resolution 0xff and offset 0 leave the option out. */
void put_interface(GByteArray *to, bool big, guint16 linktype, const char *name, guint8 resolution)
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

void put_packet(GByteArray *to, bool big, guint32 interface, guint64 stamp)
{
	GByteArray *body = g_byte_array_new();

	put32(body, big, interface);
	put32(body, big, (guint32)(stamp >> 32));
	put32(body, big, (guint32)stamp);
	put32(body, big, 9);
	put32(body, big, 90);
	put(body, sample_packet, 9);
	put_block(to, big, 6, body);
}

void put_simple_packet(GByteArray *to, bool big, guint32 length)
{
	GByteArray *body = g_byte_array_new();

	put32(body, big, length);
	put(body, sample_packet, MIN(length, 40));
	put_block(to, big, 3, body);
}

GByteArray *build_gzip(const GByteArray *from)
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

GByteArray *build_two_sections(void)
{
	GByteArray *to = g_byte_array_new();
	GByteArray *body = g_byte_array_new();

	put_section(to, false);
	put_interface(to, false, 1, "eth0", 0xff);
	put_block(to, false, 0x0bad, g_byte_array_append(g_byte_array_new(), sample_packet, 33));
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
	put(body, sample_packet, 8);
	put_block(to, true, 2, body);
	return to;
}

/* Reading. */

void reading_clear(struct reading *reading)
{
	g_array_unref(reading->frames);
	g_byte_array_unref(reading->data);
	g_clear_error(&reading->error);
}

struct reading read_all(struct capture_file *file, size_t batch)
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
struct reading read_octets(const guint8 *data, size_t size, size_t batch)
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

struct reading read_built(GByteArray *built)
{
	struct reading reading = read_octets(built->data, built->len, BATCH);

	g_byte_array_unref(built);
	return reading;
}

const struct frame *frame_at(const struct reading *reading, guint index)
{
	static const struct frame none;

	CU_ASSERT_FATAL(index < reading->frames->len);
	return index < reading->frames->len ? &g_array_index(reading->frames, struct frame, index)
					    : &none;
}

void assert_same(const struct reading *a, const struct reading *b)
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

void assert_damaged(const struct reading *reading, guint frames, const char *message)
{
	CU_ASSERT_EQUAL(reading->frames->len, frames);
	CU_ASSERT(g_error_matches(reading->error, WEIR_ERROR, WEIR_ERROR_DAMAGED));
	CU_ASSERT(reading->error && strstr(reading->error->message, message));
	if (reading->error && !strstr(reading->error->message, message))
		fprintf(stderr, "\n%s\n  instead of\n%s\n", reading->error->message, message);
}
