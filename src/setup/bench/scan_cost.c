/* SPDX-License-Identifier: BSD-2-Clause */
/* Time is the frames' own here, so that flows are as old as it takes. The records leave the ring
 * between two calls, by this very thread, so that no scan finds the ring full. */
#include "setup/bench/scan_cost.h"

#include "base/error.h"
#include "setup/bench/child.h"
#include "setup/bench/kernel.h"
#include "setup/bench/summary.h"
#include "setup/bench/vary.h"

#define ROUNDS	    5
#define RING_OCTETS (16u << 20)
#define IDLE_NS	    (15 * FLOW_SECOND_NS)
#define OLD_NS	    (100 * FLOW_SECOND_NS)
#define YOUNG_NS    (OLD_NS + 10 * FLOW_SECOND_NS)
#define NOW_NS	    (OLD_NS + IDLE_NS + 2 * FLOW_SECOND_NS)

const guint scan_parts[SCAN_PARTS] = { 1, 10, 100 };

struct bench {
	guint flows;
	guint32 sets;
	struct kernel_meter *meter;
	struct vary *vary;
};

struct round {
	guint64 records;
	guint64 scan_ns;
	guint64 longest_ns;
	guint64 taking_ns;
};

static void count(void *data, const struct flow_record *record)
{
	guint64 *records = data;

	(void)record;
	(*records)++;
}

/* So many flows, from this number on, whose only packet came at this time. */
static bool fill(const struct bench *bench, guint from, guint flows, guint64 now_ns, GError **error)
{
	const struct vary_flows all = { .count = G_MAXUINT32, .ordered = true };
	const struct frame when = { .time_ns = now_ns, .length = 64, .iface = 1 };
	double ns;

	if (flows == 0)
		return true;
	vary_begin(bench->vary, &all, (struct vary_state){ .index = from });
	kernel_meter_replay(bench->meter, &when);
	return vary_run(bench->vary, kernel_meter_program(bench->meter, KERNEL_HOOK_XDP), flows,
			&ns, error);
}

static bool scan_part(const struct bench *bench, guint32 from, struct round *round, GError **error)
{
	struct cache_drain call = {
		.now_ns = NOW_NS,
		.from = from,
		.sets = MIN(BENCH_SETS_A_CALL, bench->sets - from),
	};
	guint64 start = vary_thread_ns();
	guint64 scanned;

	if (!kernel_meter_scan(bench->meter, &call, error))
		return false;
	scanned = vary_thread_ns();
	kernel_meter_drain(bench->meter, count, &round->records);
	round->scan_ns += scanned - start;
	round->longest_ns = MAX(round->longest_ns, scanned - start);
	round->taking_ns += vary_thread_ns() - scanned;
	return true;
}

static bool measure_round(const struct bench *bench, guint part, struct round *round,
			  GError **error)
{
	guint finished = (guint)((guint64)bench->flows * part / 100);

	*round = (struct round){ 0 };
	if (!bench_kernel_empty(bench->meter, bench->flows, error) ||
	    !fill(bench, 0, finished, OLD_NS, error) ||
	    !fill(bench, finished, bench->flows - finished, YOUNG_NS, error))
		return false;
	kernel_meter_drain(bench->meter, bench_kernel_forget, NULL);
	for (guint32 from = 0; from < bench->sets; from += BENCH_SETS_A_CALL) {
		if (!scan_part(bench, from, round, error))
			return false;
	}
	return true;
}

static double median_ms(const struct round *rounds, size_t member)
{
	double ms[ROUNDS];

	for (guint i = 0; i < ROUNDS; i++)
		ms[i] = (double)G_STRUCT_MEMBER(guint64, &rounds[i], member) / 1e6;
	return bench_median(ms, ROUNDS);
}

static bool measure_part(const struct bench *bench, guint part, struct scan_figure *figure,
			 GError **error)
{
	struct round rounds[ROUNDS];

	for (guint i = 0; i < ROUNDS; i++) {
		if (!measure_round(bench, part, &rounds[i], error))
			return false;
	}
	figure->records = rounds[0].records;
	figure->scan_ms = median_ms(rounds, G_STRUCT_OFFSET(struct round, scan_ns));
	figure->longest_ms = median_ms(rounds, G_STRUCT_OFFSET(struct round, longest_ns));
	figure->taking_ms = median_ms(rounds, G_STRUCT_OFFSET(struct round, taking_ns));
	figure->ns_a_record =
		(figure->scan_ms + figure->taking_ms) * 1e6 / (double)MAX(figure->records, 1);
	return true;
}

static bool work(const void *data, void *ret_result, GError **error)
{
	const struct scan_options *options = data;
	const struct bench_levels level = { 1, { options->detail } };
	const struct kernel_options how = {
		.hook = KERNEL_HOOK_XDP,
		.ring_octets = RING_OCTETS,
		.settings = { .idle_ns = IDLE_NS },
		.replaying = true,
	};
	struct scan_figures *figures = ret_result;
	struct bench bench = { .flows = bench_kernel_flows(&level, options->packets) };
	bool good;

	bench_kernel_stay();
	bench.sets = bench_kernel_sets(bench.flows);
	figures->flows = bench.flows;
	figures->calls = (bench.sets + BENCH_SETS_A_CALL - 1) / BENCH_SETS_A_CALL;
	bench.meter = bench_kernel_meter(&how, options->detail, bench.flows, error);
	bench.vary = bench.meter ? vary_new(KERNEL_HOOK_XDP, error) : NULL;
	good = bench.vary;
	for (guint i = 0; good && i < SCAN_PARTS; i++)
		good = measure_part(&bench, scan_parts[i], &figures->parts[i], error);
	vary_free(bench.vary);
	kernel_meter_free(bench.meter);
	return good;
}

bool scan_cost_measure(const struct scan_options *options, struct scan_figures *ret_figures,
		       GError **error)
{
	struct child_result result = { .octets = ret_figures, .size = sizeof(*ret_figures) };

	return child_run(work, options, &result, error);
}
