/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files built octet by octet, and what a reader says of them. */
#ifndef WEIR_TESTS_CAPTURE_BUILD_H
#define WEIR_TESTS_CAPTURE_BUILD_H

#include <glib.h>

#include "capture/capture_file.h"

#define BATCH 7

/* Where the data of every built packet comes from. */
extern const guint8 sample_packet[64];

/* All that a file says. The frames' data is copied one after the other. */
struct reading {
	GArray *frames;
	GByteArray *data;
	GError *error;
	int last;
};

void put(GByteArray *to, const void *data, size_t size);
void put16(GByteArray *to, bool big, guint16 value);
void put32(GByteArray *to, bool big, guint32 value);
void put64(GByteArray *to, bool big, guint64 value);
GByteArray *build_pcap(bool big, guint32 magic, guint16 minor, guint32 linktype);
void put_record(GByteArray *to, bool big, guint32 seconds, guint32 captured);
GByteArray *build_simple_pcap(guint32 records);
void put_block(GByteArray *to, bool big, guint32 type, GByteArray *body);
void put_section(GByteArray *to, bool big);
void put_option(GByteArray *to, bool big, guint16 code, const void *value, guint16 size);
void put_interface(GByteArray *to, bool big, guint16 linktype, const char *name, guint8 resolution);
void put_packet(GByteArray *to, bool big, guint32 interface, guint64 stamp);
void put_simple_packet(GByteArray *to, bool big, guint32 length);
GByteArray *build_two_sections(void);
GByteArray *build_gzip(const GByteArray *from);
void reading_clear(struct reading *reading);
struct reading read_all(struct capture_file *file, size_t batch);
struct reading read_octets(const guint8 *data, size_t size, size_t batch);
struct reading read_built(GByteArray *built);
const struct frame *frame_at(const struct reading *reading, guint index);
void assert_same(const struct reading *a, const struct reading *b);
void assert_damaged(const struct reading *reading, guint frames, const char *message);

#endif
