/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The Metering Process: a frame becomes an update of a flow. Whoever includes this is a home: it
 * has the flow table, the fragment table and the way out for records, and says so by the
 * functions declared here and in fragment.h. */
#ifndef METER_METER_H
#define METER_METER_H

#include "expire.h"
#include "parse_link.h"

struct meter_home;

/* Given by the home: a copy of the flow leaves as a record. False: there is no room for it. */
METER_INLINE bool meter_emit(struct meter_home *home, const struct flow *flow, enum flow_end end);

/* What meter_update() did beside counting, as bits, for homes that keep more than the flow. */
enum meter_change {
	METER_WAITED = 1 << 0, /* a record was due, but had to stay: the packet counts in it */
	METER_ENDED = 1 << 1,  /* TCP ended the flow with this packet */
};

/* Whether this packet is one of those to meter, before anything of it is read: every Nth, beginning
 * with the first, or each with the probability of 1 in N. */
METER_INLINE bool meter_samples(const volatile struct meter_settings *set, __u64 *sampler)
{
	if (set->sample <= 1)
		return true;
	if (set->sample_random)
		return (__u64)sample_draw(sampler) * set->sample >> 32 == 0;
	if (*sampler > 0) {
		--*sampler;
		return false;
	}
	*sampler = set->sample - 1;
	return true;
}

METER_INLINE int meter_parse(meter_ctx *ctx, struct packet *pkt)
{
	int verdict;

	clear_lines(pkt);
	pkt->now_ns = ctx_now(ctx);
	pkt->frame_octets = ctx_length(ctx);
	pkt->iface = ctx_iface(ctx);
	verdict = parse_frame(ctx, pkt);
	pkt->frame_octets += ctx_tag_octets(ctx); /* the parser's offsets are without it */
	if (verdict == METER_OK) {
		key_order(pkt);
		if (pkt->pieces & PIECE_ORPHAN)
			fragment_hold_key(pkt, &pkt->key);
	}
	return verdict;
}

/* The packet opens the flow that follows another in its entry. Identifiers are made of the key and
 * the time of birth: a SYN in the very tick of a RST, or a late one, is born after its forerunner.
 */
METER_INLINE void flow_follow(struct flow *flow, const struct packet *pkt,
			      const volatile struct meter_settings *set)
{
	__u64 forerunner = flow_born(flow);

	flow_begin(flow, pkt, set);
	if ((__s64)(flow_born(flow) - forerunner) <= 0)
		flow->side[FLOW_FROM_LOW].whole = forerunner + 1;
}

/* What is due before the packet is counted. */
METER_INLINE unsigned int meter_due(struct meter_home *home, struct flow *flow,
				    const struct packet *pkt,
				    const volatile struct meter_settings *set)
{
	enum flow_end due = expire_decide(flow, pkt, set);

	if (due != FLOW_END_NONE && !meter_emit(home, flow, due))
		return METER_WAITED;
	if (due == FLOW_END_ACTIVE)
		flow_restart(flow, pkt, set);
	else if (due != FLOW_END_NONE)
		flow_follow(flow, pkt, set);
	return 0;
}

/* The packet meets the flow of its key. */
METER_INLINE unsigned int meter_update(struct meter_home *home, struct flow *flow,
				       struct packet *pkt,
				       const volatile struct meter_settings *set)
{
	unsigned int change = meter_due(home, flow, pkt, set);

	if (flow_count(flow, pkt, set))
		change |= METER_ENDED;
	return change;
}

/* The packet opens a flow in an entry that is free. */
METER_INLINE unsigned int meter_open(struct flow *flow, struct packet *pkt,
				     const volatile struct meter_settings *set)
{
	flow_begin(flow, pkt, set);
	return flow_count(flow, pkt, set) ? METER_ENDED : 0;
}

/* Whether the fragments held in this flow are those that this first one was waited for by. */
METER_INLINE bool meter_held_waits(const struct flow *flow, const struct packet *first,
				   const volatile struct meter_settings *set)
{
	return expire_decide(flow, first, set) == FLOW_END_NONE;
}

/* Takes a copy of what was held for this first fragment, whose own part in the account is done: as
 * a packet of the time when the last of them came it is going to be what brings them to its flow.
 */
METER_INLINE void meter_fetch(const struct flow *flow, struct packet *first, struct flow_held *held,
			      const volatile struct meter_settings *set)
{
	__u32 from = fragment_side(first);

	held->side = flow->side[from];
	if (set->detail >= FLOW_DETAIL_FULL)
		held->shape = flow->shape[from];
	first->now_ns = held->side.last_ns;
	first->tcp_flags = 0;
}

/* These two are what meter_update() and meter_open() are to a packet. */
METER_INLINE unsigned int meter_update_held(struct meter_home *home, struct flow *flow,
					    const struct packet *first,
					    const struct flow_held *held,
					    const volatile struct meter_settings *set)
{
	unsigned int change = meter_due(home, flow, first, set);

	flow_add(flow, first, held, set);
	return change;
}

METER_INLINE void meter_open_held(struct flow *flow, const struct packet *first,
				  const struct flow_held *held,
				  const volatile struct meter_settings *set)
{
	flow_begin(flow, first, set);
	flow_add(flow, first, held, set);
}

METER_INLINE void meter_tally_unsampled(struct meter_counts *counts, __u32 frame_octets)
{
	counts->packets[METER_NOT_SAMPLED]++;
	counts->frame_octets[METER_NOT_SAMPLED] += frame_octets;
}

METER_INLINE void meter_tally(struct meter_counts *counts, int verdict, const struct packet *pkt)
{
	if (verdict < 0 || verdict >= METER_VERDICTS)
		return;
	counts->packets[verdict]++;
	counts->frame_octets[verdict] += pkt->frame_octets;
	if (verdict == METER_OK)
		counts->octets += pkt->octets;
}

#endif
