/* SPDX-License-Identifier: BSD-2-Clause */
/* Every round runs the empty program and the meter at each level of detail back to back, and their
 * differences and ratios count: a machine that is slow for a while is slow for all. A round in
 * which the empty program itself was much slower than it can be is thrown away. */
#include "setup/bench/kernel.h"

#include <bpf/libbpf.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "capture/kernel_meter.h"
#include "capture/native_meter.h"
#include "capture/probe_host.h"
#include "setup/bench/child.h"
#include "setup/bench/kernel_frames.h"
#include "setup/bench/summary.h"

#define ROUNDS	      7
#define TRIES	      21
#define NOISE_PERCENT 15
#define REPEAT_MAX    1000000
#define FLOWS_MAX     65536
#define HANDSHAKE     3		   /* packets of TCP before data */
#define MEMORY_MAX    (1ull << 30) /* octets of all tables of all levels */

const struct bench_hook bench_hooks[BENCH_HOOKS] = {
	{ "xdp", KERNEL_HOOK_XDP },
	{ "tc", KERNEL_HOOK_TC },
};

const struct bench_kernel_name bench_kernel_cases[BENCH_KERNEL_CASES] = {
	[BENCH_KERNEL_SAME] = { "same", "the same TCP segment over and over" },
	[BENCH_KERNEL_NEW] = { "new", "a new flow with every packet" },
	[BENCH_KERNEL_MANY] = { "many", "another of many flows each time" },
};

struct bench {
	const struct bench_levels *levels;
	guint repeat;
	guint flows;
	guint32 sets;
	struct kernel_meter *meters[FLOW_DETAILS]; /* as in levels */
	struct bench_frames frames;
};

typedef bool kernel_run(struct kernel_meter *meter, const struct frame *frame, guint repeat,
			guint32 *ret_ns, GError **error);
/* Once over what a case runs: nanoseconds a packet. */
typedef bool kernel_pass(const struct bench *bench, struct kernel_meter *meter, kernel_run *run,
			 double *ret_ns, GError **error);

struct round {
	double noop_ns;
	double net_ns[FLOW_DETAILS];
	guint64 packets[FLOW_DETAILS]; /* metered */
};

static guint64 thread_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

static bool pass_same(const struct bench *bench, struct kernel_meter *meter, kernel_run *run,
		      double *ret_ns, GError **error)
{
	guint64 start = thread_now_ns();

	if (!run(meter, bench->frames.tcp, bench->repeat, NULL, error))
		return false;
	*ret_ns = (double)(thread_now_ns() - start) / bench->repeat;
	return true;
}

/* The system call is not part of it: the kernel times the program alone. */
static bool pass_each(const struct bench *bench, struct kernel_meter *meter, kernel_run *run,
		      double *ret_ns, GError **error)
{
	guint64 sum = 0;
	guint32 ns;

	for (guint i = 0; i < bench->flows; i++) {
		if (!run(meter, &bench->frames.frames[i], 1, &ns, error))
			return false;
		sum += ns;
	}
	*ret_ns = (double)sum / bench->flows;
	return true;
}

/* The first data segment of each TCP flow, in every round. */
static void frames_segment(struct bench_frames *frames)
{
	if (frames->round > HANDSHAKE)
		return;
	bench_frames_begin(frames);
	while (frames->round <= HANDSHAKE)
		bench_frames_next(frames);
}

static const struct {
	kernel_pass *pass;
	void (*prepare)(struct bench_frames *frames); /* before a round */
	bool afresh;				      /* with an empty flow table each time */
} cases[BENCH_KERNEL_CASES] = {
	[BENCH_KERNEL_SAME] = { pass_same, frames_segment, false },
	[BENCH_KERNEL_NEW] = { pass_each, bench_frames_begin, true },
	[BENCH_KERNEL_MANY] = { pass_each, bench_frames_next, false },
};

static void forget(void *data, const struct flow_record *record)
{
	(void)data;
	(void)record;
}

/* A packet that is set aside costs little, and a figure with such packets in it would be a lie. */
static bool check_counts(const struct meter_counts *counts, GError **error)
{
	for (int i = 0; i < METER_VERDICTS; i++) {
		if (i != METER_OK && counts->packets[i]) {
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "the meter set packets aside, so its time means nothing");
			return false;
		}
	}
	return true;
}

/* The meter at one level, over what the empty program just ran. */
static bool measure_level(const struct bench *bench, enum bench_kernel_case which, guint level,
			  struct round *round, GError **error)
{
	struct kernel_meter *meter = bench->meters[level];
	struct meter_counts before;
	struct meter_counts after;
	double whole_ns;

	if (cases[which].afresh && !kernel_meter_empty(meter, forget, NULL, error))
		return false;
	if (!kernel_meter_counts(meter, &before, error) ||
	    !cases[which].pass(bench, meter, kernel_meter_run, &whole_ns, error) ||
	    !kernel_meter_counts(meter, &after, error) || !check_counts(&after, error))
		return false;
	round->net_ns[level] = whole_ns - round->noop_ns;
	round->packets[level] = after.packets[METER_OK] - before.packets[METER_OK];
	kernel_meter_drain(meter, forget, NULL);
	return true;
}

