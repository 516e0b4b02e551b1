/* SPDX-License-Identifier: BSD-2-Clause */
/* Live frames of one interface through a packet socket (TPACKET_V3), for machines where BPF is not
 * to be had. The kernel writes frames into a ring of blocks shared with this process; what finds no
 * room there is counted by the kernel. Received = read + dropped + still in the ring, exactly.
 *
 * Frames are what the host's network stack has: GRO merges incoming packets before they come here,
 * segmentation offload splits outgoing ones after. */
#ifndef WEIR_CAPTURE_AF_PACKET_H
#define WEIR_CAPTURE_AF_PACKET_H

#include <glib.h>
#include <stdbool.h>

#include "capture/frame.h"

struct af_packet;

enum af_packet_direction {
	AF_PACKET_BOTH, /* of a loopback interface each packet once, as it comes in */
	AF_PACKET_IN,
	AF_PACKET_OUT,
};

struct af_packet_options {
	size_t ring_bytes; /* 0: 16 MiB; rounded up to whole blocks */
	bool promiscuous;  /* while open */
	enum af_packet_direction direction;
	guint16 iface; /* struct frame.iface; 0: the kernel's own index */
};

/* Since af_packet_open(), over every af_packet_reopen(). The kernel counts packets only. */
struct af_packet_counts {
	guint64 packets; /* that came to the socket, those dropped included */
	guint64 drops;	 /* the ring had no room */
	guint64 read;	 /* given out by af_packet_read() */
	guint64 lost;	 /* in the ring of a socket that had to be given up */
};

struct af_packet *af_packet_open(const char *ifname, const struct af_packet_options *options,
				 GError **error);
void af_packet_free(struct af_packet *af);

/* To poll for reading. Another one after af_packet_reopen(). */
int af_packet_fd(const struct af_packet *af);
/* The kernel's index of the interface. */
int af_packet_ifindex(const struct af_packet *af);

/* Up to max frames into ret_frames, their data valid until the next call, never waiting; 0: none
 * now. At most some 50 ms after it came a frame can be read. -1 when the interface is down or gone,
 * after the last frame that came before, at every call until af_packet_reopen() succeeds. */
int af_packet_read(struct af_packet *af, struct frame *ret_frames, size_t max, GError **error);

/* Tries whether the interface is there, and up, again; by name, as its index may be another. An
 * error as long as it is not: ask again later. */
bool af_packet_reopen(struct af_packet *af, GError **error);

/* Takes in nothing more; what is in the ring can still be read, and packets - drops - lost is what
 * read comes to in the end. */
bool af_packet_stop(struct af_packet *af, GError **error);

bool af_packet_counts(struct af_packet *af, struct af_packet_counts *ret_counts, GError **error);

#endif
