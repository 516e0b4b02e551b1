/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow as the live view knows it, from the side that opened it: what a source reads of it. */
#ifndef WEIR_TOP_FLOW_H
#define WEIR_TOP_FLOW_H

#include <glib.h>
#include <stdbool.h>

/* Index of a direction, and of the end that sends it. */
enum top_way {
	TOP_FORTH, /* by the initiator */
	TOP_BACK,
};

struct top_end {
	guint8 address[16]; /* IPv4 as IPv4-mapped */
	guint16 port;
	char country[3];
	guint32 as_number;     /* 0: not known */
	const char *as_name;   /* interned; NULL: not known */
	const char *interface; /* where its packets were seen; interned; NULL: not known */
};

struct top_counts {
	guint64 packets[2];
	guint64 octets[2];
	guint64 retransmitted[2]; /* packets */
};

struct top_flow {
	guint64 id;
	struct top_end end[2];
	guint8 proto;
	guint8 version;
	bool knows_tcp; /* retransmissions were counted */
	guint64 rtt_us; /* from end to end by way of the meter, as far as known; 0: not known */
};

/* The record that a flow has at this moment, or had when it left. */
struct top_reading {
	struct top_flow flow;
	guint64 key;	  /* the same for the same ends, whichever began */
	guint64 record;	  /* which one; not 0. After an active time-out there is another */
	guint64 first_ns; /* when it began */
	guint64 last_ns;  /* its last packet */
	struct top_counts counts;
	bool finished; /* the record counts no more */
	/* It began before the end of what was told of the flow the last time. If the flow is not
	 * known any more, what it counted until now is part of a coarser entry. */
	bool old;
};

static inline void top_counts_add(struct top_counts *sum, const struct top_counts *more)
{
	for (int way = 0; way < 2; way++) {
		sum->packets[way] += more->packets[way];
		sum->octets[way] += more->octets[way];
		sum->retransmitted[way] += more->retransmitted[way];
	}
}

static inline guint64 top_packets(const struct top_counts *counts)
{
	return counts->packets[TOP_FORTH] + counts->packets[TOP_BACK];
}

static inline guint64 top_octets(const struct top_counts *counts)
{
	return counts->octets[TOP_FORTH] + counts->octets[TOP_BACK];
}

static inline guint64 top_retransmitted(const struct top_counts *counts)
{
	return counts->retransmitted[TOP_FORTH] + counts->retransmitted[TOP_BACK];
}

#endif
