/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of a benchmark, as a table for people and as JSON for programs. */
#ifndef WEIR_SETUP_BENCH_REPORT_H
#define WEIR_SETUP_BENCH_REPORT_H

#include "setup/bench/export_summary.h"
#include "setup/bench/front_cost.h"
#include "setup/bench/kernel.h"
#include "setup/bench/scan_cost.h"
#include "setup/bench/summary.h"

struct bench_report;

struct bench_report *bench_report_new(void);
void bench_report_free(struct bench_report *report);

/* Each prints its lines on standard output and keeps them for JSON. */
void bench_report_machine(struct bench_report *report);
/* What a flow takes of memory, where there is room for so many. */
void bench_report_memory(struct bench_report *report, const struct bench_levels *levels,
			 guint64 max_flows);
void bench_report_traffic(struct bench_report *report, const struct bench_result *result);
/* The figures of a hook, or why there are none. */
void bench_report_kernel(struct bench_report *report, const struct bench_kernel_options *options,
			 const struct bench_kernel_figures *figures);
void bench_report_no_kernel(struct bench_report *report, const struct bench_hook *hook,
			    const char *reason);
/* What comes before the meter at a hook, or why there are no figures. */
void bench_report_front(struct bench_report *report, const struct front_options *options,
			const struct front_figures *figures);
void bench_report_no_front(struct bench_report *report, const struct bench_hook *hook,
			   const char *reason);
/* The scan at one level, or why there are no figures. */
void bench_report_scan_head(struct bench_report *report);
void bench_report_scan(struct bench_report *report, enum flow_detail detail,
		       const struct scan_figures *figures);
void bench_report_no_scan(struct bench_report *report, enum flow_detail detail, const char *reason);
void bench_report_export(struct bench_report *report, const struct export_result *result);

bool bench_report_write_json(struct bench_report *report, const char *path, GError **error);

#endif
