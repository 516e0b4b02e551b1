/* SPDX-License-Identifier: BSD-2-Clause */
/* What the formats of capture files have in common: they turn octets at hand into frames, and do
 * no input of their own. */
#ifndef WEIR_CAPTURE_CAPTURE_FORMAT_H
#define WEIR_CAPTURE_CAPTURE_FORMAT_H

#include <glib.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "capture/frame.h"

#define CAPTURE_MAX_OCTETS     (256 * 1024) /* of a packet, where its link type says nothing else */
#define CAPTURE_MAX_INTERFACES G_MAXUINT16  /* what a frame can say */

/* One pass over the octets at hand. */
struct capture_pass {
	/* Set by the caller; at moves on over what was read. */
	const guint8 *at;
	const guint8 *end;
	struct frame *frames;
	size_t max;
	/* Set by the format. It stops when frames are full, or need more octets, or at a fault. */
	size_t count;
	size_t need; /* octets from at on to go further */
	char *fault; /* what is wrong at `at`; the caller frees it */
};

struct capture_format {
	/* The first octets of a file; ends the search among formats. */
	bool (*recognise)(const guint8 *start, size_t size);
	/* Takes the file's header at pass->at, if it has one of its own, and returns the state.
	 * NULL: pass->need or pass->fault say why. */
	void *(*begin)(struct capture_pass *pass);
	void (*read)(void *state, struct capture_pass *pass);
	void (*free)(void *state);
	size_t (*interfaces)(const void *state);
	/* index from 1, known to exist */
	const char *(*interface_name)(const void *state, size_t index);
	guint32 (*interface_linktype)(const void *state, size_t index);
};

static inline enum meter_link capture_link(guint32 linktype)
{
	switch (linktype) {
	case 1:
		return METER_LINK_ETHERNET;
	case 12:  /* raw IP, as most systems number it */
	case 14:  /* as OpenBSD does */
	case 101: /* as files should */
	case 228: /* IPv4 only */
	case 229: /* IPv6 only */
		return METER_LINK_IP;
	default:
		return METER_LINK_OTHER;
	}
}

/* None that is known has a number beyond. */
static inline guint16 capture_linktype(guint32 linktype)
{
	return (guint16)MIN(linktype, (guint32)G_MAXUINT16);
}

/* The caller's swapped is a constant, so that one of the two remains. */
static inline guint16 capture_load16(const guint8 *from, bool swapped)
{
	guint16 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return swapped ? GUINT16_SWAP_LE_BE(value) : value;
}

static inline guint32 capture_load32(const guint8 *from, bool swapped)
{
	guint32 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return swapped ? GUINT32_SWAP_LE_BE(value) : value;
}

static inline guint64 capture_load64(const guint8 *from, bool swapped)
{
	guint64 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return swapped ? GUINT64_SWAP_LE_BE(value) : value;
}

#endif
