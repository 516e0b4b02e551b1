/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TCP quality (DESIGN 4.3). Each side has what is remembered of its stream (track) and what is
 * counted of it in the record (tally). A packet is one side's doing; it moves that side's sequence
 * and acknowledges the other's.
 *
 *	me   the side that sent the packet
 *	peer the other one
 *
 * Sequence numbers are compared modulo 2^32; SYN and FIN occupy one. */
#ifndef METER_TCP_QUALITY_H
#define METER_TCP_QUALITY_H

#include "packet.h"
#include "tcp.h"
#include "tcp_holes.h"
#include "units.h"

#define TCP_REORDER_NS 3000000ULL /* the reordering window where the handshake was not seen */
#define TCP_NO_FLAGS   (WIRE_TCP_SYN | WIRE_TCP_FIN | WIRE_TCP_RST)

/* What a segment is to the stream it belongs to. */
enum tcp_segment {
	TCP_SEGMENT_NONE,  /* carries nothing: an acknowledgement */
	TCP_SEGMENT_NEW,   /* starts at next, or beyond it */
	TCP_SEGMENT_FILLS, /* came late, but in the reordering window */
	TCP_SEGMENT_AGAIN, /* a retransmission */
	TCP_SEGMENT_ALIVE, /* a keep-alive */
};

/* --- the sender's stream --- */

/* A new connection on an old flow: what was remembered of the stream is of another one. */
METER_INLINE void track_clear(struct tcp_track *track)
{
	__builtin_memset(track, 0, sizeof(*track));
	track->handshake_us = TCP_RTT_NONE;
}

METER_INLINE void tcp_syn_again(struct tcp_track *track, const struct packet *pkt)
{
	track->state |= TCP_SYN_REPEATED;
	if (!(pkt->options & PACKET_CLOCK) || pkt->clock == track->syn_clock)
		track->state |= TCP_SYN_SAME_CLOCK;
	track->syn_clock = pkt->clock;
	track->syn_ns = pkt->now_ns;
}

METER_INLINE void tcp_syn_first(struct tcp_track *track, const struct packet *pkt)
{
	track->isn = pkt->seq;
	track->state |= TCP_SYN_SEEN;
	if (pkt->tcp_flags & WIRE_TCP_ACK)
		track->state |= TCP_SYN_ANSWERS;
	if (pkt->options & PACKET_SCALE)
		track->state |= TCP_SCALES;
	if (pkt->options & PACKET_SACK_OK)
		track->state |= TCP_SACK_OK;
	if (pkt->options & PACKET_CLOCK)
		track->state |= TCP_CLOCKS;
	track->scale = pkt->scale;
	track->mss = pkt->mss;
	track->syn_clock = pkt->clock;
	track->syn_ns = pkt->now_ns;
}

METER_INLINE void tcp_syn(struct flow_tcp *me, struct flow_tcp *peer, const struct packet *pkt)
{
	struct tcp_track *track = &me->track;

	if (track->state & TCP_SYN_SEEN && track->isn == pkt->seq) {
		/* In a simultaneous open the SYN comes again as SYN+ACK. What the other side
		 * answers with its own is the SYN. */
		if (pkt->tcp_flags & WIRE_TCP_ACK && !(track->state & TCP_SYN_ANSWERS))
			track->state |= TCP_SYN_ANSWERS;
		else
			tcp_syn_again(track, pkt);
		return;
	}
	if (track->state & TCP_TRACKING && track->isn != pkt->seq) {
		track_clear(track);
		if (!(pkt->tcp_flags & WIRE_TCP_ACK))
			track_clear(&peer->track);
	}
	tcp_syn_first(track, pkt);
}

