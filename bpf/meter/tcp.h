/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* When a TCP connection is over (DESIGN 4.2): known at every detail. */
#ifndef METER_TCP_H
#define METER_TCP_H

#include "packet.h"
#include "wire.h"

/* Sequence numbers are compared modulo 2^32. */
METER_INLINE bool seq_reached(__u32 seq, __u32 mark)
{
	return (__s32)(seq - mark) >= 0;
}

/* A FIN that another CPU saw may be among what is acknowledged here: it is for whoever joins the
 * parts of a flow to find out. */
METER_INLINE void tcp_track_ack(struct flow_side *other, __u32 ack)
{
	if (other->state & FLOW_FIN_SEEN) {
		if (seq_reached(ack, other->fin_end))
			other->state |= FLOW_FIN_ACKED;
		return;
	}
	if (!(other->state & FLOW_AWAITED) || seq_reached(ack, other->fin_end))
		other->fin_end = ack;
	other->state |= FLOW_AWAITED;
}

/* The connection ends when both FINs are acknowledged, or with an RST. While one is in sight every
 * packet takes the long way (gate 0), so that flows that just carry data need not look here. True
 * when the flow ended with this packet. */
METER_INLINE bool tcp_track_end(struct flow *flow, struct flow_side *side, struct flow_side *other,
				const struct packet *pkt)
{
	if (flow->side[FLOW_FROM_HIGH].whole)
		return false;
	if (pkt->tcp_flags & WIRE_TCP_FIN && !(pkt->state & FLOW_L4_CUT)) {
		side->fin_end = pkt->seq + pkt->payload + 1 + !!(pkt->tcp_flags & WIRE_TCP_SYN);
		side->state |= FLOW_FIN_SEEN;
	}
	if (pkt->tcp_flags & WIRE_TCP_ACK)
		tcp_track_ack(other, pkt->ack);
	flow->gate_ns = 0;
	if (!(pkt->tcp_flags & WIRE_TCP_RST) && !(side->state & other->state & FLOW_FIN_ACKED))
		return false;
	flow->side[FLOW_FROM_HIGH].whole = pkt->now_ns;
	return true;
}

#endif
