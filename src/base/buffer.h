/* SPDX-License-Identifier: BSD-2-Clause */
/* Octets in network order, by byte operations: no casts, no alignment to think about. */
#ifndef WEIR_BASE_BUFFER_H
#define WEIR_BASE_BUFFER_H

#include <glib.h>

static inline guint16 load_be16(const void *from)
{
	const guint8 *b = from;

	return (guint16)(b[0] << 8 | b[1]);
}

static inline guint32 load_be32(const void *from)
{
	const guint8 *b = from;

	return (guint32)b[0] << 24 | (guint32)b[1] << 16 | (guint32)b[2] << 8 | b[3];
}

static inline guint16 load_le16(const void *from)
{
	const guint8 *b = from;

	return (guint16)(b[1] << 8 | b[0]);
}

static inline guint32 load_le32(const void *from)
{
	const guint8 *b = from;

	return (guint32)b[3] << 24 | (guint32)b[2] << 16 | (guint32)b[1] << 8 | b[0];
}

static inline guint64 load_le64(const void *from)
{
	const guint8 *b = from;

	return (guint64)load_le32(b + 4) << 32 | load_le32(b);
}

static inline void store_be16(void *to, guint16 value)
{
	guint8 *b = to;

	b[0] = (guint8)(value >> 8);
	b[1] = (guint8)value;
}

static inline void store_be32(void *to, guint32 value)
{
	store_be16(to, (guint16)(value >> 16));
	store_be16((guint8 *)to + 2, (guint16)value);
}

#endif
