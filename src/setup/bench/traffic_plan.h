/* SPDX-License-Identifier: BSD-2-Clause */
/* What a made flow does: who it is, and what its next packet says. Pure: the same state and the
 * same seed give the same packets, whatever other flows do. */
#ifndef WEIR_SETUP_BENCH_TRAFFIC_PLAN_H
#define WEIR_SETUP_BENCH_TRAFFIC_PLAN_H

#include "setup/bench/traffic_frame.h"

/* How a TCP flow moves its data. */
enum traffic_style {
	TRAFFIC_DOWNLOAD,
	TRAFFIC_UPLOAD,
	TRAFFIC_CHATTER, /* short messages to and fro */
};

/* A flow under way. */
struct traffic_state {
	struct traffic_flow flow;
	guint64 random;
	guint64 gap_ns; /* mean time between two packets */
	guint32 total;	/* packets it will have */
	guint32 sent;
	guint32 seq[2];
	guint32 heard_ms[2]; /* by this side, in timestamp options */
	guint32 round_trip_us;
	guint8 style;
	bool timestamps;
};

/* A number below limit from a seed; no other call depends on it. */
guint64 traffic_random(guint64 *state);
guint32 traffic_random_below(guint64 *state, guint32 limit);

/* Flow number index, of that many packets. Keys are unique for the first 2^31 flows. */
void traffic_plan_begin(struct traffic_state *ret_state, const struct traffic_kind *kind,
			guint64 seed, guint32 index, guint32 total);

/* The packet that leaves now; counts it as sent, but for its octets. */
void traffic_plan_packet(struct traffic_state *state, guint64 now_ns,
			 struct traffic_packet *ret_packet);

/* From the packet just planned to the flow's next. */
guint64 traffic_plan_pause_ns(struct traffic_state *state);

#endif
