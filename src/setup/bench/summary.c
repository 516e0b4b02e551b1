/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of all rounds in a few numbers. A ratio is taken within each round first: what
 * disturbs the machine for a while disturbs both of its terms. */
#include <stdlib.h>

#include "setup/bench/report.h"

static int by_value(const void *a, const void *b)
{
	double one = *(const double *)a;
	double other = *(const double *)b;

	return (one > other) - (one < other);
}

static double median(double *values, guint count)
{
	qsort(values, count, sizeof(values[0]), by_value);
	return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double ns_a_packet(const struct bench_figure *figure)
{
	return (double)figure->cpu_ns / (double)MAX(figure->packets, 1);
}

struct bench_summary bench_summarize(const struct bench_result *result, guint step)
{
	struct bench_summary summary = { 0 };
	double ns[BENCH_ROUNDS_MAX];
	double ratio[BENCH_ROUNDS_MAX];

	for (guint i = 0; i < result->rounds; i++) {
		const struct bench_figure *figure = &result->figures[step][i];

		ns[i] = ns_a_packet(figure);
		ratio[i] = ns[i] / ns_a_packet(&result->figures[0][i]);
		summary.peak_octets = MAX(summary.peak_octets, figure->peak_octets);
		summary.records = figure->records;
	}
	summary.median_ns = median(ns, result->rounds);
	summary.best_ns = ns[0];
	summary.ratio = median(ratio, result->rounds);
	return summary;
}
