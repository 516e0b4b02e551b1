/* SPDX-License-Identifier: BSD-2-Clause */
/* The vocabulary the stages share: a flow as it left the cache, seen from one of its ends. */
#ifndef WEIR_FLOW_FLOW_H
#define WEIR_FLOW_FLOW_H

#include <glib.h>
#include <stdbool.h>

#include "flow/extra.h"
#include "meter/types.h"

#define FLOW_BATCH_MAX 128

/* Flow records on their way. A batch belongs to one stage at a time. */
struct flow_batch {
	size_t count;
	struct flow_record records[FLOW_BATCH_MAX];
	struct flow_extra extras[FLOW_BATCH_MAX]; /* of the record in the same place */
};

/* Octets of a flow, of a record at this level of detail. */
size_t flow_size(enum flow_detail detail);
size_t flow_record_size(enum flow_detail detail);

/* The side that opened the flow (DESIGN 4.1); its packets are the forward direction. */
static inline enum flow_side_index flow_initiator(const struct flow *flow)
{
	return flow->side[FLOW_FROM_HIGH].state & FLOW_INITIATOR ? FLOW_FROM_HIGH : FLOW_FROM_LOW;
}

/* --- the flow as a whole, over both sides --- */

static inline guint64 flow_first_ns(const struct flow *flow)
{
	const struct flow_side *low = &flow->side[FLOW_FROM_LOW];
	const struct flow_side *high = &flow->side[FLOW_FROM_HIGH];

	if (low->packets == 0)
		return high->first_ns;
	if (high->packets == 0)
		return low->first_ns;
	return MIN(low->first_ns, high->first_ns);
}

static inline guint64 flow_last_ns(const struct flow *flow)
{
	return MAX(flow->side[FLOW_FROM_LOW].last_ns, flow->side[FLOW_FROM_HIGH].last_ns);
}

static inline guint64 flow_packets(const struct flow *flow)
{
	return flow->side[FLOW_FROM_LOW].packets + flow->side[FLOW_FROM_HIGH].packets;
}

static inline guint64 flow_octets(const struct flow *flow)
{
	return flow->side[FLOW_FROM_LOW].octets + flow->side[FLOW_FROM_HIGH].octets;
}

/* The key by its values, whatever the order of octets on this machine. */
#define FLOW_KEY_WORDS 6
void flow_key_words(const struct flow_key *key, guint64 ret_words[FLOW_KEY_WORDS]);

/* The same for every flow between the same ends, whichever of them began. */
guint64 flow_key_id(const struct flow_key *key);

/* The same for every record of one flow and for nothing else: from the key and the time of the
 * flow's very first packet, so equal wherever and however often the packets are metered. */
guint64 flow_id(const struct flow *flow);

#endif
