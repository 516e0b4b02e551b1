/* SPDX-License-Identifier: BSD-2-Clause */
/* Made traffic as a pcap file: a header and 16 octets before each frame, in host byte order. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "setup/bench/traffic.h"

#define WRITE_BUFFER		(1 << 20)
#define PCAP_MAGIC_MICROSECONDS 0xa1b2c3d4
#define PCAP_MAGIC_NANOSECONDS	0xa1b23c4d
#define PCAP_LINKTYPE_ETHERNET	1

struct pcap_header {
	guint32 magic;
	guint16 major;
	guint16 minor;
	guint32 zero[2];
	guint32 snap;
	guint32 linktype;
};

struct pcap_packet {
	guint32 seconds;
	guint32 fraction;
	guint32 captured;
	guint32 length;
};

_Static_assert(sizeof(struct pcap_header) == 24, "as in the file");
_Static_assert(sizeof(struct pcap_packet) == 16, "as in the file");

static bool write_all(FILE *file, struct traffic *traffic, enum traffic_resolution resolution)
{
	bool fine = resolution == TRAFFIC_NANOSECONDS;
	struct pcap_header header = {
		.magic = fine ? PCAP_MAGIC_NANOSECONDS : PCAP_MAGIC_MICROSECONDS,
		.major = 2,
		.minor = 4,
		.snap = TRAFFIC_SNAP_MAX,
		.linktype = PCAP_LINKTYPE_ETHERNET,
	};
	struct frame frame;

	if (fwrite(&header, sizeof(header), 1, file) != 1)
		return false;
	while (traffic_next(traffic, &frame)) {
		guint32 fraction = (guint32)(frame.time_ns % FLOW_SECOND_NS);
		struct pcap_packet packet = {
			.seconds = (guint32)(frame.time_ns / FLOW_SECOND_NS),
			.fraction = fine ? fraction : fraction / 1000,
			.captured = frame.captured,
			.length = frame.length,
		};

		if (fwrite(&packet, sizeof(packet), 1, file) != 1 ||
		    fwrite(frame.data, frame.captured, 1, file) != 1)
			return false;
	}
	return true;
}

bool traffic_write_pcap(struct traffic *traffic, const char *path,
			enum traffic_resolution resolution, GError **error)
{
	FILE *file = g_fopen(path, "wbe");
	bool written;

	if (!file) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", path, strerror(errno));
		return false;
	}
	written = write_all(file, traffic, resolution);
	/* Closing writes what is buffered, so it can be the one that fails. */
	if (fclose(file) || !written) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: traffic not written: %s",
			    path, strerror(errno));
		return false;
	}
	return true;
}
