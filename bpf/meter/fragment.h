/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Fragments (DESIGN 4.1): only a datagram's first fragment has ports. They are kept for the later
 * ones in a bounded table that each home provides. What becomes of a later one that comes before
 * its first: see held.h. */
#ifndef METER_FRAGMENT_H
#define METER_FRAGMENT_H

#include "packet.h"

/* Given by the home. */
METER_INLINE void fragment_remember(const meter_ctx *ctx, const struct fragment_key *key,
				    const struct fragment_ports *ports);
METER_INLINE const struct fragment_ports *fragment_recall(const meter_ctx *ctx,
							  const struct fragment_key *key);

METER_INLINE void fragment_first(const meter_ctx *ctx, struct packet *pkt,
				 const struct fragment_key *key)
{
	struct fragment_ports ports = {
		.seen_ns = pkt->now_ns,
		.source = pkt->key.low_port,
		.destination = pkt->key.high_port,
		.proto = pkt->key.proto,
	};

	pkt->pieces |= PIECE_FIRST;
	fragment_remember(ctx, key, &ports);
}

METER_INLINE void fragment_later(const meter_ctx *ctx, struct packet *pkt,
				 const struct fragment_key *key)
{
	const struct fragment_ports *ports = fragment_recall(ctx, key);

	if (!ports || (__s64)(pkt->now_ns - ports->seen_ns) > (__s64)FRAGMENT_LIFE_NS) {
		pkt->state |= FLOW_ORPHANS;
		pkt->pieces |= PIECE_ORPHAN;
		return;
	}
	pkt->key.low_port = ports->source;
	pkt->key.high_port = ports->destination;
	pkt->key.proto = ports->proto;
}

/* A fragment leaves its ports or gets them. */
METER_STEP int parse_fragment(meter_ctx *ctx, struct packet *pkt)
{
	struct fragment_key key = {};

	if (!pkt)
		return METER_TRUNCATED;
	if (pkt->key.version == 4)
		pkt->fragment_proto = pkt->key.proto;
	key.source[0] = pkt->key.low[0];
	key.source[1] = pkt->key.low[1];
	key.destination[0] = pkt->key.high[0];
	key.destination[1] = pkt->key.high[1];
	key.id = pkt->fragment_id;
	key.vlan = pkt->key.vlan;
	key.proto = pkt->key.version == 4 ? pkt->key.proto : 0;
	key.version = pkt->key.version;
	key.tunnel_id = pkt->key.tunnel_id;
	key.tunnel = pkt->key.tunnel;
	pkt->state |= FLOW_FRAGMENTED;
	if (pkt->fragment == PACKET_FIRST_FRAGMENT)
		fragment_first(ctx, pkt, &key);
	else
		fragment_later(ctx, pkt, &key);
	return METER_OK;
}

#endif
