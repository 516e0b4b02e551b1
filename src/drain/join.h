/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of one flow that several CPUs metered become one record (DESIGN 5, "Halves").
 *
 * A record says which other CPUs' tables held its key when it left (struct flow_record.elsewhere).
 * It waits until those have given theirs, or until any of them should have. The parts of a key are
 * then put in order of time and cut where one CPU would have ended the flow: at a silence longer
 * than the idle time-out, where a record has lasted the active time-out, where TCP ended it. What
 * lies between two cuts is one record:
 *
 *  - counters, lengths, TTL, windows and TCP options add up or combine, and are exact; the earliest
 *    part says who opened the flow and when it was born; the end is 3 where TCP ended it, as far as
 *    the parts tell: both FINs with their acknowledgements, or an RST; else the latest part's;
 *  - what only needs one side's packets in their order (retransmissions, out of order, unseen
 * octets, keep-alives, zero windows, inter-arrival times, octets in a second) is that of the CPU
 * which had them all; where several had some (FLOW_SCATTERED) it is absent. A hole counts as filled
 * by reordering within 3 ms, as wherever the handshake was not seen in one place;
 *  - the handshake's round trips come from the times of SYN, SYN+ACK and ACK in different parts,
 *    where none was sent again;
 *  - capture gaps: the holes still watched that the other side acknowledged in another part;
 *  - what needs both directions in one place (running round trips, response times, duplicate
 *    acknowledgements) is absent (FLOW_JOINED).
 *
 * Each CPU cuts at its own active time-out, so a record of a flow that lasts longer may hold
 * packets of up to twice that time, and a part may carry the flow on under its own birth when the
 * earliest part has ended.
 *
 * Records that wait lie in a pool given by the caller, a slot each, unchanged since they came: so
 * the pool may outlive the process. A slot is free again only when join_commit() says that what
 * left has arrived. */
#ifndef WEIR_DRAIN_JOIN_H
#define WEIR_DRAIN_JOIN_H

#include <stdbool.h>

#include "flow/flow.h"

struct join;

/* The record is the join's own and good until this returns. */
typedef void join_sink(void *data, const struct flow_record *record);

struct join_options {
	void *pool; /* zeroed, or what an earlier join left */
	gsize octets;
	guint64 resume; /* records from this position on will be given (again) */
	/* How often the totals of what has arrived were written down, read whenever a record
	 * leaves: what left for a writing that came about has arrived, even if join_commit() was
	 * never called. NULL: nothing is written down. */
	const guint64 *commits;
	guint64 idle_ns;
	guint64 active_ns; /* G_MAXUINT64: never */
	guint64 seed;
	enum flow_detail detail; /* of every record */
	join_sink *sink;
	void *data;
};

struct join_counts {
	guint64 parts;	 /* records that were put together with others */
	guint64 joined;	 /* records made of them */
	guint64 alone;	 /* records that lack parts, for these never came */
	guint64 crowded; /* of these, the ones that had to make room */
	guint32 waiting;
};

/* Octets of a pool for so many records. */
gsize join_pool_octets(guint32 records, enum flow_detail detail);

/* What already waits in the pool, and came before the position to resume at, goes on waiting. */
struct join *join_new(const struct join_options *options);
void join_free(struct join *join);

/* In the order of the ring; the position says where the record was in it. Times are the kernel's,
 * flow.gate_ns when the record left. */
void join_record(struct join *join, const struct flow_record *record, guint64 position);
/* The kernel's time goes on: what has waited long enough leaves. */
void join_tick(struct join *join, guint64 now_ns);
/* No part comes any more: everything leaves. */
void join_flush(struct join *join);
/* What left so far has arrived where it was to go. */
void join_commit(struct join *join);

/* Other time-outs from now on. */
void join_set_timeouts(struct join *join, guint64 idle_ns, guint64 active_ns);
struct join_counts join_counts(const struct join *join);

#endif
