/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of all rounds in a few numbers. A ratio is taken within each round first: what
 * disturbs the machine for a while disturbs both of its terms. */
#include "setup/bench/summary.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double one = *(const double *)a;
	double other = *(const double *)b;

	return (one > other) - (one < other);
}

double bench_median(double *values, guint count)
{
	qsort(values, count, sizeof(values[0]), by_value);
	return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double ns_a_packet(const struct bench_figure *figure)
{
	return (double)figure->cpu_ns / (double)MAX(figure->packets, 1);
}

struct bench_summary bench_summarize(const struct bench_result *result, guint run)
{
	const guint basic = result->plan.basic;
	struct bench_summary summary = { 0 };
	double ns[BENCH_ROUNDS_MAX];
	double ratio[BENCH_ROUNDS_MAX];
	double over_basic[BENCH_ROUNDS_MAX];

	for (guint i = 0; i < result->rounds; i++) {
		const struct bench_figure *figure = &result->figures[run][i];

		ns[i] = ns_a_packet(figure);
		ratio[i] = ns[i] / ns_a_packet(&result->figures[0][i]);
		over_basic[i] = ns[i] / ns_a_packet(&result->figures[basic][i]);
		summary.peak_octets = MAX(summary.peak_octets, figure->peak_octets);
		summary.records = figure->records;
	}
	summary.median_ns = bench_median(ns, result->rounds);
	summary.best_ns = ns[0];
	summary.ratio = bench_median(ratio, result->rounds);
	summary.over_basic = basic ? bench_median(over_basic, result->rounds) : 0;
	return summary;
}
