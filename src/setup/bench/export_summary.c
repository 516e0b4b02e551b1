/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/bench/export_summary.h"

/* A run may be shorter than the clock's steps, and no time at all makes a rate of no number. */
static double ns_a_record(const struct export_figure *figure)
{
	return (double)MAX(figure->cpu_ns, 1) / (double)MAX(figure->records, 1);
}

static double part(guint64 of, guint64 whole)
{
	return (double)of / (double)MAX(whole, 1);
}

struct export_summary export_summarize(const struct export_result *result, guint index)
{
	const struct export_figure *bare = result->figures[export_cases[index].bare];
	const struct export_figure *figures = result->figures[index];
	struct export_summary summary = { .records = figures[0].records };
	struct export_figure sum = { 0 };
	double ns[BENCH_ROUNDS_MAX];
	double ratio[BENCH_ROUNDS_MAX];

	for (guint i = 0; i < result->rounds; i++) {
		ns[i] = ns_a_record(&figures[i]);
		ratio[i] = ns_a_record(&bare[i]) / ns[i];
		sum.records += figures[i].records;
		sum.octets += figures[i].octets;
		sum.arrived += figures[i].arrived;
		sum.cpu_ns += figures[i].cpu_ns;
		sum.sending_ns += figures[i].sending_ns;
		sum.wall_ns += figures[i].wall_ns;
	}
	summary.median_ns = bench_median(ns, result->rounds);
	summary.best_ns = ns[0];
	summary.ratio = bench_median(ratio, result->rounds);
	summary.octets = part(sum.octets, sum.records);
	summary.sending = part(sum.sending_ns, sum.cpu_ns);
	summary.arrived = part(sum.arrived, sum.octets);
	summary.wall_rate = part(sum.records, sum.wall_ns) * 1e9;
	return summary;
}
