/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the fan-out share: how destinations come to be (fanout_open.c), get flows
 * (fanout.c) and change (fanout_reload.c). */
#ifndef WEIR_EXPORT_FANOUT_PARTS_H
#define WEIR_EXPORT_FANOUT_PARTS_H

#include "export/fanout.h"
#include "export/way.h"

/* Destinations of a run. */
#define FANOUT_MOST 256

struct fanout {
	GPtrArray *ways;    /* of struct way, in the user's order */
	GPtrArray *leaving; /* of struct way: they get nothing more, and have not ended yet */
	GPtrArray *streams; /* to collectors, of struct stream */
	enum fanout_policy policy;
	size_t active;		 /* of FANOUT_FAILOVER: who gets the flows */
	struct flow_batch *part; /* what one destination gets of a batch */
	struct tally handed;	 /* everything given out */
	bool patient;		 /* who gives flows has time */
	bool returned;		 /* some collector, since that was asked for */
	bool asked;		 /* whether the collectors are there */
	struct past *common;	 /* where they share the flows: what those before them did */

	/* Ids of templates that change. */
	bool reloading;
	GHashTable *collectors; /* set of those that were sent something, "HOST PORT" */
	GHashTable *forms;	/* what a stream says -> its number, from 1 */
};

static inline struct way *fanout_way(const struct fanout *fanout, size_t index)
{
	return g_ptr_array_index(fanout->ways, index);
}

/* Everything that makes a destination what it is; free with g_free. NULL: the URL is wrong. */
char *fanout_recipe(const struct export_options *options, size_t number, GError **error);
/* A destination that is opened, a file, or only has its names, a collector; nothing has changed.
 * others: of struct way, whose places are taken. */
struct way *fanout_open(const GPtrArray *others, const struct export_options *options,
			size_t number, GError **error);
/* Begins to send or to write. */
bool fanout_start(struct fanout *fanout, struct way *way, const struct export_options *options,
		  GError **error);
/* Nothing of it goes to this sender any more; a stream nobody wants ends. */
void fanout_leave_stream(struct fanout *fanout, struct way *way);

/* --- the account across a change --- */

/* The one whose count was the run's, where each gets every flow. */
struct way *fanout_worst(struct fanout *fanout);
/* What it has made of the flows, and whatever was before it. Of one that goes on, as of now. */
struct past *fanout_past_of(struct fanout *fanout, struct way *way, struct past *before);
/* Where they share the flows: all of them, one before the other. */
struct past *fanout_past_of_all(struct fanout *fanout);
/* What others count already, it does not count again. */
void fanout_begin_account(struct fanout *fanout, struct way *way, struct past *before);

#endif
