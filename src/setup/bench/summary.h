/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of many rounds in a few numbers. */
#ifndef WEIR_SETUP_BENCH_SUMMARY_H
#define WEIR_SETUP_BENCH_SUMMARY_H

#include "setup/bench/steps.h"
#include "setup/bench/traffic.h"

#define BENCH_ROUNDS_MAX 99

/* All rounds over one traffic. */
struct bench_result {
	const struct traffic_kind *kind;
	struct traffic_totals totals;
	guint64 file_octets;
	guint32 snap;
	guint rounds;
	struct bench_plan plan;
	struct bench_figure figures[BENCH_RUNS_MAX][BENCH_ROUNDS_MAX];
};

/* Of one run of the plan, over its rounds. */
struct bench_summary {
	double best_ns; /* a packet */
	double median_ns;
	double ratio;	   /* to reading alone, the median of each round's */
	double over_basic; /* to metering at the basic level; 0: that was not run */
	guint64 peak_octets;
	guint64 records;
};

struct bench_summary bench_summarize(const struct bench_result *result, guint run);

/* Sorts them. */
double bench_median(double *values, guint count);

#endif
