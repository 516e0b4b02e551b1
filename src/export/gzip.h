/* SPDX-License-Identifier: BSD-2-Clause */
/* One gzip member, made piece by piece. After every piece a reader can unpack all there is so far,
 * and the trailer may follow, so a file that could not go on is still a whole member. */
#ifndef WEIR_EXPORT_GZIP_H
#define WEIR_EXPORT_GZIP_H

#include <glib.h>
#include <stdbool.h>

#define GZIP_TRAILER 10

struct gzip;

typedef bool gzip_sink(void *data, const guint8 *octets, size_t length, GError **error);

struct gzip *gzip_new(gzip_sink *sink, void *data);
void gzip_free(struct gzip *gzip);

/* The first piece brings the head with it, even if it is empty. */
bool gzip_piece(struct gzip *gzip, const guint8 *octets, size_t length, GError **error);
/* What ends the member after the last piece that the sink took wholly. */
void gzip_trailer(const struct gzip *gzip, guint8 ret_trailer[GZIP_TRAILER]);

#endif
