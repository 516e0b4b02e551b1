/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Fragments that come before the first one of their datagram, which alone has ports, are held in
 * the flow cache, as a flow of their own whose key is the datagram (FLOW_KEY_HELD). When the first
 * one comes they are added to its flow, and their own is gone. If it never comes, that leaves like
 * any other flow: without ports, and flagged as orphans. So at every moment each of them is in one
 * flow of the cache or in a record, and expiry, eviction and restarts need to know nothing of it.
 *
 * Of a carrier (a packet that is a tunnel's) in fragments, the first is entered: what it carries
 * says in its own header how long it is as a whole. The later ones have no such header and are no
 * further packet of an inner flow, whose octets would be counted twice. They count in the flow of
 * the carrier, in either order.
 *
 * Where fragments before the first one met another CPU than it did, or are IPv6 and name another
 * next header, they are not found, and are orphans. */
#ifndef METER_HELD_H
#define METER_HELD_H

#include "packet.h"

METER_INLINE bool flow_is_held(const struct flow *flow)
{
	return flow->key.version & FLOW_KEY_HELD;
}

/* The side of the held flow that its fragments are on: that of a packet without ports. */
METER_INLINE __u32 fragment_side(const struct packet *pkt)
{
	const struct flow_key *key = &pkt->key;

	return (key->low[0] ^ key->high[0]) | (key->low[1] ^ key->high[1]) ? pkt->side & 1 : 0;
}

/* From the key of one of its fragments, in canonical order, to that of the datagram. */
METER_INLINE void fragment_hold_key(const struct packet *pkt, struct flow_key *key)
{
	key->low_port = pkt->fragment_id & 0xffff;
	key->high_port = pkt->fragment_id >> 16;
	key->proto = pkt->fragment_proto;
	key->version |= FLOW_KEY_HELD | (fragment_side(pkt) ? FLOW_KEY_HELD_HIGH : 0);
}

/* A copy of a flow leaves the cache: without a trace of having been held. Returns the packets that
 * are orphans by that. Datagrams that began in the same moment were born apart, for the flow's
 * identifier is made of that. */
METER_INLINE __u64 flow_release(struct flow *flow)
{
	if (!flow_is_held(flow))
		return 0;
	flow->side[FLOW_FROM_LOW].whole += bpf_ntohs(flow->key.low_port ^ flow->key.high_port);
	flow->key.version &= FLOW_KEY_VERSION;
	flow->key.low_port = 0;
	flow->key.high_port = 0;
	return flow->side[FLOW_FROM_LOW].packets + flow->side[FLOW_FROM_HIGH].packets;
}

#endif
