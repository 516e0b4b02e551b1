/* SPDX-License-Identifier: BSD-2-Clause */
/* What point-to-point lines speak: PPP; and IEEE 802.2, which is older than EtherTypes. */
#include "capture/link_view.h"

#define ETHERTYPE_MPLS	    0x8847
#define ETHERTYPE_MPLS_MANY 0x8848

enum ppp_protocol {
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_MANY = 0x0283,
};

/* Saps. */
#define SNAP   0xaa
#define SAP_IP 0x06
#define UI     0x03

enum link_found link_llc(struct link_view *view)
{
	const guint8 *llc = view->at;

	if (!link_skip(view, 3))
		return LINK_CUT;
	if (llc[0] == SAP_IP && llc[1] == SAP_IP && llc[2] == UI)
		return LINK_IP;
	if (llc[0] != SNAP || llc[1] != SNAP || llc[2] != UI)
		return LINK_NOT_IP;
	if (!link_skip(view, 5))
		return LINK_CUT;
	/* EtherTypes are the organisation 0's, and that of bridges between Ethernets. */
	if (llc[3] != 0 || llc[4] != 0 || (llc[5] != 0 && llc[5] != 0xf8))
		return LINK_NOT_IP;
	return link_is(view, load_be16(llc + 6));
}

/* Compressed, a protocol is one octet, and odd; the first of two is even. */
static bool ppp_protocol(struct link_view *view, guint16 *ret_protocol)
{
	if (link_has(view, 1) && view->at[0] & 1) {
		*ret_protocol = view->at[0];
		return link_skip(view, 1);
	}
	if (!link_has(view, 2))
		return false;
	*ret_protocol = load_be16(view->at);
	return link_skip(view, 2);
}

enum link_found link_ppp(struct link_view *view)
{
	guint16 protocol;

	if (link_has(view, 2) && view->at[0] == 0xff && view->at[1] == UI)
		view->at += 2;
	if (!ppp_protocol(view, &protocol))
		return LINK_CUT;
	switch (protocol) {
	case PPP_IPV4:
	case PPP_IPV6:
		return LINK_IP;
	case PPP_MPLS:
		return link_is(view, ETHERTYPE_MPLS);
	case PPP_MPLS_MANY:
		return link_is(view, ETHERTYPE_MPLS_MANY);
	default:
		return LINK_NOT_IP;
	}
}
