/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for tests, built header by header. */
#ifndef WEIR_TESTS_FRAME_BUILD_H
#define WEIR_TESTS_FRAME_BUILD_H

#include <glib.h>

#include "capture/frame.h"

#define MADE_FRAME_MAX 20000

struct made_frame {
	guint32 size;
	guint8 octets[MADE_FRAME_MAX];
};

/* Addresses are 192.0.2.x and 2001:db8::x. */
struct made_ip {
	guint8 from;
	guint8 to;
	guint8 proto; /* IPv6: of the next header, whatever it is */
	guint8 ttl;   /* 0 stands for 64 */
	guint8 tos;
	guint8 options;	  /* IPv4: octets of NOP options, a multiple of 4 */
	guint16 fragment; /* IPv4: flags and offset, as on the wire */
	guint16 id;
	guint32 payload; /* octets that the length field counts beside the IPv4 header */
};

struct made_tcp {
	guint16 source;
	guint16 destination;
	guint32 seq;
	guint32 ack;
	guint16 flags;
	guint16 window;
	const guint8 *options;
	guint8 option_octets; /* a multiple of 4 */
};

void made_clear(struct made_frame *frame);
void made_zeros(struct made_frame *frame, guint32 octets);
void made_octets(struct made_frame *frame, const void *octets, guint32 size);
void made_be16(struct made_frame *frame, guint16 value);
void made_be32(struct made_frame *frame, guint32 value);
void made_patch16(struct made_frame *frame, guint32 offset, guint16 value);

void made_ethernet(struct made_frame *frame, guint16 type);
void made_tag(struct made_frame *frame, guint16 tci, guint16 type);
void made_ipv4(struct made_frame *frame, const struct made_ip *ip);
void made_ipv6(struct made_frame *frame, const struct made_ip *ip);
/* Any IPv6 extension header but the fragment header. */
void made_extension(struct made_frame *frame, guint8 next, guint8 length);
void made_fragment(struct made_frame *frame, guint8 next, guint16 offset, guint32 id);
void made_ports(struct made_frame *frame, guint16 source, guint16 destination);
void made_tcp(struct made_frame *frame, const struct made_tcp *tcp);

/* Whole frames, Ethernet and IPv4, from their first octet; payload of zeros. */
void made_udp4(struct made_frame *frame, const struct made_ip *ip, guint16 source,
	       guint16 destination);
void made_tcp4(struct made_frame *frame, const struct made_ip *ip, const struct made_tcp *tcp);

/* The frame, all of it captured, at this time; its octets stay the maker's. */
struct frame made_at(const struct made_frame *frame, guint64 time_ns);

#endif
