/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP of a record that several CPUs metered: what each side's parts remember of its stream, then
 * what can only be told from both, then what was counted. "me" and "peer" as in the meter. */
#include "drain/join_merge_tcp.h"

#include <string.h>

#define STATE_NOT_JOINED (TCP_TIMING | TCP_SPOKE_LAST | TCP_SHOOK_BLIND)
/* While parts are put together: the same SYN was seen at several places. */
#define SEVERAL_PLACES	 TCP_SPOKE_LAST

struct parts {
	const struct flow_record *const *record;
	size_t count;
};

static bool seq_reached(guint32 seq, guint32 mark)
{
	return (gint32)(seq - mark) >= 0;
}

static bool seq_after(guint32 seq, guint32 mark)
{
	return (gint32)(seq - mark) > 0;
}

/* --- the end --- */

/* Did this part, which did not see the FIN, see it acknowledged? */
static bool saw_acknowledged(const struct flow_record *part, int which, guint32 fin_end)
{
	const struct flow_side *side = &part->flow.side[which];
	const struct tcp_track *peer = &part->flow.tcp[1 - which].track;

	if (side->state & FLOW_FIN_SEEN)
		return false;
	if (side->state & FLOW_AWAITED && seq_reached(side->fin_end, fin_end))
		return true;
	return part->detail >= FLOW_DETAIL_TCP && peer->state & TCP_ACK_SEEN &&
	       seq_reached(peer->last_ack, fin_end);
}

void join_merge_fin(struct flow_record *to, const struct flow_record *const *parts, size_t count,
		    int which)
{
	struct flow_side *side = &to->flow.side[which];

	for (size_t i = 0; i < count; i++) {
		if (parts[i]->flow.side[which].state & FLOW_FIN_SEEN)
			side->fin_end = parts[i]->flow.side[which].fin_end;
	}
	for (size_t i = 0; i < count && side->state & FLOW_FIN_SEEN; i++) {
		if (saw_acknowledged(parts[i], which, side->fin_end))
			side->state |= FLOW_FIN_ACKED;
	}
}

/* --- one side's stream --- */

static void take_syn(struct tcp_track *to, const struct tcp_track *part)
{
	if (to->state & TCP_SYN_SEEN && to->isn == part->isn) {
		/* The same SYN at several places: sent again, and who knows with what clock. */
		to->state |= TCP_SYN_REPEATED | TCP_SYN_SAME_CLOCK | SEVERAL_PLACES;
		to->syn_ns = MAX(to->syn_ns, part->syn_ns);
		return;
	}
	if (to->state & TCP_SYN_SEEN && part->syn_ns < to->syn_ns)
		return;
	to->isn = part->isn;
	to->syn_ns = part->syn_ns;
	to->syn_clock = part->syn_clock;
	to->mss = part->mss;
	to->scale = part->scale;
}

static void track_add(struct tcp_track *to, const struct tcp_track *part)
{
	if (part->state & TCP_SYN_SEEN)
		take_syn(to, part);
	else if (part->state & TCP_TRACKING && !(to->state & TCP_SYN_SEEN) &&
		 (!(to->state & TCP_TRACKING) || seq_after(to->isn, part->isn)))
		to->isn = part->isn;
	if (part->state & TCP_TRACKING &&
	    (!(to->state & TCP_TRACKING) || seq_after(part->next, to->next)))
		to->next = part->next;
	if (part->state & TCP_ACK_SEEN &&
	    (!(to->state & TCP_ACK_SEEN) || seq_after(part->last_ack, to->last_ack)))
		to->last_ack = part->last_ack;
	if (to->handshake_us == TCP_RTT_NONE)
		to->handshake_us = part->handshake_us;
	to->state |= part->state & ~STATE_NOT_JOINED;
}

static void merge_track(struct flow_record *to, const struct parts *parts, int which)
{
	struct tcp_track *track = &to->flow.tcp[which].track;

	memset(track, 0, sizeof(*track));
	track->handshake_us = TCP_RTT_NONE;
	for (size_t i = 0; i < parts->count; i++)
		track_add(track, &parts->record[i]->flow.tcp[which].track);
}

/* --- the handshake --- */

/* When this side first acknowledged something where the other's SYN was not seen; 0: never. */
static guint64 first_ack_ns(const struct parts *parts, int me)
{
	guint64 first_ns = 0;

	for (size_t i = 0; i < parts->count; i++) {
		const struct flow_tcp *tcp = parts->record[i]->flow.tcp;
		guint64 ns = tcp[1 - me].track.syn_ns;

		if (!(tcp[me].track.state & TCP_SHOOK_BLIND) ||
		    tcp[1 - me].track.state & TCP_SYN_SEEN)
			continue;
		if (!first_ns || ns < first_ns)
			first_ns = ns;
	}
	return first_ns;
}

