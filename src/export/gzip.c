/* SPDX-License-Identifier: BSD-2-Clause */
/* Head and trailer of RFC 1952 around the bare octets of zlib: zlib's own framing knows no way back
 * to the state before a piece that could not be written. */
#include "export/gzip.h"

#include <zlib.h>

#define CHUNK  (64 * 1024)
/* The export thread must keep up with the meter: fast before small. */
#define LEVEL  Z_BEST_SPEED
#define WINDOW (-15) /* zlib: largest window, no framing */
#define MEMORY 8

struct gzip {
	z_stream stream;
	gzip_sink *sink;
	void *data;
	bool begun;	/* the head is out */
	guint32 check;	/* of all pieces */
	guint32 length; /* of all pieces, modulo 2^32 */
	guint8 chunk[CHUNK];
};

struct gzip *gzip_new(gzip_sink *sink, void *data)
{
	struct gzip *gzip = g_new0(struct gzip, 1);

	gzip->sink = sink;
	gzip->data = data;
	if (deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		g_error("zlib cannot begin: out of memory"); /* as GLib does */
	return gzip;
}

void gzip_free(struct gzip *gzip)
{
	if (gzip == NULL)
		return;
	deflateEnd(&gzip->stream);
	g_free(gzip);
}

/* No name and no time in it: the same octets give the same file. */
static bool begin(struct gzip *gzip, GError **error)
{
	static const guint8 head[] = { 0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 4, 3 };

	if (gzip->begun)
		return true;
	gzip->begun = gzip->sink(gzip->data, head, sizeof(head), error);
	return gzip->begun;
}

bool gzip_piece(struct gzip *gzip, const guint8 *octets, size_t length, GError **error)
{
	z_stream *stream = &gzip->stream;

	if (!begin(gzip, error))
		return false;
	if (length == 0)
		return true;
	stream->next_in = (Bytef *)octets; /* zlib does not write there */
	stream->avail_in = (uInt)length;
	do {
		stream->next_out = gzip->chunk;
		stream->avail_out = CHUNK;
		deflate(stream, Z_SYNC_FLUSH);
		if (!gzip->sink(gzip->data, gzip->chunk, CHUNK - stream->avail_out, error))
			return false;
	} while (stream->avail_out == 0);
	gzip->check = (guint32)crc32(gzip->check, octets, (uInt)length);
	gzip->length += (guint32)length;
	return true;
}

static void store_le32(guint8 *to, guint32 number)
{
	for (int i = 0; i < 4; i++, number >>= 8)
		to[i] = (guint8)number;
}

void gzip_trailer(const struct gzip *gzip, guint8 ret_trailer[GZIP_TRAILER])
{
	/* The last block, which is empty. */
	ret_trailer[0] = 3;
	ret_trailer[1] = 0;
	store_le32(ret_trailer + 2, gzip->check);
	store_le32(ret_trailer + 6, gzip->length);
}
