/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet counted in its flow: how a record begins, restarts and grows. */
#ifndef METER_ACCOUNT_H
#define METER_ACCOUNT_H

#include "held.h"
#include "key.h"
#include "shape.h"
#include "tcp_quality.h"

/* When the flow's very first packet came; the whole flow's words lie in its two sides. */
METER_INLINE __u64 flow_born(const struct flow *flow)
{
	return flow->side[FLOW_FROM_LOW].whole;
}

/* When TCP ended it; 0: it did not. */
METER_INLINE __u64 flow_ended(const struct flow *flow)
{
	return flow->side[FLOW_FROM_HIGH].whole;
}

METER_INLINE void side_clear(struct flow_side *side)
{
	side->packets = 0;
	side->octets = 0;
	side->payload = 0;
	side->first_ns = 0;
	side->last_ns = 0;
	side->tcp_flags = 0;
	side->tcp_flags_first = 0;
	side->ttl_min = 0;
	side->ttl_max = 0;
	side->tos_first = 0;
	side->tos_union = 0;
	side->iface = 0;
}

METER_INLINE void flow_clear_parts(struct flow *flow, const volatile struct meter_settings *set)
{
	if (set->detail >= FLOW_DETAIL_FULL)
		__builtin_memset(flow->shape, 0, sizeof(flow->shape));
}

METER_INLINE bool flow_has_tcp(const struct flow *flow, const volatile struct meter_settings *set)
{
	return set->detail >= FLOW_DETAIL_TCP && flow->key.proto == WIRE_IP_TCP;
}

METER_INLINE __u64 gate_after(__u64 first_ns, const volatile struct meter_settings *set)
{
	return set->active_ns == ~0ULL ? ~0ULL : first_ns + set->active_ns + 1;
}

/* The packet opens a flow in this entry; its key is the packet's. The initiator is its sender,
 * unless it carries SYN and ACK: then it is an answer. */
METER_INLINE void flow_begin(struct flow *flow, const struct packet *pkt,
			     const volatile struct meter_settings *set)
{
	bool answer =
		(pkt->tcp_flags & (WIRE_TCP_SYN | WIRE_TCP_ACK)) == (WIRE_TCP_SYN | WIRE_TCP_ACK);
	bool high = (pkt->side == FLOW_FROM_HIGH) != answer;

	flow->key = pkt->key;
	flow->last_ns = pkt->now_ns;
	flow->gate_ns = flow_is_held(flow) ? 0 : gate_after(pkt->now_ns, set);
	clear_lines(flow->side);
	flow->side[FLOW_FROM_LOW].whole = clock_birth(pkt->now_ns);
	flow->side[FLOW_FROM_LOW].state = high ? 0 : FLOW_INITIATOR;
	flow->side[FLOW_FROM_HIGH].state = high ? FLOW_INITIATOR : 0;
	flow_clear_parts(flow, set);
	if (flow_has_tcp(flow, set))
		tcp_begin(flow->tcp);
}

/* The record went out at the active time-out; the flow goes on in a new record. */
METER_INLINE void flow_restart(struct flow *flow, const struct packet *pkt,
			       const volatile struct meter_settings *set)
{
	const __u16 keep = FLOW_INITIATOR | FLOW_FIN_SEEN | FLOW_FIN_ACKED | FLOW_AWAITED;

	for (int i = 0; i < 2; i++) {
		side_clear(&flow->side[i]);
		flow->side[i].state &= keep;
		if (flow->key.proto != WIRE_IP_TCP)
			flow->side[i].icmp = 0;
	}
	if (flow->gate_ns)
		flow->gate_ns = gate_after(pkt->now_ns, set);
	flow_clear_parts(flow, set);
	if (flow_has_tcp(flow, set))
		tcp_restart(flow->tcp);
}

METER_INLINE void side_open(struct flow_side *side, const struct packet *pkt)
{
	side->first_ns = pkt->now_ns;
	side->last_ns = pkt->now_ns;
	side->tcp_flags_first = pkt->tcp_flags;
	side->ttl_min = pkt->ttl;
	side->tos_first = pkt->tos;
	side->iface = pkt->iface;
	side->state |= pkt->state & FLOW_LEFT;
	if (pkt->key.proto != WIRE_IP_TCP)
		side->icmp = pkt->icmp;
}

