/* SPDX-License-Identifier: BSD-2-Clause */
/* What of the meter can change while a run goes on, with every flow that is in the cache: the
 * time-outs and the filter. */
#ifndef WEIR_SETUP_LIVE_TUNE_H
#define WEIR_SETUP_LIVE_TUNE_H

#include "setup/live.h"
#include "setup/reload.h"

struct live_cache;
struct live_join;
struct native_meter;
struct sieve;

/* Of a run; all of it outlives the reload. */
struct live_tune {
	struct live_options *options; /* in force: the run's own copy */
	/* In the kernel; or natively. */
	struct live_cache *cache;
	struct links **links;
	struct live_join *join;
	struct native_meter *meter;
	struct sieve *sieve;
};

void live_tune_join(const struct live_tune *tune, struct reload *reload);

#endif
