/* SPDX-License-Identifier: BSD-2-Clause */
/* What a live run tells who scrapes it: --metrics. */
#ifndef WEIR_SETUP_LIVE_METRICS_H
#define WEIR_SETUP_LIVE_METRICS_H

#include "flow/flow.h"
#include "setup/options.h"

struct live_metrics;
struct live_parts;

/* False: it is given, and --metrics is not. */
bool live_metrics_is_of_use(const struct options *options, enum option_id id, GError **error);

/* Has its port from here on, and answers from live_metrics_start() on; ret_metrics is NULL where
 * --metrics is not given. NULL does for the others then. */
bool live_metrics_open(const struct options *options, struct live_metrics **ret_metrics,
		       GError **error);
void live_metrics_free(struct live_metrics *metrics);
/* In a thread: when that may begin. */
void live_metrics_start(struct live_metrics *metrics);

/* Flows that leave the cache. */
void live_metrics_take(struct live_metrics *metrics, const struct flow_batch *batch);
/* To be called often: tells what is asked for. Configurations read anew, and those that failed. */
void live_metrics_turn(struct live_metrics *metrics, const struct live_parts *parts, guint reloads,
		       guint failed);
/* The run ends. */
void live_metrics_end(struct live_metrics *metrics);

#endif
