/* SPDX-License-Identifier: BSD-2-Clause */
/* Getters of TCP quality. Every one is 0 where its value is not known. */
#include "flow/fields_tcp.h"

#include "flow/statistics.h"

#define PROTO_TCP 6

const struct flow_tcp *tcp_of(const struct flow_view *view)
{
	return &view->record->flow.tcp[view->from];
}

bool tcp_is_metered_flow(const struct flow_view *view)
{
	return view->record->flow.key.proto == PROTO_TCP && view->record->detail >= FLOW_DETAIL_TCP;
}

bool tcp_is_metered(const struct flow_view *view)
{
	return tcp_is_metered_flow(view) && view->record->flow.side[view->from].packets > 0;
}

bool tcp_meets_both(const struct flow_view *view)
{
	return tcp_is_metered(view) && !(view->record->circumstances & FLOW_JOINED);
}

bool tcp_has_order(const struct flow_view *view)
{
	return tcp_is_metered(view) &&
	       !(view->record->flow.side[view->from].state & FLOW_SCATTERED);
}

bool tcp_knows_handshake(const struct flow_view *view)
{
	return tcp_is_metered(view) && tcp_of(view)->track.handshake_us != TCP_RTT_NONE;
}

bool tcp_knows_rtt(const struct flow_view *view)
{
	return tcp_is_metered(view) && tcp_of(view)->tally.rtt_count > 0;
}

bool tcp_knows_response(const struct flow_view *view)
{
	return tcp_is_metered(view) && tcp_of(view)->tally.response_count > 0;
}

bool tcp_knows_window(const struct flow_view *view)
{
	return tcp_is_metered(view) && tcp_of(view)->tally.window_count > 0;
}

static bool tracks(const struct flow_view *view, enum tcp_track_state bit)
{
	return tcp_is_metered(view) && tcp_of(view)->track.state & bit;
}

bool tcp_knows_syn(const struct flow_view *view)
{
	return tracks(view, TCP_SYN_SEEN);
}

bool tcp_knows_mss(const struct flow_view *view)
{
	return tcp_knows_syn(view) && tcp_of(view)->track.mss > 0;
}

bool tcp_knows_scale(const struct flow_view *view)
{
	return tracks(view, TCP_SCALES);
}

void tcp_handshake_rtt(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = tcp_knows_handshake(view) ? tcp_of(view)->track.handshake_us : 0;
}

void tcp_rtt_mean(const struct flow_view *view, union field_value *ret_value)
{
	const struct tcp_tally *tally = &tcp_of(view)->tally;

	ret_value->real =
		tcp_knows_rtt(view) ? statistics_mean(tally->rtt_sum_us, tally->rtt_count) : 0;
}

void tcp_rtt_deviation(const struct flow_view *view, union field_value *ret_value)
{
	const struct tcp_tally *tally = &tcp_of(view)->tally;

	ret_value->real = tcp_knows_rtt(view)
				  ? statistics_deviation(tally->rtt_sum_us, tally->rtt_squares_us2,
							 tally->rtt_count)
				  : 0;
}

void tcp_response_mean(const struct flow_view *view, union field_value *ret_value)
{
	const struct tcp_tally *tally = &tcp_of(view)->tally;

	ret_value->real = tcp_knows_response(view)
				  ? statistics_mean(tally->response_sum_us, tally->response_count)
				  : 0;
}

void tcp_zero_window(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = tcp_is_metered(view) ? tcp_of(view)->tally.zero_window_ns / 1000 : 0;
}

void tcp_window_mean(const struct flow_view *view, union field_value *ret_value)
{
	const struct tcp_tally *tally = &tcp_of(view)->tally;

	ret_value->real = tcp_knows_window(view)
				  ? statistics_mean(tally->window_sum, tally->window_count)
				  : 0;
}

void tcp_scales(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = tracks(view, TCP_SCALES);
}

void tcp_sack_permitted(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = tracks(view, TCP_SACK_OK);
}

void tcp_timestamps(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = tracks(view, TCP_CLOCKS);
}

/* A SYN+ACK and nothing after it: not even data, which tells that the other direction is unseen. */
static bool only_answered(const struct tcp_track *track, const struct tcp_track *other)
{
	return track->state & TCP_SYN_ANSWERS && track->next == track->isn + 1 &&
	       !(other->state & TCP_ACK_SEEN);
}

/* Before any FIN or RST. Who acknowledges has been answered, whether we saw that or not. */
static enum field_tcp_state open_state(const struct tcp_track *a, const struct tcp_track *b)
{
	guint16 either = a->state | b->state;

	if (!(either & TCP_TRACKING))
		return FIELD_TCP_UNKNOWN;
	if (a->state & b->state & TCP_SHOOK)
		return FIELD_TCP_ESTABLISHED;
	if (either & TCP_SYN_SEEN && !(either & TCP_ACK_SEEN))
		return FIELD_TCP_OPENING;
	if (only_answered(a, b) || only_answered(b, a))
		return FIELD_TCP_ANSWERED;
	return FIELD_TCP_MIDSTREAM;
}

/* Only a reset or both FINs' acknowledgement ends a flow; the end lies in the high side. */
static enum field_tcp_state end_state(const struct flow *flow)
{
	const struct flow_side *low = &flow->side[FLOW_FROM_LOW];
	const struct flow_side *high = &flow->side[FLOW_FROM_HIGH];

	if (low->state & high->state & FLOW_FIN_ACKED)
		return FIELD_TCP_CLOSED;
	if (high->whole != 0)
		return FIELD_TCP_RESET;
	if (low->state & high->state & FLOW_FIN_SEEN)
		return FIELD_TCP_CLOSING;
	if ((low->state | high->state) & FLOW_FIN_SEEN)
		return FIELD_TCP_HALF_CLOSED;
	return open_state(&flow->tcp[FLOW_FROM_LOW].track, &flow->tcp[FLOW_FROM_HIGH].track);
}

void tcp_state_at_end(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number =
		tcp_is_metered_flow(view) ? end_state(&view->record->flow) : FIELD_TCP_UNKNOWN;
}

guint64 tcp_validity(const struct flow_view *view)
{
	const struct flow_tcp *tcp = view->record->flow.tcp;
	guint64 bits = FIELD_VALIDITY_TCP;

	if (!tcp_is_metered(view))
		return 0;
	if (tcp[FLOW_FROM_LOW].track.state & tcp[FLOW_FROM_HIGH].track.state & TCP_SHOOK)
		bits |= FIELD_VALIDITY_HANDSHAKE;
	if (tcp_knows_handshake(view))
		bits |= FIELD_VALIDITY_RTT;
	if (tcp_knows_syn(view))
		bits |= FIELD_VALIDITY_SYN;
	if (tcp_of(view)->tally.gap_octets > 0)
		bits |= FIELD_VALIDITY_GAP;
	return bits;
}
