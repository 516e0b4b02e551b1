/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb "flows": what is in the cache of a run now. The kernel's tables are read by a thread of
 * their own, the native one some slots in a turn; what is found is told some flows in a turn. One
 * request at a time, each within some MiB whatever the cache holds. */
#ifndef WEIR_OPERATE_LIVE_FLOWS_H
#define WEIR_OPERATE_LIVE_FLOWS_H

#include "serve/control.h"
#include "setup/live_control.h"

struct live_flows;

/* parts outlive it. */
struct live_flows *live_flows_new(const struct live_parts *parts);
/* Who waits is told that the run ends. */
void live_flows_free(struct live_flows *flows);

/* As a verb's begin. */
bool live_flows_begin(struct live_flows *flows, const char *argument, struct control_reply *reply,
		      GError **error);
/* Goes on a little; true: there is more to do. */
bool live_flows_turn(struct live_flows *flows);

#endif
