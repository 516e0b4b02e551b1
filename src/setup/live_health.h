/* SPDX-License-Identifier: BSD-2-Clause */
/* What is well with a live run and what is not. */
#ifndef WEIR_SETUP_LIVE_HEALTH_H
#define WEIR_SETUP_LIVE_HEALTH_H

#include "metrics/health.h"
#include "setup/live_control.h"
#include "setup/live_look.h"

/* What was counted up to a moment. */
struct live_moment {
	gint64 us;
	guint64 exported; /* flows */
	guint64 evicted;
	guint64 no_room; /* packets */
	guint64 dropped; /* flows */
};

/* Between a moment that is not older than twice a while and now, and one that is younger. */
struct live_health {
	struct live_moment then;
	struct live_moment next;
};

struct health *live_health_of(struct live_health *health, const struct live_parts *parts,
			      const struct live_look *look, const struct account *account);

#endif