/* Rules of DESIGN 4.3 for a segment below next. */
METER_INLINE enum tcp_segment tcp_below(struct flow_tcp *me, const struct flow_tcp *peer,
					const struct packet *pkt, __u32 end)
{
	__u64 age = hole_age(&me->track, pkt->seq, pkt->now_ns);
	__u32 mine = me->track.handshake_us;
	__u32 other = peer->track.handshake_us;
	__u64 window = TCP_REORDER_NS;
	bool syn = pkt->tcp_flags & WIRE_TCP_SYN;
	__u32 below = seq_min(end, me->track.next) - pkt->seq - syn;

	if (mine != TCP_RTT_NONE || other != TCP_RTT_NONE)
		window = 1000ULL * ((mine == TCP_RTT_NONE ? 0 : (__u64)mine) +
				    (other == TCP_RTT_NONE ? 0 : (__u64)other));
	holes_fill(me, pkt->seq, end);
	if (age <= window) {
		me->tally.out_of_order++;
		return TCP_SEGMENT_FILLS;
	}
	me->tally.retransmitted_packets++;
	me->tally.retransmitted_octets += below < pkt->payload ? below : pkt->payload;
	me->tally.syn_retransmissions += syn;
	return TCP_SEGMENT_AGAIN;
}

METER_INLINE enum tcp_segment tcp_sequence(struct flow_tcp *me, const struct flow_tcp *peer,
					   const struct packet *pkt)
{
	struct tcp_track *track = &me->track;
	__u32 numbers = pkt->payload + !!(pkt->tcp_flags & WIRE_TCP_SYN) +
			!!(pkt->tcp_flags & WIRE_TCP_FIN);
	__u32 end = pkt->seq + numbers;
	enum tcp_segment segment = numbers ? TCP_SEGMENT_NEW : TCP_SEGMENT_NONE;

	if (!(track->state & TCP_TRACKING)) {
		track->state |= TCP_TRACKING;
		track->next = end;
		if (!(track->state & TCP_SYN_SEEN))
			track->isn = pkt->seq - 1;
		return segment;
	}
	if (pkt->seq == track->next - 1 && pkt->payload <= 1 &&
	    !(pkt->tcp_flags & (WIRE_TCP_SYN | WIRE_TCP_FIN))) {
		me->tally.keep_alives++;
		return TCP_SEGMENT_ALIVE;
	}
	if (seq_after(pkt->seq, track->next))
		hole_open(me, track->next, pkt->seq, pkt->now_ns);
	else if (pkt->seq != track->next && numbers)
		segment = tcp_below(me, peer, pkt, end);
	if (seq_after(end, track->next))
		track->next = end;
	return segment;
}

/* --- times --- */

METER_INLINE __u32 tcp_us(__u64 ns)
{
	return ns_to_us(ns);
}

/* One segment at a time waits for its acknowledgement, and none after which something was sent
 * again: its answer could be to either (Karn), or have waited for what was lost. */
METER_INLINE void tcp_time_segment(struct tcp_track *track, const struct packet *pkt,
				   enum tcp_segment segment)
{
	if (segment == TCP_SEGMENT_AGAIN)
		track->state &= ~TCP_TIMING;
	if (segment != TCP_SEGMENT_NEW || track->state & TCP_TIMING)
		return;
	track->state |= TCP_TIMING;
	track->rtt_mark = pkt->seq + pkt->payload + !!(pkt->tcp_flags & WIRE_TCP_SYN);
	track->rtt_sent_ns = pkt->now_ns;
}

/* From the last data of the other side to the first new data of this one. A request sent again
 * before there was an answer was last sent then. */
METER_INLINE void tcp_time_response(struct flow_tcp *me, struct flow_tcp *peer,
				    const struct packet *pkt, enum tcp_segment segment)
{
	struct tcp_tally *tally = &me->tally;
	__u32 us;

	if (peer->track.state & TCP_SPOKE_LAST) {
		if (segment != TCP_SEGMENT_NEW)
			return;
		peer->track.state &= ~TCP_SPOKE_LAST;
		us = tcp_us(pkt->now_ns - peer->track.data_ns);
		if (tally->response_count == 0 || us < tally->response_min_us)
			tally->response_min_us = us;
		if (us > tally->response_max_us)
			tally->response_max_us = us;
		tally->response_sum_us += us;
		tally->response_count++;
	}
	me->track.state |= TCP_SPOKE_LAST;
	me->track.data_ns = pkt->now_ns;
}

