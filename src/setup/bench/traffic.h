/* SPDX-License-Identifier: BSD-2-Clause */
/* Traffic that is made, not captured: the same frames at the same times for the same seed, on
 * every machine, so that a benchmark can be repeated and a test knows the truth of every flow.
 *
 * Flows start one after the other and overlap as on a link of 1 Gbit/s: a packet leaves when its
 * flow wants it to and the link is free. Memory is what the flows under way need. */
#ifndef WEIR_SETUP_BENCH_TRAFFIC_H
#define WEIR_SETUP_BENCH_TRAFFIC_H

#include <glib.h>
#include <stdbool.h>

#include "capture/frame.h"

#define TRAFFIC_SNAP_DEFAULT	128
#define TRAFFIC_SNAP_MIN	32
#define TRAFFIC_SNAP_MAX	1536
#define TRAFFIC_PACKETS_DEFAULT 5000000

/* Index of a flow's counters. */
enum traffic_side {
	TRAFFIC_CLIENT, /* sends the first packet */
	TRAFFIC_SERVER,
};

/* A flow as it was sent. Addresses are octets as on the wire; IPv4 uses the first four. */
struct traffic_flow {
	guint64 first_ns;
	guint64 last_ns;
	guint64 packets[2];
	guint64 octets[2]; /* IP octets */
	guint8 address[2][16];
	guint16 port[2]; /* ICMP: both are the identifier */
	guint16 vlan;	 /* 0: not tagged */
	guint8 version;	 /* 4 or 6 */
	guint8 proto;
};

struct traffic_totals {
	guint64 packets;
	guint64 flows;	  /* that sent anything so far */
	guint64 octets;	  /* IP octets */
	guint64 on_wire;  /* octets of the frames */
	guint64 captured; /* octets kept of them */
	guint64 first_ns;
	guint64 last_ns;
};

/* A kind of traffic: one row of the table in traffic.c. */
struct traffic_kind {
	const char *name;
	const char *text;	 /* what it is, for people */
	guint32 flows_per_mille; /* flows a thousand packets, where flows is not given */
	guint32 flows_fixed;	 /* or so many flows */
	guint32 packets_per_s;	 /* the mean rate aimed at */
	guint32 start_per_mille; /* the part of the time in which flows start */
	guint32 packets_fixed;	 /* packets of every flow; 0: heavy-tailed */
	guint32 octaves;	 /* heavy tail: the largest flow is about 2^octaves the smallest */
	guint16 tcp_per_mille;	 /* flows that are TCP; the rest is UDP */
	guint16 icmp_per_mille;
	guint16 ipv6_per_mille;
	guint16 vlan_per_mille;
};

extern const struct traffic_kind traffic_kinds[];
extern const size_t traffic_kinds_count;

const struct traffic_kind *traffic_kind_by_name(const char *name);

struct traffic_options {
	const struct traffic_kind *kind;
	guint64 packets; /* 0: TRAFFIC_PACKETS_DEFAULT */
	guint64 flows;	 /* 0: as the kind has it */
	guint64 seed;
	guint32 snap; /* octets kept of a frame; 0: TRAFFIC_SNAP_DEFAULT */
	/* Called for every flow after its last packet; may be NULL. */
	void (*flow_done)(void *data, const struct traffic_flow *flow);
	void *data;
};

struct traffic;

struct traffic *traffic_new(const struct traffic_options *options);
void traffic_free(struct traffic *traffic);

/* The next frame, its data valid until the next call; false when all were sent. */
bool traffic_next(struct traffic *traffic, struct frame *ret_frame);

const struct traffic_totals *traffic_totals(const struct traffic *traffic);

enum traffic_resolution {
	TRAFFIC_MICROSECONDS,
	TRAFFIC_NANOSECONDS,
};

/* All that is left of the traffic into a pcap file. */
bool traffic_write_pcap(struct traffic *traffic, const char *path,
			enum traffic_resolution resolution, GError **error);

#endif
