/* SPDX-License-Identifier: BSD-2-Clause */
/* The sides and the shape of a record that several CPUs metered, and the flow's own facts. */
#include "drain/join_merge.h"

#include <string.h>

#include "drain/join_merge_tcp.h"

#define PROTO_TCP 6

/* What a side's state says of the first packet, or of the flow, or is worked out anew. */
#define STATE_OF_FIRST FLOW_LEFT
#define STATE_APART    (FLOW_INITIATOR | FLOW_AWAITED | STATE_OF_FIRST)

/* --- sides --- */

static void side_begin(struct flow_side *to, const struct flow_side *part, bool tcp)
{
	to->first_ns = part->first_ns;
	to->tcp_flags_first = part->tcp_flags_first;
	to->tos_first = part->tos_first;
	to->iface = part->iface;
	to->state = (guint16)((to->state & ~STATE_OF_FIRST) | (part->state & STATE_OF_FIRST));
	if (!tcp)
		to->icmp = part->icmp;
}

static void side_add(struct flow_side *to, const struct flow_side *part, bool tcp)
{
	to->state |= part->state & ~STATE_APART;
	if (part->packets == 0)
		return;
	if (to->packets == 0 || part->first_ns < to->first_ns)
		side_begin(to, part, tcp);
	if (to->packets == 0 || part->ttl_min < to->ttl_min)
		to->ttl_min = part->ttl_min;
	if (to->packets > 0)
		to->state |= FLOW_SCATTERED;
	to->packets += part->packets;
	to->octets += part->octets;
	to->payload += part->payload;
	to->last_ns = MAX(to->last_ns, part->last_ns);
	to->ttl_max = MAX(to->ttl_max, part->ttl_max);
	to->tcp_flags |= part->tcp_flags;
	to->tos_union |= part->tos_union;
}

static void merge_side(struct flow_record *to, const struct flow_record *const *parts, size_t count,
		       int which)
{
	struct flow_side *side = &to->flow.side[which];
	bool tcp = to->flow.key.proto == PROTO_TCP;

	memset(side, 0, sizeof(*side));
	for (size_t i = 0; i < count; i++)
		side_add(side, &parts[i]->flow.side[which], tcp);
	if (tcp)
		join_merge_fin(to, parts, count, which);
}

/* --- shape --- */

static void shape_add(struct flow_shape *to, const struct flow_shape *part, bool earlier)
{
	if (earlier) {
		memcpy(to->mac_destination, part->mac_destination, 6);
		memcpy(to->mac_source, part->mac_source, 6);
		to->outer = part->outer;
	}
	to->length_min = MIN(to->length_min, part->length_min);
	to->length_max = MAX(to->length_max, part->length_max);
	to->length_squares += part->length_squares;
	for (int i = 0; i < FLOW_LENGTH_BUCKETS; i++)
		to->length_count[i] += part->length_count[i];
	for (int i = 0; i < FLOW_TTL_BUCKETS; i++)
		to->ttl_count[i] += part->ttl_count[i];
	to->fragments += part->fragments;
}

/* What needs the packets in their order; nobody had them all. */
static void shape_forget_order(struct flow_shape *shape)
{
	shape->gap_sum_us = 0;
	shape->gap_squares_us2 = 0;
	shape->gap_count = 0;
	shape->gap_max_us = 0;
	shape->pauses = 0;
	shape->second_octets = 0;
	shape->second_octets_max = 0;
	shape->second_start_ns = 0;
}

static void merge_shape(struct flow_record *to, const struct flow_record *const *parts,
			size_t count, int which)
{
	struct flow_shape *shape = &to->flow.shape[which];
	const struct flow_side *first = NULL;

	memset(shape, 0, sizeof(*shape));
	for (size_t i = 0; i < count; i++) {
		const struct flow_side *side = &parts[i]->flow.side[which];

		if (side->packets == 0)
			continue;
		if (!first) {
			*shape = parts[i]->flow.shape[which];
			first = side;
			continue;
		}
		shape_add(shape, &parts[i]->flow.shape[which], side->first_ns < first->first_ns);
		if (side->first_ns < first->first_ns)
			first = side;
	}
	if (to->flow.side[which].state & FLOW_SCATTERED)
		shape_forget_order(shape);
}

