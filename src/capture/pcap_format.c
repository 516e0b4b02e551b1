/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap: a header of 24 octets, then records of a header and the packet. The magic number tells
 * byte order, resolution and the length of the record header. The loop over records is written
 * once and compiled for each combination that is common, since a replay spends here what it does
 * not spend metering. */
#include "capture/pcap_format.h"

#define FILE_HEADER	   24
#define RECORD_HEADER	   16
#define LONG_RECORD_HEADER 24	      /* Kuznetzov's: interface, protocol and packet type follow */
#define LINKTYPE_MASK	   0x03ffffff /* above: whether frames end with a checksum */
#define VERSION_DGUX	   543

enum dialect {
	MICROSECONDS,
	NANOSECONDS,
	KUZNETZOV,
};

static const struct {
	guint32 magic;
	enum dialect dialect;
} magics[] = {
	{ 0xa1b2c3d4, MICROSECONDS },
	{ 0xa1b23c4d, NANOSECONDS },
	{ 0xa1b2cd34, KUZNETZOV },
};

/* The order of the two lengths changed with version 2.3; some writers changed only the number. */
enum length_order {
	CAPTURED_FIRST,
	LENGTH_FIRST,
	SMALLER_IS_CAPTURED,
};

struct pcap {
	guint32 linktype;
	guint32 max_captured;
	guint16 link;
	guint16 record_header;
	guint32 unit_ns;
	enum length_order order;
	bool swapped;
};

static bool find_magic(const guint8 *start, enum dialect *ret_dialect, bool *ret_swapped)
{
	for (size_t i = 0; i < G_N_ELEMENTS(magics); i++) {
		for (int swapped = 0; swapped < 2; swapped++) {
			if (capture_load32(start, swapped) != magics[i].magic)
				continue;
			*ret_dialect = magics[i].dialect;
			*ret_swapped = swapped;
			return true;
		}
	}
	return false;
}

static bool pcap_recognise(const guint8 *start, size_t size)
{
	enum dialect dialect;
	bool swapped;

	return size >= 4 && find_magic(start, &dialect, &swapped);
}

/* Longer packets are damage. The exceptions are buses whose packets do get that long. */
static guint32 max_captured(guint32 linktype)
{
	switch (linktype) {
	case 189: /* USB, Linux */
	case 220: /* USB, Linux, padded header */
	case 231: /* D-Bus */
	case 249: /* USBPcap */
		return 128 * 1024 * 1024;
	case 279: /* Elektrobit high-speed capture and replay */
		return 8 * 1024 * 1024;
	default:
		return CAPTURE_MAX_OCTETS;
	}
}

static enum length_order length_order(guint16 major, guint16 minor)
{
	if (major == VERSION_DGUX || minor < 3)
		return LENGTH_FIRST;
	return minor == 3 ? SMALLER_IS_CAPTURED : CAPTURED_FIRST;
}

static void *pcap_begin(struct capture_pass *pass)
{
	const guint8 *header = pass->at;
	enum dialect dialect;
	struct pcap *pcap;
	guint16 major;
	guint16 minor;
	bool swapped;

	pass->need = FILE_HEADER;
	if (pass->end - pass->at < FILE_HEADER || !find_magic(header, &dialect, &swapped))
		return NULL;
	major = capture_load16(header + 4, swapped);
	minor = capture_load16(header + 6, swapped);
	if (!(major == 2 && minor <= 4) && !(major == VERSION_DGUX && minor == 0)) {
		pass->fault = g_strdup_printf("pcap version %u.%u is not known", major, minor);
		return NULL;
	}
	pcap = g_new0(struct pcap, 1);
	pcap->linktype = capture_load32(header + 20, swapped) & LINKTYPE_MASK;
	pcap->max_captured = max_captured(pcap->linktype);
	pcap->link = (guint16)capture_link(pcap->linktype);
	pcap->record_header = dialect == KUZNETZOV ? LONG_RECORD_HEADER : RECORD_HEADER;
	pcap->unit_ns = dialect == NANOSECONDS ? 1 : 1000;
	pcap->order = length_order(major, minor);
	pcap->swapped = swapped;
	pass->at += FILE_HEADER;
	return pcap;
}

static inline void put_lengths(const guint8 *at, bool swapped, enum length_order order,
			       guint32 lengths[2])
{
	guint32 first = capture_load32(at + 8, swapped);
	guint32 second = capture_load32(at + 12, swapped);
	bool exchange = order == LENGTH_FIRST || (order == SMALLER_IS_CAPTURED && first > second);

	lengths[0] = exchange ? second : first;
	lengths[1] = exchange ? first : second;
}

/* The snapshot length of the file header is not asked: files lie about it, the record does not. */
static inline __attribute__((always_inline)) void
read_records(const struct pcap *pcap, struct capture_pass *pass, bool swapped,
	     enum length_order order, size_t header)
{
	const guint32 limit = pcap->max_captured;
	const guint64 unit_ns = pcap->unit_ns;
	const guint16 linktype = capture_linktype(pcap->linktype);
	const guint8 link = (guint8)pcap->link;
	const guint8 *at = pass->at;
	size_t count = 0;

	while (count < pass->max) {
		size_t left = (size_t)(pass->end - at);
		struct frame *frame = &pass->frames[count];
		guint32 lengths[2];

		if (G_UNLIKELY(left < header)) {
			pass->need = header;
			break;
		}
		put_lengths(at, swapped, order, lengths);
		if (G_UNLIKELY(lengths[0] > limit)) {
			pass->fault = g_strdup_printf(
				"a packet of %u octets, where %u are possible", lengths[0], limit);
			break;
		}
		if (G_UNLIKELY(left - header < lengths[0])) {
			pass->need = header + lengths[0];
			break;
		}
		frame->data = at + header;
		frame->captured = lengths[0];
		frame->length = lengths[1];
		frame->time_ns = capture_load32(at, swapped) * FLOW_SECOND_NS +
				 capture_load32(at + 4, swapped) * unit_ns;
		frame->iface = 1;
		frame->link = link;
		frame->vlan = 0;
		frame->tag = 0;
		frame->linktype = linktype;
		frame->outer = 0;
		frame->outgoing = false;
		count++;
		at += header + lengths[0];
	}
	pass->count = count;
	pass->at = at;
}

static void pcap_read(void *state, struct capture_pass *pass)
{
	const struct pcap *pcap = state;

	if (pcap->order != CAPTURED_FIRST || pcap->record_header != RECORD_HEADER)
		read_records(pcap, pass, pcap->swapped, pcap->order, pcap->record_header);
	else if (pcap->swapped)
		read_records(pcap, pass, true, CAPTURED_FIRST, RECORD_HEADER);
	else
		read_records(pcap, pass, false, CAPTURED_FIRST, RECORD_HEADER);
}

static size_t pcap_interfaces(const void *state G_GNUC_UNUSED)
{
	return 1;
}

static const char *pcap_interface_name(const void *state G_GNUC_UNUSED, size_t index G_GNUC_UNUSED)
{
	return NULL;
}

static guint32 pcap_interface_linktype(const void *state, size_t index G_GNUC_UNUSED)
{
	return ((const struct pcap *)state)->linktype;
}

const struct capture_format pcap_format = {
	.recognise = pcap_recognise,
	.begin = pcap_begin,
	.read = pcap_read,
	.free = g_free,
	.interfaces = pcap_interfaces,
	.interface_name = pcap_interface_name,
	.interface_linktype = pcap_interface_linktype,
};