static bool measure_round(struct bench *bench, enum bench_kernel_case which, struct round *round,
			  GError **error)
{
	cases[which].prepare(&bench->frames);
	if (!cases[which].pass(bench, bench->meters[0], kernel_meter_run_noop, &round->noop_ns,
			       error))
		return false;
	for (guint i = 0; i < bench->levels->count; i++) {
		if (!measure_level(bench, which, i, round, error))
			return false;
	}
	return true;
}

static void summarize(const struct bench_levels *levels, const struct round *rounds, guint count,
		      struct bench_kernel_figure *figure)
{
	bool basic = levels->count > 1 && levels->detail[0] == FLOW_DETAIL_BASIC;
	double noop[ROUNDS];
	double net[ROUNDS];
	double over_noop[ROUNDS];
	double over_basic[ROUNDS];

	for (guint i = 0; i < levels->count; i++) {
		struct bench_kernel_level *level = &figure->levels[i];

		for (guint k = 0; k < count; k++) {
			const struct round *round = &rounds[k];

			noop[k] = round->noop_ns;
			net[k] = round->net_ns[i];
			over_noop[k] = (noop[k] + net[k]) / noop[k];
			over_basic[k] = net[k] / round->net_ns[0];
		}
		figure->noop_ns = bench_median(noop, count);
		level->packets = rounds[count - 1].packets[i];
		level->net_ns = bench_median(net, count);
		level->over_noop = bench_median(over_noop, count);
		level->over_basic = basic ? bench_median(over_basic, count) : 0;
	}
}

/* The first round warms up, and fills the tables for those that find them full. */
static bool measure_case(struct bench *bench, enum bench_kernel_case which,
			 struct bench_kernel_figure *figure, GError **error)
{
	struct round good[ROUNDS];
	double quietest = G_MAXDOUBLE;
	guint count = 0;

	for (guint try = 0; count < ROUNDS && try < TRIES; try++) {
		struct round *round = &good[count];

		if (!measure_round(bench, which, round, error))
			return false;
		if (try == 0)
			continue;
		quietest = MIN(quietest, round->noop_ns);
		count += round->noop_ns <= quietest * (100 + NOISE_PERCENT) / 100;
	}
	if (count == 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "the machine is too busy");
		return false;
	}
	summarize(bench->levels, good, count, figure);
	return true;
}

/* The CPU it happens to be on; a CPU's own flow table is the one that gets warm. */
static void stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Half full with the flows, as the live tables are meant to be: see probe_kernel_table(). Fewer
 * flows where there are so many CPUs, each with a table of its own, that memory would not do. */
static void choose_size(struct bench *bench, guint64 packets)
{
	guint64 flows = MIN(packets, FLOWS_MAX);
	guint64 memory;

	do {
		memory = 0;
		for (guint i = 0; i < bench->levels->count; i++)
			memory += probe_kernel_table(flows, (int)bench->levels->detail[i], 1) *
				  (guint64)libbpf_num_possible_cpus();
		bench->flows = (guint)flows;
		flows /= 2;
	} while (memory > MEMORY_MAX && flows > SET_WAYS);
	bench->sets = 1;
	while (bench->sets * SET_WAYS < 2 * bench->flows)
		bench->sets *= 2;
}

static bool make_meters(struct bench *bench, const struct bench_hook *hook, GError **error)
{
	for (guint i = 0; i < bench->levels->count; i++) {
		const struct native_options native = {
			.idle_ns = 15 * FLOW_SECOND_NS,
			.active_ns = 60 * FLOW_SECOND_NS,
			.detail = bench->levels->detail[i],
			.seed = 1,
		};
		const struct kernel_options options = {
			.hook = (enum kernel_hook)hook->hook,
			.settings = native_settings(&native),
			.sets = bench->sets,
		};

		bench->meters[i] = kernel_meter_new(&options, error);
		if (!bench->meters[i])
			return false;
	}
	return true;
}

static bool work(const void *data, void *ret_result, GError **error)
{
	const struct bench_kernel_options *options = data;
	struct bench_kernel_figures *figures = ret_result;
	struct bench bench = {
		.levels = &options->levels,
		.repeat = (guint)MIN(options->packets, REPEAT_MAX),
	};
	bool good;

	stay_on_this_cpu();
	choose_size(&bench, options->packets);
	good = make_meters(&bench, options->hook, error);
	bench_frames_init(&bench.frames, bench.flows);
	figures->flows = bench.flows;
	for (int i = 0; good && i < BENCH_KERNEL_CASES; i++)
		good = measure_case(&bench, (enum bench_kernel_case)i, &figures->cases[i], error);
	for (guint i = 0; i < bench.levels->count; i++)
		kernel_meter_free(bench.meters[i]);
	bench_frames_clear(&bench.frames);
	return good;
}

bool bench_kernel_measure(const struct bench_kernel_options *options,
			  struct bench_kernel_figures *ret_figures, GError **error)
{
	struct child_result result = { .octets = ret_figures, .size = sizeof(*ret_figures) };

	return child_run(work, options, &result, error);
}