/* --- the flow --- */

/* The part that was born first knows who opened the flow. */
static void merge_birth(struct flow_record *to, const struct flow_record *const *parts,
			size_t count)
{
	const struct flow_record *first = parts[0];

	for (size_t i = 1; i < count; i++) {
		if (parts[i]->flow.side[FLOW_FROM_LOW].whole <
		    first->flow.side[FLOW_FROM_LOW].whole)
			first = parts[i];
	}
	to->flow.side[FLOW_FROM_LOW].whole = first->flow.side[FLOW_FROM_LOW].whole;
	to->flow.side[flow_initiator(&first->flow)].state |= FLOW_INITIATOR;
}

/* When TCP ended the flow. Where no part saw that happen but all of them together did, it was no
 * later than the last packet. */
static void merge_ended(struct flow_record *to, const struct flow_record *const *parts,
			size_t count)
{
	struct flow_side *low = &to->flow.side[FLOW_FROM_LOW];
	struct flow_side *high = &to->flow.side[FLOW_FROM_HIGH];

	for (size_t i = 0; i < count; i++) {
		guint64 ended_ns = parts[i]->flow.side[FLOW_FROM_HIGH].whole;

		if (ended_ns && (!high->whole || ended_ns < high->whole))
			high->whole = ended_ns;
	}
	if (!high->whole && low->state & high->state & FLOW_FIN_ACKED)
		high->whole = to->flow.last_ns;
}

static enum flow_end merged_end(const struct flow_record *to,
				const struct flow_record *const *parts, size_t count)
{
	const struct flow_record *latest = parts[0];

	for (size_t i = 1; i < count; i++) {
		if (flow_last_ns(&parts[i]->flow) >= flow_last_ns(&latest->flow))
			latest = parts[i];
	}
	if (to->flow.side[FLOW_FROM_HIGH].whole && latest->end != FLOW_END_RESOURCES)
		return FLOW_END_DETECTED;
	for (size_t i = 0; i < count; i++) {
		/* It goes on after the last packet of this record. */
		if (parts[i]->end == FLOW_END_ACTIVE && parts[i]->flow.gate_ns >= to->flow.last_ns)
			return FLOW_END_ACTIVE;
	}
	return (enum flow_end)latest->end;
}

void join_merge(struct flow_record *ret_record, const struct flow_record *const *parts,
		size_t count)
{
	enum flow_detail detail = (enum flow_detail)parts[0]->detail;
	struct flow_record *to = ret_record;

	memcpy(to, parts[0], flow_record_size(detail));
	to->circumstances |= FLOW_JOINED;
	for (size_t i = 1; i < count; i++)
		to->circumstances |= parts[i]->circumstances;
	for (int which = 0; which < 2; which++) {
		merge_side(to, parts, count, which);
		if (detail >= FLOW_DETAIL_FULL)
			merge_shape(to, parts, count, which);
	}
	to->flow.last_ns = flow_last_ns(&to->flow);
	merge_birth(to, parts, count);
	merge_ended(to, parts, count);
	if (detail >= FLOW_DETAIL_TCP && to->flow.key.proto == PROTO_TCP)
		join_merge_tcp(to, parts, count);
	to->end = merged_end(to, parts, count);
}

bool join_opens_connection(const struct flow *flow)
{
	const struct flow_side *low = &flow->side[FLOW_FROM_LOW];
	const struct flow_side *high = &flow->side[FLOW_FROM_HIGH];
	const struct flow_side *side = low;

	if (low->packets == 0 || (high->packets > 0 && high->first_ns < low->first_ns))
		side = high;
	return flow->key.proto == 6 && (side->tcp_flags_first & 0x12) == 0x02;
}
