/* SPDX-License-Identifier: BSD-2-Clause */
/* What the TCP rows of fields.def say, and where they have something to say. */
#ifndef WEIR_FLOW_FIELDS_TCP_H
#define WEIR_FLOW_FIELDS_TCP_H

#include "flow/fields.h"

/* Only where tcp_is_metered. */
const struct flow_tcp *tcp_of(const struct flow_view *view);

/* Is the flow TCP, and was its quality metered? */
field_known tcp_is_metered_flow;
/* And did this side send anything? What it left there before an active time-out does not count. */
field_known tcp_is_metered;
/* And did one CPU meter both directions? Where parts were joined, none may have. */
field_known tcp_meets_both;
/* And did one CPU meter all packets of this side? */
field_known tcp_has_order;
field_known tcp_knows_handshake;
field_known tcp_knows_rtt;
field_known tcp_knows_response;
field_known tcp_knows_window;
field_known tcp_knows_syn;
field_known tcp_knows_mss;
field_known tcp_knows_scale;

field_get tcp_handshake_rtt;
field_get tcp_rtt_mean;
field_get tcp_rtt_deviation;
field_get tcp_response_mean;
field_get tcp_zero_window;
field_get tcp_window_mean;
field_get tcp_scales;
field_get tcp_sack_permitted;
field_get tcp_timestamps;
field_get tcp_state_at_end;

/* The bits of metricValidity that are about TCP; enum field_validity. */
guint64 tcp_validity(const struct flow_view *view);

#endif
