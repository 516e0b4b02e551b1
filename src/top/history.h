/* SPDX-License-Identifier: BSD-2-Clause */
/* What happened when, for the graphs: amounts in bins of equal length. */
#ifndef WEIR_TOP_HISTORY_H
#define WEIR_TOP_HISTORY_H

#include <glib.h>
#include <stdbool.h>

#define TOP_BINS 512

enum top_kind {
	TOP_OCTETS,
	TOP_PACKETS,
	TOP_FLOWS,
	TOP_KINDS,
};

struct top_history {
	bool rolling; /* the last TOP_BINS; else all of the time, in longer bins when it grows */
	guint64 bin_ns;
	guint64 first_ns; /* when the first bin began */
	guint count;
	guint64 amounts[TOP_KINDS][TOP_BINS];
};

/* Of a live source: each bin is what top_history_push() tells. */
struct top_history top_history_live(guint64 bin_ns);
/* Of a capture: by packet time. */
struct top_history top_history_capture(void);

/* The next bin, at the end. */
void top_history_push(struct top_history *history, const guint64 amounts[TOP_KINDS]);
/* To the bin of that time; what is earlier than the first bin belongs to that. */
void top_history_add(struct top_history *history, enum top_kind kind, guint64 time_ns,
		     guint64 amount);

/* A second's amount in each of `columns` steps, the last one now: of a rolling history a bin a
 * step, of another one all of it, stretched or drawn together. -1: nothing is known of it. */
void top_history_rates(const struct top_history *history, enum top_kind kind, guint columns,
		       double *ret_rates);

#endif
