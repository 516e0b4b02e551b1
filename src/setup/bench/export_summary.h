/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of export over all rounds in a few numbers. */
#ifndef WEIR_SETUP_BENCH_EXPORT_SUMMARY_H
#define WEIR_SETUP_BENCH_EXPORT_SUMMARY_H

#include "setup/bench/export_cost.h"
#include "setup/bench/summary.h"

struct export_result {
	guint rounds;
	struct export_figure figures[EXPORT_CASES][BENCH_ROUNDS_MAX];
};

/* Of one case. Parts are of 1. */
struct export_summary {
	guint64 records;
	double best_ns; /* CPU time a record */
	double median_ns;
	double ratio;	  /* records a CPU second to libfixbuf's, the median of each round's */
	double octets;	  /* a record */
	double sending;	  /* the part of CPU time */
	double arrived;	  /* the part of octets */
	double wall_rate; /* records a second */
};

struct export_summary export_summarize(const struct export_result *result, guint index);

#endif
