/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside link_strip.c and the link_*.c beside it: a frame while its link headers are taken off. */
#ifndef WEIR_CAPTURE_LINK_VIEW_H
#define WEIR_CAPTURE_LINK_VIEW_H

#include <stdbool.h>

#include "base/buffer.h"
#include "capture/frame.h"

#define LINK_MAC 6

/* What lies at view->at now. */
enum link_found {
	LINK_ETHERTYPE, /* what view->type says */
	LINK_IP,	/* an IP header; its version says which */
	LINK_ETHERNET,
	LINK_ANOTHER,	/* a frame of link type view->type */
	LINK_NOT_IP,	/* nothing for the meter */
	LINK_AGGREGATE, /* several frames */
	LINK_CUT,	/* the capture ends within a link header */
	LINK_UNREAD,	/* a link type that is not read */
};

struct link_view {
	const guint8 *at;
	const guint8 *end;
	guint16 type;
	const guint8 *destination; /* MAC addresses; NULL: not known */
	const guint8 *source;
};

/* Goes on by so many octets; false: they are not there. */
static inline bool link_skip(struct link_view *view, size_t octets)
{
	if ((size_t)(view->end - view->at) < octets)
		return false;
	view->at += octets;
	return true;
}

static inline bool link_has(const struct link_view *view, size_t octets)
{
	return (size_t)(view->end - view->at) >= octets;
}

static inline enum link_found link_is(struct link_view *view, guint16 ethertype)
{
	view->type = ethertype;
	return LINK_ETHERTYPE;
}

/* All link headers of a frame of this link type. */
enum link_found link_strip_headers(struct link_view *view, guint16 linktype);

/* IEEE 802.2 with or without SNAP; what IP comes in. */
enum link_found link_llc(struct link_view *view);
/* From PPP's protocol number on, which address and control may precede. */
enum link_found link_ppp(struct link_view *view);
/* IEEE 802.11, from frame control on. padded: the header is filled up to a multiple of 4. */
enum link_found link_wireless(struct link_view *view, bool padded);
enum link_found link_radiotap(struct link_view *view);
enum link_found link_prism(struct link_view *view);
enum link_found link_avs(struct link_view *view);

#endif