METER_INLINE void tcp_rtt_sample(struct tcp_tally *tally, __u32 us)
{
	if (tally->rtt_count == 0 || us < tally->rtt_min_us)
		tally->rtt_min_us = us;
	if (us > tally->rtt_max_us)
		tally->rtt_max_us = us;
	tally->rtt_count++;
	tally->rtt_sum_us += us;
	tally->rtt_squares_us2 += (__u64)us * us;
}

/* --- acknowledgements --- */

/* A SYN sent once, or one that this acknowledgement names by its time stamp. */
METER_INLINE bool tcp_syn_is_known(const struct tcp_track *peer, const struct packet *pkt)
{
	if (!(peer->state & TCP_SYN_REPEATED))
		return true;
	return !(peer->state & TCP_SYN_SAME_CLOCK) && pkt->options & PACKET_CLOCK &&
	       pkt->clock_echo == peer->syn_clock;
}

/* Another CPU may have seen the other side's SYN. Then this is the ACK of it, if it is the first.
 */
METER_INLINE void tcp_handshake_blind(struct flow_tcp *me, struct flow_tcp *peer,
				      const struct packet *pkt)
{
	if (me->track.state & TCP_SHOOK_BLIND || pkt->tcp_flags & WIRE_TCP_SYN)
		return;
	me->track.state |= TCP_SHOOK_BLIND;
	peer->track.syn_ns = pkt->now_ns;
}

/* The first acknowledgement of the other side's SYN: the handshake's round trip to this side. A SYN
 * is answered by SYN+ACK, that by ACK. An ACK for a SYN whose answer came before it, or was not
 * seen, is later than the answer. */
METER_INLINE void tcp_handshake(struct flow_tcp *me, struct flow_tcp *peer,
				const struct packet *pkt)
{
	bool answer = pkt->tcp_flags & WIRE_TCP_SYN || peer->track.state & TCP_SYN_ANSWERS;

	if (!(peer->track.state & TCP_SYN_SEEN)) {
		tcp_handshake_blind(me, peer, pkt);
		return;
	}
	if (me->track.state & TCP_SHOOK)
		return;
	if (!seq_after(pkt->ack, peer->track.isn) || (!answer && !(me->track.state & TCP_SYN_SEEN)))
		return;
	me->track.state |= TCP_SHOOK;
	if (answer && tcp_syn_is_known(&peer->track, pkt))
		me->track.handshake_us = tcp_us(pkt->now_ns - peer->track.syn_ns);
}

/* The other side has octets that this point never saw: they were lost on the way here. */
METER_INLINE void tcp_gaps(struct flow_tcp *peer, __u32 ack)
{
	for (int i = 0; i < TCP_HOLES; i++) {
		const struct tcp_hole *hole = &peer->track.hole[i];

		if (!hole_is_open(hole) || peer->track.holes & hole_acked_bit(i) ||
		    !seq_reached(ack, hole->end))
			continue;
		peer->track.holes |= hole_acked_bit(i);
		if (!(peer->track.holes & hole_told_bit(i)))
			peer->tally.gap_octets += hole->end - hole->start;
	}
}

METER_INLINE bool tcp_is_duplicate(const struct flow_tcp *me, const struct flow_tcp *peer,
				   const struct packet *pkt, enum tcp_segment segment)
{
	return segment == TCP_SEGMENT_NONE && me->track.state & TCP_ACK_SEEN &&
	       pkt->ack == me->track.last_ack && pkt->window == me->track.window &&
	       peer->track.state & TCP_TRACKING && seq_after(peer->track.next, pkt->ack);
}

METER_INLINE void tcp_acknowledge(struct flow_tcp *me, struct flow_tcp *peer,
				  const struct packet *pkt, enum tcp_segment segment)
{
	if (peer->track.state & TCP_TIMING && seq_reached(pkt->ack, peer->track.rtt_mark)) {
		peer->track.state &= ~TCP_TIMING;
		tcp_rtt_sample(&me->tally, tcp_us(pkt->now_ns - peer->track.rtt_sent_ns));
	}
	tcp_handshake(me, peer, pkt);
	tcp_gaps(peer, pkt->ack);
	if (tcp_is_duplicate(me, peer, pkt, segment))
		me->tally.duplicate_acks++;
	me->track.last_ack = pkt->ack;
	me->track.window = pkt->window;
	me->track.state |= TCP_ACK_SEEN;
}

