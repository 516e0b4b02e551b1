/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The shape of one side's traffic (DESIGN 4.4). Integers only: means and deviations are computed
 * from the sums when a record leaves. */
#ifndef METER_SHAPE_H
#define METER_SHAPE_H

#include "packet.h"
#include "units.h"

METER_INLINE __u32 shape_length_bucket(__u32 octets)
{
	return (octets > 64) + (octets > 128) + (octets > 256) + (octets > 512) + (octets > 1024) +
	       (octets > 1518);
}

METER_INLINE __u32 shape_ttl_bucket(__u8 ttl)
{
	if (ttl <= 32)
		return (ttl > 1) + (ttl > 5);
	return 2 + ((ttl - 1) >> 5);
}

METER_INLINE void shape_gap(struct flow_shape *shape, __u64 gap_ns)
{
	__u32 gap_us;

	if (gap_ns > FLOW_PAUSE_NS) {
		shape->pauses++;
		return;
	}
	gap_us = thousandth(gap_ns);
	shape->gap_count++;
	shape->gap_sum_us += gap_us;
	shape->gap_squares_us2 += (__u64)gap_us * gap_us;
	if (gap_us > shape->gap_max_us)
		shape->gap_max_us = gap_us;
}

/* Octets of the current second; seconds are counted from the side's first packet, so that a
 * replay and a live run, whose clocks start elsewhere, cut the same seconds. */
METER_INLINE void shape_second(struct flow_shape *shape, const struct packet *pkt)
{
	__s64 into = (__s64)(pkt->now_ns - shape->second_start_ns);

	if (into >= (__s64)FLOW_SECOND_NS) {
		shape->second_start_ns += (__u64)into / FLOW_SECOND_NS * FLOW_SECOND_NS;
		shape->second_octets = 0;
	}
	shape->second_octets += pkt->octets;
	if (shape->second_octets > shape->second_octets_max)
		shape->second_octets_max = shape->second_octets;
}

METER_INLINE void shape_outer(struct flow_shape *shape, const struct packet *pkt)
{
	const struct flow_outer *outer;

	if (!pkt->key.tunnel && !(pkt->options & PACKET_WRAPPED))
		return;
	outer = packet_outer(pkt);
	if (outer)
		shape->outer = *outer;
}

/* Before the side itself counts the packet: the gap is to the side's last packet. */
METER_INLINE void shape_count(struct flow_shape *shape, const struct flow_side *side,
			      const struct packet *pkt)
{
	__u32 length = shape_length_bucket(pkt->octets);
	__u32 ttl = shape_ttl_bucket(pkt->ttl);

	if (side->packets == 0) {
		shape->length_min = pkt->octets;
		shape->second_start_ns = pkt->now_ns;
		__builtin_memcpy(shape->mac_destination, pkt->macs, 6);
		__builtin_memcpy(shape->mac_source, pkt->macs + 6, 6);
		shape_outer(shape, pkt);
	} else if ((__s64)(pkt->now_ns - side->last_ns) >= 0) {
		shape_gap(shape, pkt->now_ns - side->last_ns);
	}
	if (pkt->octets < shape->length_min)
		shape->length_min = pkt->octets;
	if (pkt->octets > shape->length_max)
		shape->length_max = pkt->octets;
	shape->length_squares += (__u64)pkt->octets * pkt->octets;
	if (length < FLOW_LENGTH_BUCKETS)
		shape->length_count[length]++;
	if (ttl < FLOW_TTL_BUCKETS)
		shape->ttl_count[ttl]++;
	if (pkt->state & FLOW_FRAGMENTED)
		shape->fragments++;
	shape_second(shape, pkt);
}

/* Fragments that were held count late, when their first one came: their octets in the second that
 * is under way then, and there is no gap before them. */
METER_INLINE void shape_add(struct flow_shape *shape, const struct flow_held *held)
{
	const struct flow_shape *more = &held->shape;

	if (more->length_min < shape->length_min)
		shape->length_min = more->length_min;
	if (more->length_max > shape->length_max)
		shape->length_max = more->length_max;
	shape->length_squares += more->length_squares;
	for (int i = 0; i < FLOW_LENGTH_BUCKETS; i++)
		shape->length_count[i] += more->length_count[i];
	for (int i = 0; i < FLOW_TTL_BUCKETS; i++)
		shape->ttl_count[i] += more->ttl_count[i];
	shape->fragments += more->fragments;
	shape->second_octets += held->side.octets;
	if (shape->second_octets > shape->second_octets_max)
		shape->second_octets_max = shape->second_octets;
}

#endif