/* As the meter would have measured it: see tcp_handshake() there. */
static void join_handshake(struct flow_record *to, const struct parts *parts, int which)
{
	struct tcp_track *me = &to->flow.tcp[which].track;
	const struct tcp_track *peer = &to->flow.tcp[1 - which].track;
	bool answers = me->state & TCP_SYN_ANSWERS;
	guint64 answer_ns = answers ? me->syn_ns : first_ack_ns(parts, which);
	bool clear =
		!(peer->state & TCP_SYN_REPEATED) && !(answers && me->state & TCP_SYN_REPEATED);

	/* Each place measured with the SYN that it saw. */
	if ((me->state | peer->state) & SEVERAL_PLACES)
		me->handshake_us = TCP_RTT_NONE;
	if (!(peer->state & TCP_SYN_SEEN) || !(me->state & TCP_ACK_SEEN) ||
	    !seq_after(me->last_ack, peer->isn))
		return;
	if (answers == !!(peer->state & TCP_SYN_ANSWERS) || !answer_ns)
		return;
	me->state |= TCP_SHOOK;
	if (clear && answer_ns >= peer->syn_ns)
		me->handshake_us =
			(guint32)MIN(me->handshake_us, (answer_ns - peer->syn_ns) / 1000);
}

/* --- what was counted --- */

static void window_add(struct tcp_tally *to, const struct tcp_tally *part, int shift)
{
	if (part->window_count == 0)
		return;
	if (to->window_count == 0 || part->window_min << shift < to->window_min)
		to->window_min = part->window_min << shift;
	to->window_max = MAX(to->window_max, part->window_max << shift);
	to->window_sum += part->window_sum << shift;
	to->window_count += part->window_count;
}

static void tally_add(struct tcp_tally *to, const struct tcp_tally *part)
{
	to->retransmitted_packets += part->retransmitted_packets;
	to->retransmitted_octets += part->retransmitted_octets;
	to->syn_retransmissions += part->syn_retransmissions;
	to->out_of_order += part->out_of_order;
	to->unseen_octets += part->unseen_octets;
	to->gap_octets += part->gap_octets;
	to->keep_alives += part->keep_alives;
	to->zero_windows += part->zero_windows;
	to->zero_window_ns += part->zero_window_ns;
	to->ce_packets += part->ce_packets;
	to->syn_packets += part->syn_packets;
	to->fin_packets += part->fin_packets;
	to->rst_packets += part->rst_packets;
}

/* What needs the packets in their order; nobody had them all. */
static void tally_forget_order(struct tcp_tally *tally)
{
	tally->retransmitted_packets = 0;
	tally->retransmitted_octets = 0;
	tally->syn_retransmissions = 0;
	tally->out_of_order = 0;
	tally->unseen_octets = 0;
	tally->gap_octets = 0;
	tally->keep_alives = 0;
	tally->zero_windows = 0;
	tally->zero_window_ns = 0;
}

/* Octets that this part never saw, but whose arrival others saw acknowledged, by then. */
static guint64 acknowledged_holes(const struct tcp_track *track, const struct tcp_track *peer,
				  guint64 by_ns)
{
	guint64 octets = 0;

	for (int i = 0; i < TCP_HOLES && peer->state & TCP_ACK_SEEN; i++) {
		const struct tcp_hole *hole = &track->hole[i];
		guint8 known = (guint8)(0x11 << i); /* acknowledged, or told in an earlier record */

		if (hole->start != hole->end && !(track->holes & known) &&
		    hole->opened_ns <= by_ns && seq_reached(peer->last_ack, hole->end))
			octets += hole->end - hole->start;
	}
	return octets;
}

static void merge_tally(struct flow_record *to, const struct parts *parts, int which)
{
	struct flow_tcp *me = &to->flow.tcp[which];
	const struct tcp_track *peer = &to->flow.tcp[1 - which].track;
	bool scaled = me->track.state & peer->state & TCP_SCALES;

	memset(&me->tally, 0, sizeof(me->tally));
	for (size_t i = 0; i < parts->count; i++) {
		const struct flow_tcp *tcp = parts->record[i]->flow.tcp;
		bool knew = tcp[0].track.state & tcp[1].track.state & TCP_SCALES;

		if (parts->record[i]->flow.side[which].packets == 0)
			continue;
		tally_add(&me->tally, &tcp[which].tally);
		window_add(&me->tally, &tcp[which].tally,
			   scaled && !knew ? me->track.scale & 15 : 0);
		me->tally.gap_octets += acknowledged_holes(&tcp[which].track, peer,
							   to->flow.side[1 - which].last_ns);
	}
	if (to->flow.side[which].state & FLOW_SCATTERED)
		tally_forget_order(&me->tally);
}

void join_merge_tcp(struct flow_record *to, const struct flow_record *const *record, size_t count)
{
	const struct parts parts = { record, count };

	for (int which = 0; which < 2; which++)
		merge_track(to, &parts, which);
	for (int which = 0; which < 2; which++)
		join_handshake(to, &parts, which);
	for (int which = 0; which < 2; which++)
		merge_tally(to, &parts, which);
	for (int which = 0; which < 2; which++)
		to->flow.tcp[which].track.state &= ~SEVERAL_PLACES;
}