/* The window stays closed; time that runs backwards adds nothing. */
METER_INLINE void tcp_window_wait(struct flow_tcp *me, __u64 now_ns)
{
	if ((__s64)(now_ns - me->track.zero_ns) <= 0)
		return;
	me->tally.zero_window_ns += now_ns - me->track.zero_ns;
	me->track.zero_ns = now_ns;
}

/* The window this side offers, scaled if both sides agreed to scale. */
METER_INLINE void tcp_window(struct flow_tcp *me, const struct flow_tcp *peer,
			     const struct packet *pkt)
{
	struct tcp_tally *tally = &me->tally;
	struct tcp_track *track = &me->track;
	__u32 window = pkt->window;

	if (track->state & peer->track.state & TCP_SCALES)
		window <<= track->scale & 15;
	if (tally->window_count == 0 || window < tally->window_min)
		tally->window_min = window;
	if (window > tally->window_max)
		tally->window_max = window;
	tally->window_sum += window;
	tally->window_count++;
	if (track->state & TCP_WINDOW_ZERO) {
		tcp_window_wait(me, pkt->now_ns);
		if (window)
			track->state &= ~TCP_WINDOW_ZERO;
	} else if (!window && track->state & TCP_WINDOW_OPEN) {
		tally->zero_windows++;
		track->state |= TCP_WINDOW_ZERO;
		track->zero_ns = pkt->now_ns;
	}
	if (window)
		track->state |= TCP_WINDOW_OPEN;
}

METER_INLINE void tcp_flag_counts(struct tcp_tally *tally, const struct packet *pkt)
{
	if (pkt->tcp_flags & WIRE_TCP_SYN)
		tally->syn_packets++;
	if (pkt->tcp_flags & WIRE_TCP_FIN)
		tally->fin_packets++;
	if (pkt->tcp_flags & WIRE_TCP_RST)
		tally->rst_packets++;
	if ((pkt->tos & 3) == 3)
		tally->ce_packets++;
}

/* A reset's numbers belong to nobody's stream, and its window is no offer. A SYN's window is not
 * scaled, so it is no sample; but it is open, and the next one may be closed. */
METER_STEP int tcp_account(struct flow_tcp *me, struct flow_tcp *peer, struct packet *pkt)
{
	enum tcp_segment segment;

	if (!me || !peer || !pkt)
		return 0;
	tcp_flag_counts(&me->tally, pkt);
	if (pkt->tcp_flags & WIRE_TCP_RST)
		return 0;
	if (pkt->tcp_flags & WIRE_TCP_SYN) {
		tcp_syn(me, peer, pkt);
		if (pkt->window)
			me->track.state |= TCP_WINDOW_OPEN;
	}
	segment = tcp_sequence(me, peer, pkt);
	if (pkt->payload && segment != TCP_SEGMENT_ALIVE) {
		tcp_time_segment(&me->track, pkt, segment);
		tcp_time_response(me, peer, pkt, segment);
	}
	if (!(pkt->tcp_flags & WIRE_TCP_ACK))
		return 0;
	if (!(pkt->tcp_flags & TCP_NO_FLAGS))
		tcp_window(me, peer, pkt);
	tcp_acknowledge(me, peer, pkt, segment);
	return 0;
}

METER_INLINE void tcp_begin(struct flow_tcp *tcp)
{
	__builtin_memset(tcp, 0, 2 * sizeof(*tcp));
	tcp[0].track.handshake_us = TCP_RTT_NONE;
	tcp[1].track.handshake_us = TCP_RTT_NONE;
}

/* A new record of the same flow: holes that are open were told in the last one. */
METER_INLINE void tcp_restart(struct flow_tcp *tcp)
{
	for (int i = 0; i < 2; i++) {
		__builtin_memset(&tcp[i].tally, 0, sizeof(tcp[i].tally));
		tcp[i].track.holes |= 0xf0;
	}
}

#endif
