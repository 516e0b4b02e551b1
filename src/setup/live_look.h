/* SPDX-License-Identifier: BSD-2-Clause */
/* How a live run does, beside its account: for who watches it. */
#ifndef WEIR_SETUP_LIVE_LOOK_H
#define WEIR_SETUP_LIVE_LOOK_H

#include "drain/join.h"

struct interface_names;
struct places;

struct live_look {
	guint64 flows;	   /* in the table, and records that wait for their other parts */
	guint64 ring_used; /* octets, read and not handed over; of how many there is room for */
	guint64 ring_room; /* 0: there is no ring */
	gint64 scanned_us; /* see scan_seen_us(); 0: nobody scans */
	struct join_counts join;
	guint64 away; /* a bit an interface, of the first 64: it is not metered now */
	const struct interface_names *names;
	const struct places *places;
};

#endif
