/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the ring and the destinations of a run: parts of a flow that several CPUs metered wait
 * for each other. */
#ifndef WEIR_SETUP_LIVE_JOIN_H
#define WEIR_SETUP_LIVE_JOIN_H

#include "capture/kernel_meter.h"
#include "drain/join.h"

struct live_join;

struct live_join_options {
	struct kernel_meter *meter; /* whose records; its ring is where reading goes on */
	const char *folder;	    /* where what waits is pinned; NULL: nowhere */
	guint64 idle_ns;
	guint64 active_ns; /* 0: never */
	guint64 max_flows;
	const guint64 *commits; /* as in join_options */
	join_sink *sink;
	void *data;
};

struct live_join *live_join_new(const struct live_join_options *options, GError **error);
/* What waits stays where it is pinned. */
void live_join_free(struct live_join *live);

struct join *live_join_of(struct live_join *live);
/* The kernel's time went on. */
void live_join_tick(struct live_join *live);

#endif
