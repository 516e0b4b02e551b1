/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of the data put together: capture files, flow table, destinations. */
#ifndef WEIR_SETUP_PIPELINE_H
#define WEIR_SETUP_PIPELINE_H

#include <glib.h>
#include <stdbool.h>

#include "capture/dedup.h"
#include "capture/frame.h"
#include "export/fanout.h"
#include "setup/account.h"
#include "setup/places.h"

/* Called a few times a batch at most; size is 0 where it is not known; packets of all files. */
typedef void replay_progress(void *data, const char *file, guint64 offset, guint64 size,
			     guint64 packets);

/* How far a run is. */
struct replay_state {
	guint64 offset; /* of the file; size 0: not known */
	guint64 size;
	guint64 seen; /* packets of all files */
	const struct meter_counts *counts;
};

/* Who looks on. All calls come from the thread of replay_run(). */
struct replay_watch {
	void *data;
	/* What was read and is no copy and not filtered, before it is metered. False: enough; the
	 * run ends in order. */
	bool (*frames)(void *data, const struct frame *frames, size_t count);
	/* What left the table, with places and interfaces. Counted as exported where there is no
	 * destination. */
	void (*flows)(void *data, const struct flow_batch *batch);
	/* A few times a batch at most. */
	void (*progress)(void *data, const struct replay_state *state);
};

struct replay_options {
	const char *const *files; /* NULL-terminated; "-" is standard input */
	guint64 idle_timeout_ns;
	guint64 active_timeout_ns; /* 0: never */
	guint64 max_flows;
	bool seed_given;
	guint64 seed;		    /* of the hash; at random unless given */
	const char *filter;	    /* tcpdump expression or NULL */
	struct dedup_options dedup; /* no packets: no packet is taken for a copy */
	int detail;		    /* enum flow_detail; -1: what the templates need */
	guint batch;		    /* packets at a time */
	bool quiet;		    /* nothing is told but errors */
	struct meter_tunnels tunnels;
	struct export_options export;
	struct places_options places;
	/* Once, when the first file is open: the table stands in the account. Or NULL. */
	void (*begin)(const struct account *account);
	replay_progress *progress; /* or NULL */
	void *progress_data;
	const struct replay_watch *watch; /* or NULL */
};

/* Replays the files to their end. ret_account is filled in every case where packets were read, also
 * when false is returned: WEIR_ERROR_DAMAGED says that a file was, and that what came before the
 * damage is exported and accounted. account_clear() when done. */
bool replay_run(const struct replay_options *options, struct account *ret_account, GError **error);

#endif
