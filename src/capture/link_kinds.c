/* SPDX-License-Identifier: BSD-2-Clause */
/* A row a link type. */
#include "capture/link_view.h"

#define ETHERTYPE_MPLS 0x8847
#define NESTED_MOST    4 /* link types in link types */

/* --- loopbacks --- */

/* Address families of IPv6 where BSD came by it: NetBSD, FreeBSD, Darwin; Linux; Windows. */
static bool is_family(guint32 family)
{
	static const guint32 families[] = { 2, 24, 28, 30, 10, 23 };

	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		if (family == families[i])
			return true;
	}
	return false;
}

/* In the order of the host that captured, which the frame does not tell. */
static enum link_found strip_null(struct link_view *view)
{
	const guint8 *family = view->at;

	if (!link_skip(view, 4))
		return LINK_CUT;
	return is_family(load_le32(family)) || is_family(load_be32(family)) ? LINK_IP : LINK_NOT_IP;
}

static enum link_found strip_enc(struct link_view *view)
{
	enum link_found found = strip_null(view);

	return found == LINK_IP && !link_skip(view, 8) ? LINK_CUT : found;
}

static enum link_found strip_pflog(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_has(view, 2))
		return LINK_CUT;
	if (!link_skip(view, (header[0] + 3u) / 4 * 4))
		return LINK_CUT;
	return is_family(header[1]) ? LINK_IP : LINK_NOT_IP;
}

/* --- Linux --- */

enum cooked {
	COOKED_LLC = 0x0004,   /* in the EtherType's place */
	COOKED_WIRELESS = 801, /* kinds of device, whose types are others */
	COOKED_RADIOTAP = 803,
	COOKED_NETLINK = 824,
};

static enum link_found cooked(struct link_view *view, guint16 device, guint16 protocol)
{
	switch (device) {
	case COOKED_WIRELESS:
		return link_wireless(view, false);
	case COOKED_RADIOTAP:
		return link_radiotap(view);
	case COOKED_NETLINK:
		return LINK_NOT_IP;
	default:
		return protocol == COOKED_LLC ? link_llc(view) : link_is(view, protocol);
	}
}

static enum link_found strip_cooked(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_skip(view, 16))
		return LINK_CUT;
	return cooked(view, load_be16(header + 2), load_be16(header + 14));
}

static enum link_found strip_cooked_2(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_skip(view, 20))
		return LINK_CUT;
	return cooked(view, load_be16(header + 8), load_be16(header));
}

enum nflog {
	NFLOG_HEADER = 4,
	NFLOG_PAYLOAD = 9,
	NFLOG_IPV4 = 2,
	NFLOG_IPV6 = 10,
};

/* Attributes, in the order of the host that captured. */
static enum link_found nflog_payload(struct link_view *view, bool swapped)
{
	while (link_has(view, NFLOG_HEADER)) {
		guint16 octets = swapped ? load_be16(view->at) : load_le16(view->at);
		guint16 type = swapped ? load_be16(view->at + 2) : load_le16(view->at + 2);

		if (octets < NFLOG_HEADER)
			return LINK_NOT_IP;
		if ((type & 0x7fff) == NFLOG_PAYLOAD) {
			view->at += NFLOG_HEADER;
			return LINK_IP;
		}
		if (!link_skip(view, (octets + 3u) / 4 * 4))
			return LINK_CUT;
	}
	return LINK_NOT_IP;
}

static enum link_found strip_nflog(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_skip(view, NFLOG_HEADER + NFLOG_HEADER))
		return LINK_CUT;
	if (header[1] != 0 || (header[0] != NFLOG_IPV4 && header[0] != NFLOG_IPV6))
		return LINK_NOT_IP;
	view->at = header + NFLOG_HEADER;
	/* No attribute is as long as a length in the wrong order: those before the payload are
	 * short. */
	return nflog_payload(view, load_le16(view->at) > load_be16(view->at));
}

/* --- lines --- */

enum hdlc {
	HDLC_UNICAST = 0x0f,
	HDLC_BROADCAST = 0x8f,
	HDLC_PPP = 0xff,
};

static enum link_found strip_hdlc(struct link_view *view)
{
	const guint8 *header = view->at;

	if (link_has(view, 1) && header[0] == HDLC_PPP)
		return link_ppp(view);
	if (!link_skip(view, 4))
		return LINK_CUT;
	return link_is(view, load_be16(header + 2));
}

static enum link_found strip_hdlc_directed(struct link_view *view)
{
	return link_skip(view, 1) ? strip_hdlc(view) : LINK_CUT;
}

static enum link_found strip_ppp(struct link_view *view)
{
	const bool hdlc = link_has(view, 2) && view->at[1] == 0 &&
			  (view->at[0] == HDLC_UNICAST || view->at[0] == HDLC_BROADCAST);

