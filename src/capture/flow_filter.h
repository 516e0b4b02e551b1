/* SPDX-License-Identifier: BSD-2-Clause */
/* A tcpdump expression about flows instead of packets. */
#ifndef WEIR_CAPTURE_FLOW_FILTER_H
#define WEIR_CAPTURE_FLOW_FILTER_H

#include <stdbool.h>

#include "flow/flow.h"

struct flow_filter;

/* WEIR_ERROR_USAGE: the expression is wrong, not for Ethernet, or about lengths or directions of
 * packets, which a flow has not. */
struct flow_filter *flow_filter_new(const char *expression, GError **error);
void flow_filter_free(struct flow_filter *filter);

/* Does it match headers that either side would send: MAC addresses where the detail has them,
 * VLAN, addresses, protocol, ports, ToS and ICMP type and code of the first packet, the least TTL,
 * and all TCP flags that were seen? Of what was in a tunnel, that; the carrier is not looked at.
 * Other octets of headers, and payload, are 0. */
bool flow_filter_match(struct flow_filter *filter, const struct flow_record *record);

#endif
