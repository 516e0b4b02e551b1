/* SPDX-License-Identifier: BSD-2-Clause */
/* What a live run can be told while it goes on: at its control socket, and by SIGHUP. */
#ifndef WEIR_SETUP_LIVE_CONTROL_H
#define WEIR_SETUP_LIVE_CONTROL_H

#include "setup/live.h"
#include "setup/live_look.h"
#include "setup/live_tune.h"
#include "setup/reload.h"
#include "setup/statistics.h"

struct live_cache;
struct live_join;
struct live_names;
struct native_meter;
struct notify;
struct scan;

/* The run; all of it outlives the control. */
struct live_parts {
	const struct live_options *options;
	struct fanout *fanout;
	struct statistics *statistics;
	enum flow_detail detail; /* that is metered */
	/* What holds flows: in the kernel, with who brings them out and who joins them; or
	 * natively. */
	const struct live_cache *cache;
	struct scan *scan;
	struct live_join *join;
	struct native_meter *meter;
	const struct live_names *names;
	struct places *places;
	struct notify *notify;
	/* Hands over what was taken. NULL: nothing waits. */
	void (*commit)(void *data);
	/* The account as it stands. */
	void (*settle)(void *data, struct account *ret_account);
	void (*look)(void *data, struct live_look *ret_look);
	struct live_tune tune; /* what can change of the meter */
	void *data;
};

struct live_control;

/* A run that cannot be controlled says so, and goes on: NULL. */
struct live_control *live_control_new(const struct live_parts *parts);
void live_control_free(struct live_control *control);

/* For what else can change: reload_add(). */
struct reload *live_control_reload(struct live_control *control);

/* Does what was asked for; never waits. True: somebody is connected, and it is worth coming back
 * soon. */
bool live_control_turn(struct live_control *control);

#endif