	return hdlc ? strip_hdlc(view) : link_ppp(view);
}

static enum link_found strip_ppp_directed(struct link_view *view)
{
	return link_skip(view, 1) ? strip_ppp(view) : LINK_CUT;
}

/* The direction has taken the address' place, which is always the same. */
static enum link_found strip_pppd(struct link_view *view)
{
	if (!link_has(view, 2))
		return LINK_CUT;
	view->at += view->at[1] == 0x03 ? 2 : 1;
	return link_ppp(view);
}

static enum link_found strip_pppoe(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_skip(view, 6))
		return LINK_CUT;
	return header[0] == 0x11 && header[1] == 0 ? link_ppp(view) : LINK_NOT_IP;
}

enum frame_relay {
	RELAY_LAST = 1, /* of the address */
	RELAY_ADDRESS_MOST = 4,
	RELAY_CONTROL = 0x03,
	RELAY_IPV4 = 0xcc, /* network layer protocol identifiers */
	RELAY_IPV6 = 0x8e,
	RELAY_SNAP = 0x80,
};

static enum link_found relay_protocol(struct link_view *view)
{
	const guint8 *snap;

	if (link_has(view, 1) && view->at[0] == 0)
		view->at++; /* padding */
	if (!link_has(view, 1))
		return LINK_CUT;
	switch (*view->at++) {
	case RELAY_IPV4:
	case RELAY_IPV6:
		return LINK_IP;
	case RELAY_SNAP:
		snap = view->at;
		if (!link_skip(view, 5))
			return LINK_CUT;
		return snap[0] || snap[1] || snap[2] ? LINK_NOT_IP
						     : link_is(view, load_be16(snap + 3));
	default:
		return LINK_NOT_IP;
	}
}

/* RFC 2427; or, as Cisco has it, an EtherType behind the address. */
static enum link_found strip_frame_relay(struct link_view *view)
{
	size_t address = 0;

	while (link_has(view, address + 1) && address < RELAY_ADDRESS_MOST &&
	       !(view->at[address] & RELAY_LAST))
		address++;
	if (!link_skip(view, address + 2))
		return LINK_CUT;
	view->at--;
	if (view->at[0] == RELAY_CONTROL) {
		view->at++;
		return relay_protocol(view);
	}
	if (!link_skip(view, 2))
		return LINK_CUT;
	return link_is(view, load_be16(view->at - 2));
}

static enum link_found strip_frame_relay_directed(struct link_view *view)
{
	return link_skip(view, 1) ? strip_frame_relay(view) : LINK_CUT;
}

/* --- rings and others with IEEE 802.2 --- */

static enum link_found strip_fddi(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_skip(view, 1 + 2 * LINK_MAC))
		return LINK_CUT;
	if ((header[0] & 0xf0) != 0x50)
		return LINK_NOT_IP;
	view->destination = header + 1;
	view->source = header + 1 + LINK_MAC;
	return link_llc(view);
}

static enum link_found strip_token_ring(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_skip(view, 2 + 2 * LINK_MAC))
		return LINK_CUT;
	if ((header[1] & 0xc0) != 0x40)
		return LINK_NOT_IP;
	if (header[2 + LINK_MAC] & 0x80) { /* a route, whose length comes first */
		if (!link_has(view, 1) || !link_skip(view, MAX(view->at[0] & 0x1f, 2)))
			return LINK_CUT;
	}
	view->destination = header + 2;
	return link_llc(view);
}

static enum link_found strip_fibre_channel(struct link_view *view)
{
	return link_skip(view, 16) ? link_llc(view) : LINK_CUT;
}

static enum link_found strip_firewire(struct link_view *view)
{
	if (!link_skip(view, 18))
		return LINK_CUT;
	return link_is(view, load_be16(view->at - 2));
}

static enum link_found strip_mpls(struct link_view *view)
{
	return link_is(view, ETHERTYPE_MPLS);
}

static enum link_found strip_padded_wireless(struct link_view *view)
{
	return link_wireless(view, false);
}

/* --- headers before another link type's --- */

static enum link_found another(struct link_view *view, guint32 linktype)
{
	view->type = (guint16)MIN(linktype, (guint32)G_MAXUINT16);
	return LINK_ANOTHER;
}

static enum link_found strip_ppi(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_has(view, 8) || !link_skip(view, MAX(load_le16(header + 2), 8)))
		return LINK_CUT;
	return another(view, load_le32(header + 4));
}

static enum link_found strip_pktap(struct link_view *view)
{
	const guint8 *header = view->at;