METER_INLINE void side_count(struct flow_side *side, const struct packet *pkt)
{
	if (side->packets == 0)
		side_open(side, pkt);
	side->packets++;
	side->octets += pkt->octets;
	side->payload += pkt->payload;
	if ((__s64)(pkt->now_ns - side->last_ns) > 0)
		side->last_ns = pkt->now_ns;
	if ((__s64)(pkt->now_ns - side->first_ns) < 0)
		side->first_ns = pkt->now_ns;
	side->tcp_flags |= pkt->tcp_flags;
	side->tos_union |= pkt->tos;
	side->state |= pkt->state & ~FLOW_LEFT; /* of the first packet only, as its interface is */
	if (pkt->ttl < side->ttl_min)
		side->ttl_min = pkt->ttl;
	if (pkt->ttl > side->ttl_max)
		side->ttl_max = pkt->ttl;
}

/* True when the flow ended with this packet. */
METER_INLINE bool flow_count(struct flow *flow, struct packet *pkt,
			     const volatile struct meter_settings *set)
{
	/* Indices, not a choice between pointers: see key_order(). */
	__u32 mine = pkt->side & 1;
	struct flow_side *side = &flow->side[mine];

	if (set->detail >= FLOW_DETAIL_FULL)
		shape_count(&flow->shape[mine], side, pkt);
	side_count(side, pkt);
	if ((__s64)(pkt->now_ns - flow->last_ns) > 0)
		flow->last_ns = pkt->now_ns;
	else if (flow->gate_ns && gate_after(pkt->now_ns, set) < flow->gate_ns)
		flow->gate_ns = gate_after(pkt->now_ns, set); /* late, and the record's earliest */
	if (flow->key.proto != WIRE_IP_TCP)
		return false;
	if (flow_has_tcp(flow, set) && pkt->fragment != PACKET_LATER_FRAGMENT &&
	    !(pkt->state & FLOW_L4_CUT))
		tcp_account(&flow->tcp[mine], &flow->tcp[mine ^ 1], pkt);
	if (flow->gate_ns && !(pkt->tcp_flags & (WIRE_TCP_FIN | WIRE_TCP_RST)))
		return false;
	return tcp_track_end(flow, side, &flow->side[mine ^ 1], pkt);
}

/* The side's only packets so far are those that were held. */
METER_INLINE void side_open_held(struct flow_side *side, const struct packet *pkt,
				 const struct flow_side *held)
{
	side->first_ns = held->first_ns;
	side->last_ns = held->last_ns;
	side->ttl_min = held->ttl_min;
	side->tos_first = held->tos_first;
	side->iface = held->iface;
	side->state |= held->state & FLOW_LEFT;
	if (pkt->key.proto != WIRE_IP_TCP)
		side->icmp = pkt->icmp;
}

METER_INLINE void side_add(struct flow_side *side, const struct packet *pkt,
			   const struct flow_side *held)
{
	if (side->packets == 0)
		side_open_held(side, pkt, held);
	side->packets += held->packets;
	side->octets += held->octets;
	side->payload += held->payload;
	if ((__s64)(held->last_ns - side->last_ns) > 0)
		side->last_ns = held->last_ns;
	if ((__s64)(held->first_ns - side->first_ns) < 0)
		side->first_ns = held->first_ns;
	side->tos_union |= held->tos_union;
	side->state |= FLOW_FRAGMENTED;
	if (held->ttl_min < side->ttl_min)
		side->ttl_min = held->ttl_min;
	if (held->ttl_max > side->ttl_max)
		side->ttl_max = held->ttl_max;
}

/* The fragments that were held count in the flow of their first one, pkt. */
METER_INLINE void flow_add(struct flow *flow, const struct packet *pkt,
			   const struct flow_held *held, const volatile struct meter_settings *set)
{
	__u32 mine = pkt->side & 1;
	struct flow_side *side = &flow->side[mine];

	if (set->detail >= FLOW_DETAIL_FULL) {
		if (side->packets == 0)
			flow->shape[mine] = held->shape;
		else
			shape_add(&flow->shape[mine], held);
	}
	side_add(side, pkt, &held->side);
	if ((__s64)(held->side.last_ns - flow->last_ns) > 0)
		flow->last_ns = held->side.last_ns;
	if (flow->gate_ns && gate_after(held->side.first_ns, set) < flow->gate_ns)
		flow->gate_ns = gate_after(held->side.first_ns, set);
}

#endif
