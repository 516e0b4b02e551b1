/* SPDX-License-Identifier: BSD-2-Clause */
/* What it costs to look through a table and bring out the flows that are finished. */
#ifndef WEIR_SETUP_BENCH_SCAN_COST_H
#define WEIR_SETUP_BENCH_SCAN_COST_H

#include "setup/bench/levels.h"

/* Parts of the flows that are finished, in per cent. */
#define SCAN_PARTS 3
extern const guint scan_parts[SCAN_PARTS];

/* Medians over the rounds. */
struct scan_figure {
	guint64 records;    /* that came out, of the flows */
	double scan_ms;	    /* CPU time of the scan in the kernel, all calls of one round */
	double longest_ms;  /* of these calls, by the same clock */
	double taking_ms;   /* user space takes the records from the ring and forgets them */
	double ns_a_record; /* both, over the records */
};

struct scan_figures {
	guint flows;
	guint calls; /* of the drain, in a round */
	struct scan_figure parts[SCAN_PARTS];
};

struct scan_options {
	enum flow_detail detail;
	guint64 packets; /* fewer flows where this is small */
};

/* In a child process bound to one CPU. */
bool scan_cost_measure(const struct scan_options *options, struct scan_figures *ret_figures,
		       GError **error);

#endif
