/* SPDX-License-Identifier: BSD-2-Clause */
/* Octets in order, from a file, a pipe, memory, or gzip over any of these, seen through a
 * window: what is in it can be used in place, and it grows on request. */
#ifndef WEIR_CAPTURE_OCTET_SOURCE_H
#define WEIR_CAPTURE_OCTET_SOURCE_H

#include <glib.h>
#include <stdbool.h>

struct octet_source;

/* path "-" is standard input. */
struct octet_source *octet_source_open(const char *path, GError **error);
/* The memory stays the caller's and must outlive the source. */
struct octet_source *octet_source_from_memory(const void *data, size_t size);
void octet_source_free(struct octet_source *source);

/* The octets at hand; valid until the next want. */
const guint8 *octet_source_window(const struct octet_source *source, size_t *ret_size);
/* The octets before next, which lies in the window or at its end, are done with. */
void octet_source_advance(struct octet_source *source, const guint8 *next);
/* Makes the window at least need octets long; false when the octets end before that. Memory is
 * taken as octets come, never because need says so. */
bool octet_source_want(struct octet_source *source, size_t need);

/* Why the octets ended, if not in good order; NULL otherwise. */
const char *octet_source_fault(const struct octet_source *source);
/* Offset of the window, in the uncompressed octets. */
guint64 octet_source_position(const struct octet_source *source);
bool octet_source_is_gzip(const struct octet_source *source);

/* Progress on disk; the size is 0 where it is not known. */
guint64 octet_source_disk_position(const struct octet_source *source);
guint64 octet_source_disk_size(const struct octet_source *source);

#endif
