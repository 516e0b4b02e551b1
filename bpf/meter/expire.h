/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a packet ends the record it finds (DESIGN 4.2). Decided from the flow and the packet
 * alone, so that a record never says when something was scanned. */
#ifndef METER_EXPIRE_H
#define METER_EXPIRE_H

#include "account.h"

METER_INLINE __u64 flow_record_start(const struct flow *flow)
{
	const struct flow_side *low = &flow->side[FLOW_FROM_LOW];
	const struct flow_side *high = &flow->side[FLOW_FROM_HIGH];

	if (low->packets == 0)
		return high->first_ns;
	if (high->packets == 0)
		return low->first_ns;
	return (__s64)(low->first_ns - high->first_ns) < 0 ? low->first_ns : high->first_ns;
}

METER_INLINE enum flow_end expire_ended(const struct flow *flow, const struct packet *pkt)
{
	if ((__s64)(pkt->now_ns - flow_ended(flow)) > (__s64)FLOW_LINGER_NS)
		return FLOW_END_DETECTED;
	if ((pkt->tcp_flags & (WIRE_TCP_SYN | WIRE_TCP_ACK)) == WIRE_TCP_SYN)
		return FLOW_END_DETECTED;
	return FLOW_END_NONE;
}

/* Of fragments the active time-out knows nothing, but they are not waited for any longer than a
 * first one is remembered. */
METER_INLINE enum flow_end expire_held(const struct flow *flow, const struct packet *pkt)
{
	__s64 held_ns = (__s64)(pkt->now_ns - flow_record_start(flow));

	return held_ns > (__s64)FRAGMENT_LIFE_NS ? FLOW_END_IDLE : FLOW_END_NONE;
}

/* FLOW_END_NONE: the packet counts in the record. FLOW_END_ACTIVE: the record goes out and the
 * flow goes on. Any other: the flow is over and the packet begins a new one. */
METER_INLINE enum flow_end expire_decide(const struct flow *flow, const struct packet *pkt,
					 const volatile struct meter_settings *set)
{
	bool silent = (__s64)(pkt->now_ns - flow->last_ns) > (__s64)set->idle_ns;

	if (!silent && !set->other_gates && pkt->now_ns < flow->gate_ns)
		return FLOW_END_NONE;
	if (flow_ended(flow))
		return expire_ended(flow, pkt);
	if (silent)
		return FLOW_END_IDLE;
	if (flow_is_held(flow))
		return expire_held(flow, pkt);
	if (set->active_ns != ~0ULL &&
	    (__s64)(pkt->now_ns - flow_record_start(flow)) > (__s64)set->active_ns)
		return FLOW_END_ACTIVE;
	return FLOW_END_NONE;
}

/* The moment after which the flow is over if nothing more comes; and why it is. */
METER_INLINE __u64 expire_deadline(const struct flow *flow, __u64 idle_ns)
{
	return flow_ended(flow) ? flow_ended(flow) + FLOW_LINGER_NS : flow->last_ns + idle_ns;
}

METER_INLINE enum flow_end expire_reason(const struct flow *flow)
{
	return flow_ended(flow) ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

#endif
