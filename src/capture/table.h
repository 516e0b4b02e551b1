/* SPDX-License-Identifier: BSD-2-Clause */
/* The native flow table: one allocation at start, no allocation after. Three arrays: an index of
 * (tag, slot) pairs by open addressing, the flows themselves, and the links of an expiry wheel.
 *
 * The wheel's slots are 2^24 ns (1/60 s) of packet time wide, wider where the idle time-out is more
 * than a minute (a 2000th of it at most). A flow lies in the slot of the
 * time-out it had when it was last looked at, and is only moved when that slot comes up: a packet
 * costs the wheel nothing. Eviction takes the first flow of the earliest slot that has really been
 * silent so long, so least recent use is exact to a slot's width, and first come first out within
 * one. Nothing here depends on the hash, its seed or the table's size but the room there is. */
#ifndef WEIR_CAPTURE_TABLE_H
#define WEIR_CAPTURE_TABLE_H

#include <stdbool.h>

#include "flow/flow.h"

#define FLOW_TABLE_MAX_FLOWS (1u << 28)

struct flow_table;

/* A flow leaves: the entry is the table's own and freed when this returns. */
typedef void flow_table_leave(void *data, const struct flow *flow, enum flow_end end);

struct flow_table_options {
	guint32 max_flows;
	enum flow_detail detail;
	guint64 idle_ns;
	flow_table_leave *leave;
	void *data;
};

struct flow_table *flow_table_new(const struct flow_table_options *options, GError **error);
void flow_table_free(struct flow_table *table);

/* What a table of these options takes, in octets. */
guint64 flow_table_memory(guint32 max_flows, enum flow_detail detail);

/* Two hints, in this order and some packets ahead: fetch the index, then what the index names. The
 * second returns that: perhaps the flow of this hash, which the caller may compare itself and use
 * as long as no flow has left since; NULL where the index names none. */
void flow_table_prefetch_index(const struct flow_table *table, guint64 hash);
struct flow *flow_table_prefetch_flow(const struct flow_table *table, guint64 hash);

struct flow *flow_table_find(const struct flow_table *table, const struct flow_key *key,
			     guint64 hash);
/* A free entry for a key that is not in the table, indexed; the least recently used flow leaves
 * with FLOW_END_RESOURCES if there is none. The caller fills the entry, then calls _filed. */
struct flow *flow_table_claim(struct flow_table *table, guint64 hash, guint64 now_ns);
/* The entry's time-out is known (a new flow) or came nearer (TCP ended it). */
void flow_table_filed(struct flow_table *table, const struct flow *flow);

/* The flow is no more: its packets are another's now. */
void flow_table_drop(struct flow_table *table, const struct flow *flow);

/* Packet time goes on: flows whose time-out passed before now leave. Returns the time at which it
 * is of use to call again; calls before that do nothing. */
guint64 flow_table_advance(struct flow_table *table, guint64 now_ns);
/* Everything leaves: with its own reason if its time-out passed before now, the latest packet's
 * time, else as forced. */
void flow_table_flush(struct flow_table *table, guint64 now_ns);

/* A look at some slots, from *at on, which goes on: a flow that is there the whole time is visited
 * once. False: there are no more. */
typedef void flow_table_visit(void *data, const struct flow *flow);
bool flow_table_look(const struct flow_table *table, guint32 *at, flow_table_visit *visit,
		     void *data);

/* Likewise, but the flows leave: with their own reason if their time-out passed before now, else as
 * forced. */
bool flow_table_flush_some(struct flow_table *table, guint32 *at, guint64 now_ns);

/* From now on; the flows in it are filed anew. */
void flow_table_set_idle(struct flow_table *table, guint64 idle_ns);
guint32 flow_table_count(const struct flow_table *table);
guint64 flow_table_evicted(const struct flow_table *table);

#endif
