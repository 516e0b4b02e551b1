/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of the data put together for interfaces: hooks, flow cache in the kernel, destinations.
 */
#ifndef WEIR_SETUP_LIVE_H
#define WEIR_SETUP_LIVE_H

#include "capture/attach.h"
#include "capture/dedup.h"
#include "capture/kernel_tables.h"
#include "export/fanout.h"
#include "setup/account.h"
#include "setup/live_metrics.h"
#include "setup/live_view.h"
#include "setup/options.h"
#include "setup/places.h"

#define LIVE_FLUSH_US G_USEC_PER_SEC

struct live_options {
	const char *const *interfaces; /* NULL-terminated */
	struct attach_options attach;
	const char *filter;	    /* a tcpdump expression; NULL: everything is metered */
	struct dedup_options dedup; /* no packets: no packet is taken for a copy */
	guint64 idle_timeout_ns;
	guint64 active_timeout_ns; /* 0: never */
	guint64 max_flows;
	struct meter_tunnels tunnels;
	enum kernel_cache cache;
	int detail; /* enum flow_detail; -1: what the templates need */
	guint32 ring_octets;
	guint64 duration_ns;  /* 0: until told to stop */
	const char *instance; /* whose flow cache outlives this process */
	struct export_options export;
	struct places_options places;
	guint64 statistics_ns;	      /* told so often, and at the end; 0: only then */
	struct live_view *view;	      /* NULL: none; ended by the caller */
	struct live_metrics *metrics; /* likewise */
	const struct options *given;  /* by the user; to be read again */
	/* Tells the account of an instance before nothing is left of it, so that a process killed
	 * in between leaves what tells it again. False: it is kept. NULL: nobody asks. */
	bool (*tell)(void *data, const struct account *account);
	void *tell_data;
	bool drop;
	bool ending;	     /* only to bring out what an earlier process left */
	bool instance_given; /* by the user, who means to come back */
	bool quiet;
};

/* Meters until SIGINT, SIGTERM or the duration ends it; then everything in the cache is exported
 * and accounted. ret_account as replay_run() does. */
bool live_run(const struct live_options *options, struct account *ret_account, GError **error);

#endif