	if (!link_has(view, 12) || !link_skip(view, MAX(load_le32(header), 12u)))
		return LINK_CUT;
	return another(view, load_le32(header + 8));
}

static enum link_found ethernet_behind(struct link_view *view, size_t octets)
{
	return link_skip(view, octets) ? LINK_ETHERNET : LINK_CUT;
}

static enum link_found strip_4_octets(struct link_view *view)
{
	return ethernet_behind(view, 4);
}

static enum link_found strip_transparent(struct link_view *view)
{
	return ethernet_behind(view, 12); /* with preamble and delimiter */
}

static enum link_found strip_mpacket(struct link_view *view)
{
	return ethernet_behind(view, 8);
}

static enum link_found strip_ipnet(struct link_view *view)
{
	return link_skip(view, 24) ? LINK_IP : LINK_CUT;
}

enum erf {
	ERF_HEADER = 16,
	ERF_MORE = 0x80, /* an extension header of 8 octets follows */
	ERF_HDLC = 1,
	ERF_ETHERNET = 2,
	ERF_IPV4 = 22,
	ERF_IPV6 = 23,
};

static enum link_found strip_erf(struct link_view *view)
{
	const guint8 *header = view->at;
	bool more;

	if (!link_skip(view, ERF_HEADER))
		return LINK_CUT;
	for (more = header[8] & ERF_MORE; more; more = view->at[-8] & ERF_MORE) {
		if (!link_skip(view, 8))
			return LINK_CUT;
	}
	switch (header[8] & ~ERF_MORE) {
	case ERF_HDLC:
		return strip_hdlc(view);
	case ERF_ETHERNET:
		return ethernet_behind(view, 2);
	case ERF_IPV4:
	case ERF_IPV6:
		return LINK_IP;
	default:
		return LINK_NOT_IP;
	}
}

/* A switch's own tag behind the addresses. */
static enum link_found strip_switch_tag(struct link_view *view)
{
	const guint8 *header = view->at;
	const size_t tag = view->type == 284 ? 8 : 4;

	if (!link_skip(view, 2 * LINK_MAC + tag + 2))
		return LINK_CUT;
	view->destination = header;
	view->source = header + LINK_MAC;
	return link_is(view, load_be16(view->at - 2));
}

static enum link_found is_ethernet(struct link_view *view)
{
	(void)view;
	return LINK_ETHERNET;
}

static enum link_found is_ip(struct link_view *view)
{
	(void)view;
	return LINK_IP;
}

static const struct row {
	guint16 linktype;
	enum link_found (*strip)(struct link_view *view);
} rows[] = {
	{ 0, strip_null },
	{ 1, is_ethernet }, /* 1, 12, 14, 101, 228, 229: inside of others */
	{ 6, strip_token_ring },
	{ 9, strip_ppp },
	{ 10, strip_fddi },
	{ 12, is_ip },
	{ 14, is_ip },
	{ 50, strip_ppp },
	{ 51, strip_pppoe },
	{ 100, link_llc },
	{ 101, is_ip },
	{ 104, strip_hdlc },
	{ 105, strip_padded_wireless },
	{ 107, strip_frame_relay },
	{ 108, strip_null },
	{ 109, strip_enc },
	{ 113, strip_cooked },
	{ 117, strip_pflog },
	{ 119, link_prism },
	{ 122, strip_fibre_channel },
	{ 127, link_radiotap },
	{ 138, strip_firewire },
	{ 149, strip_pktap }, /* as Darwin numbers it */
	{ 163, link_avs },
	{ 166, strip_pppd },
	{ 192, strip_ppi },
	{ 197, strip_erf },
	{ 204, strip_ppp_directed },
	{ 205, strip_hdlc_directed },
	{ 206, strip_frame_relay_directed },
	{ 219, strip_mpls },
	{ 226, strip_ipnet },
	{ 228, is_ip },
	{ 229, is_ip },
	{ 239, strip_nflog },
	{ 240, strip_4_octets },
	{ 241, strip_transparent },
	{ 258, strip_pktap },
	{ 274, strip_mpacket },
	{ 276, strip_cooked_2 },
	{ 281, strip_switch_tag },
	{ 282, strip_4_octets },
	{ 283, strip_switch_tag },
	{ 284, strip_switch_tag },
};

static enum link_found strip_one(struct link_view *view, guint16 linktype)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].linktype == linktype) {
			view->type = linktype;
			return rows[i].strip(view);
		}
	}
	return LINK_UNREAD;
}

enum link_found link_strip_headers(struct link_view *view, guint16 linktype)
{
	enum link_found found = strip_one(view, linktype);

	for (int i = 1; found == LINK_ANOTHER; i++)
		found = i < NESTED_MOST ? strip_one(view, view->type) : LINK_UNREAD;
	return found;
}
