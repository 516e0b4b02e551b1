/* SPDX-License-Identifier: BSD-2-Clause */
/* What is IP is metered where it lies; what only an EtherType or MAC addresses
 * would tell gets an Ethernet header, in a copy, since the octets belong to the reader. So the
 * meter has two kinds of link only, and what it reads behind Ethernet it reads behind every link.
 */
#include "capture/link_strip.h"

#include <pcap/pcap.h>
#include <string.h>

#include "capture/link_view.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERNET       14

struct link_strip {
	GPtrArray *copies;
};

/* The frame goes on at view->at; octets of a header made for it count as nothing. */
static void go_on(struct frame *frame, const struct link_view *view, size_t made)
{
	const gint64 before = (view->at - frame->data) - (gint64)made;
	const gint16 outer =
		(gint16)CLAMP(MIN(before, (gint64)frame->length), G_MININT16, G_MAXINT16);

	frame->captured = (guint32)(view->end - view->at) + (guint32)made;
	frame->length -= (guint32)outer;
	frame->outer = outer;
	frame->data = view->at;
}

static enum meter_verdict go_on_as(struct frame *frame, const struct link_view *view,
				   enum meter_link link)
{
	go_on(frame, view, 0);
	frame->link = (guint8)link;
	return METER_OK;
}

static enum meter_verdict go_on_copied(struct link_strip *strip, struct frame *frame,
				       const struct link_view *view)
{
	const size_t octets = (size_t)(view->end - view->at);
	guint8 *copy = g_malloc0(ETHERNET + octets);

	if (view->destination)
		memcpy(copy, view->destination, LINK_MAC);
	if (view->source)
		memcpy(copy + LINK_MAC, view->source, LINK_MAC);
	store_be16(copy + 2 * LINK_MAC, view->type);
	memcpy(copy + ETHERNET, view->at, octets);
	g_ptr_array_add(strip->copies, copy);
	go_on(frame, view, ETHERNET);
	frame->data = copy;
	frame->link = METER_LINK_ETHERNET;
	return METER_OK;
}

static bool has_version(const struct link_view *view, guint version)
{
	return link_has(view, 1) && view->at[0] >> 4 == version;
}

/* Where only the IP header counts, it need not be copied. */
static bool is_bare(const struct link_view *view)
{
	if (view->destination || view->source)
		return false;
	return (view->type == ETHERTYPE_IPV4 && has_version(view, 4)) ||
	       (view->type == ETHERTYPE_IPV6 && has_version(view, 6));
}

enum meter_verdict link_strip_frame(struct link_strip *strip, struct frame *frame)
{
	struct link_view view = { .at = frame->data, .end = frame->data + frame->captured };

	switch (link_strip_headers(&view, frame->linktype)) {
	case LINK_IP:
		view.type = has_version(&view, 6) ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
		return view.source ? go_on_copied(strip, frame, &view)
				   : go_on_as(frame, &view, METER_LINK_IP);
	case LINK_ETHERTYPE:
		return is_bare(&view) ? go_on_as(frame, &view, METER_LINK_IP)
				      : go_on_copied(strip, frame, &view);
	case LINK_ETHERNET:
		return go_on_as(frame, &view, METER_LINK_ETHERNET);
	case LINK_CUT:
		return METER_TRUNCATED;
	case LINK_NOT_IP:
		return METER_NOT_IP;
	case LINK_AGGREGATE:
		return METER_AGGREGATE;
	default:
		return METER_LINK_TYPE;
	}
}

struct link_strip *link_strip_new(void)
{
	struct link_strip *strip = g_new0(struct link_strip, 1);

	strip->copies = g_ptr_array_new_with_free_func(g_free);
	return strip;
}

void link_strip_free(struct link_strip *strip)
{
	if (!strip)
		return;
	g_ptr_array_unref(strip->copies);
	g_free(strip);
}

void link_strip_begin(struct link_strip *strip)
{
	g_ptr_array_set_size(strip->copies, 0);
}

char *link_strip_describe(guint16 linktype)
{
	const char *name = pcap_datalink_val_to_name(linktype);
	const char *what = pcap_datalink_val_to_description(linktype);

	if (!name)
		return g_strdup_printf("%u, which libpcap does not know either", linktype);
	return g_strdup_printf("%u (%s: %s)", linktype, name, what ? what : "no description");
}
