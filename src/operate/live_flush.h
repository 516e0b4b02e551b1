/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb "flush": every flow that is in the cache when it is asked for goes to the destinations,
 * as forced, and metering goes on. What goes on begins a new flow. */
#ifndef WEIR_OPERATE_LIVE_FLUSH_H
#define WEIR_OPERATE_LIVE_FLUSH_H

#include "serve/control.h"
#include "setup/live_control.h"

struct live_flush;

/* parts outlive it. */
struct live_flush *live_flush_new(const struct live_parts *parts);
/* Who waits is told that the run ends. */
void live_flush_free(struct live_flush *flush);

/* As a verb's begin; the answer, when all of it has been handed over, has the member "flows": how
 * many were meanwhile. */
void live_flush_begin(struct live_flush *flush, struct control_reply *reply);
/* Goes on a little; true: there is more to do. */
bool live_flush_turn(struct live_flush *flush);

#endif
