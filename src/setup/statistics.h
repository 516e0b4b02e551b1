/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run tells its destinations beside flows, and when. */
#ifndef WEIR_SETUP_STATISTICS_H
#define WEIR_SETUP_STATISTICS_H

#include "enrich/interface.h"
#include "setup/account.h"
#include "setup/places.h"

struct statistics {
	guint64 start_ns; /* since 1970 */
	guint64 end_ns;
	guint64 every_ns; /* 0: only at the end */
	bool live;
	guint32 process;
	gint64 next_us;		     /* by the monotonic clock */
	const struct places *places; /* or NULL; outlives this */
};

/* Of a live run, by the wall clock. */
struct statistics statistics_live(guint64 every_ns);
/* Of captures: by their packets, and the same on every host. */
struct statistics statistics_replay(void);
void statistics_packet(struct statistics *statistics, guint64 time_ns);

/* True when it is time again, or a collector has come back. */
bool statistics_due(struct statistics *statistics, struct fanout *fanout);
/* names may be NULL. */
bool statistics_tell(struct statistics *statistics, struct fanout *fanout,
		     const struct account *account, const struct interface_names *names,
		     GError **error);

#endif
