/* SPDX-License-Identifier: BSD-2-Clause */
/* Every repetition runs the empty program and the meter back to back, and their difference counts:
 * a machine that is slow for a while is slow for both. A repetition in which the empty program
 * itself was much slower than it can be is thrown away. */
#include "setup/bench/kernel.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "capture/kernel_meter.h"
#include "capture/native_meter.h"
#include "setup/bench/child.h"
#include "setup/bench/traffic.h"

#define REPETITIONS   7
#define TRIES	      21
#define NOISE_PERCENT 15
#define REPEAT_MAX    1000000
#define SETS	      (BENCH_KERNEL_FLOWS_MAX / 2) /* of eight: a quarter full */
#define SNAP	      TRAFFIC_SNAP_DEFAULT

const struct bench_hook bench_hooks[BENCH_HOOKS] = {
	{ "xdp", KERNEL_HOOK_XDP },
	{ "tc", KERNEL_HOOK_TC },
};

const struct bench_kernel_name bench_kernel_cases[BENCH_KERNEL_CASES] = {
	[BENCH_KERNEL_SAME] = { "same", "the same packet again and again" },
	[BENCH_KERNEL_NEW] = { "new", "a new flow with every packet" },
	[BENCH_KERNEL_MANY] = { "many", "another of many flows each time" },
};

/* The frames, each of a flow of its own, lie behind one another. */
struct bench {
	struct kernel_options options;
	guint repeat;
	guint flows;
	struct kernel_meter *meter;
	struct frame *frames;
	guint8 *octets;
};

typedef bool kernel_run(struct kernel_meter *meter, const struct frame *frame, guint repeat,
			guint32 *ret_ns, GError **error);
/* Once over what a case runs: nanoseconds a packet. */
typedef bool kernel_pass(struct bench *bench, kernel_run *run, double *ret_ns, GError **error);

static void make_frames(struct bench *bench)
{
	struct traffic_kind kind = *traffic_kind_by_name("small");
	const struct traffic_options options = {
		.kind = &kind,
		.packets = bench->flows,
		.flows = bench->flows,
		.seed = 1,
		.snap = SNAP,
	};
	struct traffic *traffic;

	kind.packets_fixed = 1;
	traffic = traffic_new(&options);
	bench->frames = g_new(struct frame, bench->flows);
	bench->octets = g_malloc((gsize)bench->flows * SNAP);
	for (guint i = 0; i < bench->flows; i++) {
		traffic_next(traffic, &bench->frames[i]);
		bench->frames[i].data = memcpy(bench->octets + (gsize)i * SNAP,
					       bench->frames[i].data, bench->frames[i].captured);
	}
	traffic_free(traffic);
}

static guint64 thread_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

static bool pass_same(struct bench *bench, kernel_run *run, double *ret_ns, GError **error)
{
	guint64 start = thread_now_ns();

	if (!run(bench->meter, &bench->frames[0], bench->repeat, NULL, error))
		return false;
	*ret_ns = (double)(thread_now_ns() - start) / bench->repeat;
	return true;
}

/* The system call is not part of it: the kernel times the program alone. */
static bool pass_each(struct bench *bench, kernel_run *run, double *ret_ns, GError **error)
{
	guint64 sum = 0;
	guint32 ns;

	for (guint i = 0; i < bench->flows; i++) {
		if (!run(bench->meter, &bench->frames[i], 1, &ns, error))
			return false;
		sum += ns;
	}
	*ret_ns = (double)sum / bench->flows;
	return true;
}

static const struct {
	kernel_pass *pass;
	bool afresh; /* with an empty flow table each time */
} cases[BENCH_KERNEL_CASES] = {
	[BENCH_KERNEL_SAME] = { pass_same, false },
	[BENCH_KERNEL_NEW] = { pass_each, true },
	[BENCH_KERNEL_MANY] = { pass_each, false },
};

static void forget(void *data, const struct flow_record *record)
{
	(void)data;
	(void)record;
}

static bool measure_once(struct bench *bench, enum bench_kernel_case which,
			 struct bench_kernel_figure *ret_figure, GError **error)
{
	double noop;
	double whole;

	if (cases[which].afresh) {
		kernel_meter_free(bench->meter);
		bench->meter = kernel_meter_new(&bench->options, error);
	}
	if (!bench->meter || !cases[which].pass(bench, kernel_meter_run_noop, &noop, error) ||
	    !cases[which].pass(bench, kernel_meter_run, &whole, error) ||
	    !kernel_meter_drain(bench->meter, forget, NULL, error))
		return false;
	*ret_figure = (struct bench_kernel_figure){ noop, whole - noop };
	return true;
}

static int by_net(const void *a, const void *b)
{
	const struct bench_kernel_figure *one = a;
	const struct bench_kernel_figure *other = b;

	return (one->net_ns > other->net_ns) - (one->net_ns < other->net_ns);
}

/* The median repetition. The first warms up, and fills the table for those that find it full. */
static bool measure_case(struct bench *bench, enum bench_kernel_case which,
			 struct bench_kernel_figure *ret_figure, GError **error)
{
	struct bench_kernel_figure good[REPETITIONS];
	double quietest = G_MAXDOUBLE;
	guint count = 0;

	for (guint try = 0; count < REPETITIONS && try < TRIES; try++) {
		struct bench_kernel_figure *figure = &good[count];

		if (!measure_once(bench, which, figure, error))
			return false;
		if (try == 0)
			continue;
		quietest = MIN(quietest, figure->noop_ns);
		count += figure->noop_ns <= quietest * (100 + NOISE_PERCENT) / 100;
	}
	if (count == 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "the machine is too busy");
		return false;
	}
	qsort(good, count, sizeof(good[0]), by_net);
	*ret_figure = good[count / 2];
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

static bool work(const void *data, void *ret_result, GError **error)
{
	const struct bench_kernel_options *options = data;
	const struct native_options native = {
		.idle_ns = 15 * FLOW_SECOND_NS,
		.active_ns = 60 * FLOW_SECOND_NS,
		.detail = options->detail,
		.seed = 1,
	};
	struct bench bench = {
		.options = { .hook = (enum kernel_hook)options->hook->hook,
			     .settings = native_settings(&native),
			     .sets = SETS },
		.repeat = (guint)MIN(options->packets, REPEAT_MAX),
		.flows = (guint)MIN(options->packets, BENCH_KERNEL_FLOWS_MAX),
	};
	struct bench_kernel_figures *figures = ret_result;
	bool good;

	stay_on_this_cpu();
	bench.meter = kernel_meter_new(&bench.options, error);
	good = bench.meter != NULL;
	if (good)
		make_frames(&bench);
	for (int i = 0; good && i < BENCH_KERNEL_CASES; i++)
		good = measure_case(&bench, (enum bench_kernel_case)i, &figures->cases[i], error);
	kernel_meter_free(bench.meter);
	g_free(bench.frames);
	g_free(bench.octets);
	return good;
}

bool bench_kernel_measure(const struct bench_kernel_options *options,
			  struct bench_kernel_figures *ret_figures, GError **error)
{
	struct child_result result = { .octets = ret_figures, .size = sizeof(*ret_figures) };

	return child_run(work, options, &result, error);
}
