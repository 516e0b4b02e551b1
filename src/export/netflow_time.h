/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of NetFlow v5 and v9: times of flows are milliseconds since the exporter booted, and a
 * packet's header says when it was sent both in that clock and in seconds since 1970.
 *
 * We have not booted when the first packet of a capture was taken, so we say that we did 12 days
 * before it. Flows come out in the order of their ends and may begin before what came out first;
 * and collectors that read signed numbers, or that do not know that the clock wraps after 49.7
 * days, need not: long before that happens we "boot" anew. Every packet by itself gives exact
 * times: header seconds - header uptime + a flow's uptime. */
#ifndef WEIR_EXPORT_NETFLOW_TIME_H
#define WEIR_EXPORT_NETFLOW_TIME_H

#include "flow/flow.h"

struct netflow_time {
	bool begun;
	guint64 boot_ms; /* since 1970, a whole second */
	guint64 clock_s; /* no packet of the flows told was later */
};

/* A flow of up to 49 days that ends before 2106 can be told. */
bool netflow_time_tells(const struct flow *flow);
/* The flow can be told in the packet that holds what was taken before it. */
bool netflow_time_fits(const struct netflow_time *time, const struct flow *flow);
/* From here on the clock is right for this flow; for those before it only if it fitted. */
void netflow_time_take(struct netflow_time *time, const struct flow *flow);

/* For packet headers. */
guint32 netflow_time_seconds(const struct netflow_time *time);
guint32 netflow_time_uptime(const struct netflow_time *time);
/* Of a time of a flow that was taken. */
guint32 netflow_time_of(const struct netflow_time *time, guint64 ns);

#endif
