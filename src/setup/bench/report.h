/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of a benchmark, as a table for people and as JSON for programs. */
#ifndef WEIR_SETUP_BENCH_REPORT_H
#define WEIR_SETUP_BENCH_REPORT_H

#include "setup/bench/kernel.h"
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
	struct bench_figure figures[BENCH_STEPS][BENCH_ROUNDS_MAX];
};

/* Of one step, over its rounds. */
struct bench_summary {
	double best_ns; /* a packet */
	double median_ns;
	double ratio; /* to reading alone, the median of each round's */
	guint64 peak_octets;
	guint64 records;
};

struct bench_summary bench_summarize(const struct bench_result *result, guint step);

struct bench_report;

struct bench_report *bench_report_new(void);
void bench_report_free(struct bench_report *report);

/* Each prints its lines on standard output and keeps them for JSON. */
void bench_report_machine(struct bench_report *report);
void bench_report_traffic(struct bench_report *report, const struct bench_result *result);
/* The figures of a hook, or why there are none. */
void bench_report_kernel(struct bench_report *report, const struct bench_hook *hook,
			 const struct bench_kernel_figures *figures);
void bench_report_no_kernel(struct bench_report *report, const struct bench_hook *hook,
			    const char *reason);

bool bench_report_write_json(struct bench_report *report, const char *path, GError **error);

#endif
