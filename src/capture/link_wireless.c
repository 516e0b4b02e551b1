/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE 802.11 data frames in clear, and what captures put before them. */
#include "capture/link_view.h"

enum frame_control {
	CONTROL_VERSION = 0x03,
	CONTROL_TYPE = 0x0c,
	CONTROL_DATA = 0x08,
	CONTROL_NO_DATA = 0x40,
	CONTROL_QOS = 0x80,
};

enum frame_flags {
	TO_DISTRIBUTION = 0x01,
	FROM_DISTRIBUTION = 0x02,
	PROTECTED = 0x40,
	ORDERED = 0x80, /* with quality of service: another control field follows */
};

#define HEADER	       24
#define QOS_AGGREGATED 0x80 /* the payload is several frames (A-MSDU) */
#define SUBFRAME       14
#define FRAGMENT       0x0f

#define PRISM_LENGTH 144
#define AVS_CODES    0x80211000

enum radiotap {
	RADIOTAP_CLOCK = 1u << 0, /* eight octets, before the flags */
	RADIOTAP_FLAGS = 1u << 1,
	RADIOTAP_MORE = 1u << 31,
	RADIOTAP_PADDED = 0x20, /* in the flags */
};

/* Where the addresses stand depends on whether the frame enters or leaves the wired network. */
static void find_addresses(struct link_view *view, const guint8 *header)
{
	const guint8 flags = header[1];
	const guint8 *const first = header + 4;
	const guint8 *const second = header + 10;
	const guint8 *const third = header + 16;

	view->destination = flags & TO_DISTRIBUTION ? third : first;
	if (!(flags & FROM_DISTRIBUTION))
		view->source = second;
	else
		view->source = flags & TO_DISTRIBUTION ? header + HEADER : third;
}

static size_t header_octets(const guint8 *header)
{
	const guint8 both = TO_DISTRIBUTION | FROM_DISTRIBUTION;
	size_t octets = HEADER;

	if ((header[1] & both) == both)
		octets += LINK_MAC;
	if (header[0] & CONTROL_QOS)
		octets += header[1] & ORDERED ? 6 : 2;
	return octets;
}

/* One frame is one packet of the account, as it is one of the capture: of a frame that carries
 * several, each metered as a packet would be one too many in either equation. */
static enum link_found aggregated(struct link_view *view)
{
	const guint8 *subframe = view->at;
	size_t octets;

	if (!link_skip(view, SUBFRAME))
		return LINK_CUT;
	octets = load_be16(subframe + 12);
	/* What follows the only one may be its padding and the frame's checksum. */
	if ((size_t)(view->end - view->at) >= (octets + 3) / 4 * 4 + SUBFRAME)
		return LINK_AGGREGATE;
	view->destination = subframe;
	view->source = subframe + LINK_MAC;
	return link_llc(view);
}

enum link_found link_wireless(struct link_view *view, bool padded)
{
	const guint8 *header = view->at;
	size_t octets;

	if (!link_has(view, 2))
		return LINK_CUT;
	if ((header[0] & (CONTROL_VERSION | CONTROL_TYPE | CONTROL_NO_DATA)) != CONTROL_DATA ||
	    header[1] & PROTECTED)
		return LINK_NOT_IP;
	octets = header_octets(header);
	if (!link_skip(view, padded ? (octets + 3) / 4 * 4 : octets))
		return LINK_CUT;
	if (header[22] & FRAGMENT)
		return LINK_NOT_IP; /* without the header that the first one has */
	find_addresses(view, header);
	if (header[0] & CONTROL_QOS &&
	    header[octets - (header[1] & ORDERED ? 6 : 2)] & QOS_AGGREGATED)
		return aggregated(view);
	return link_llc(view);
}

/* The flags are behind the words that say what is there, and behind the clock, which is aligned. */
static bool radiotap_padded(const guint8 *header, size_t size)
{
	guint32 present = load_le32(header + 4);
	guint32 more = present;
	size_t at = 8;

	while (more & RADIOTAP_MORE) {
		if (at + 4 > size)
			return false;
		more = load_le32(header + at);
		at += 4;
	}
	if (present & RADIOTAP_CLOCK)
		at = (at + 7) / 8 * 8 + 8;
	return present & RADIOTAP_FLAGS && at < size && header[at] & RADIOTAP_PADDED;
}

enum link_found link_radiotap(struct link_view *view)
{
	const guint8 *header = view->at;
	size_t size;

	if (!link_has(view, 8))
		return LINK_CUT;
	size = load_le16(header + 2);
	if (header[0] != 0 || size < 8)
		return LINK_NOT_IP;
	if (!link_skip(view, size))
		return LINK_CUT;
	return link_wireless(view, radiotap_padded(header, size));
}

enum link_found link_avs(struct link_view *view)
{
	if (!link_has(view, 8))
		return LINK_CUT;
	if (!link_skip(view, MAX(load_be32(view->at + 4), 8u)))
		return LINK_CUT;
	return link_wireless(view, false);
}

/* In the order of the host that captured; some drivers have AVS headers under this link type. */
enum link_found link_prism(struct link_view *view)
{
	guint32 code;

	if (!link_has(view, 8))
		return LINK_CUT;
	code = load_be32(view->at);
	if ((code & 0xfffff000) == AVS_CODES)
		return link_avs(view);
	if (!link_skip(view, PRISM_LENGTH))
		return LINK_CUT;
	return link_wireless(view, false);
}
