/* SPDX-License-Identifier: BSD-2-Clause */
/* Every round runs the empty program, the empty program behind the variation of the frame, and the
 * meter behind the same variation at each level of detail, back to back. Their differences and
 * ratios count: a machine that is slow for a while is slow for all. A round in which the empty
 * program itself was much slower than it can be is thrown away. */
#include "setup/bench/kernel.h"

#include <sched.h>
#include <string.h>

#include "base/error.h"
#include "capture/native_meter.h"
#include "capture/probe_host.h"
#include "capture/tunnels.h"
#include "setup/bench/child.h"
#include "setup/bench/summary.h"
#include "setup/bench/vary.h"

#define ROUNDS	      5
#define TRIES	      15
#define NOISE_PERCENT 15
#define MILLION	      1000000
#define RING_OCTETS   (64u << 20) /* for what full sets give up in a round */
#define MEMORY_PART   3		  /* of the memory that is free, this part at most */
/* No flow times out while it is measured. */
#define IDLE_NS	      (3600 * FLOW_SECOND_NS)

const struct bench_hook bench_hooks[BENCH_HOOKS] = {
	{ "xdp", KERNEL_HOOK_XDP },
	{ "tc", KERNEL_HOOK_TC },
};

const struct bench_kernel_name bench_kernel_cases[BENCH_KERNEL_CASES] = {
	[BENCH_KERNEL_ONE] = { "one", "one flow" },
	[BENCH_KERNEL_TEN_THOUSAND] = { "tenThousand", "each time another of ten thousand" },
	[BENCH_KERNEL_MILLION] = { "million", "each time another of a million" },
	[BENCH_KERNEL_NEW] = { "new", "a new flow with every packet" },
};

/* 0: all are new. */
static const guint case_flows[BENCH_KERNEL_CASES] = {
	[BENCH_KERNEL_ONE] = 1,
	[BENCH_KERNEL_TEN_THOUSAND] = 10000,
	[BENCH_KERNEL_MILLION] = MILLION,
};

struct bench {
	const struct bench_levels *levels;
	guint packets; /* a round */
	guint most;    /* flows */
	struct vary *vary;
	int programs[FLOW_DETAILS];
	struct kernel_meter *meters[FLOW_DETAILS]; /* as in levels */
};

/* A case under way. */
struct measuring {
	struct bench *bench;
	guint packets;
	bool afresh; /* the table is empty before each round */
	struct vary_flows flows;
	struct vary_state state; /* at the round's begin */
};

struct round {
	double noop_ns;
	double vary_ns;
	double net_ns[FLOW_DETAILS];
	guint64 packets[FLOW_DETAILS]; /* metered */
};

void bench_kernel_forget(void *data, const struct flow_record *record)
{
	(void)data;
	(void)record;
}

void bench_kernel_stay(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static guint64 tables_memory(const struct bench_levels *levels, guint64 flows)
{
	guint64 memory = 0;

	for (guint i = 0; i < levels->count; i++)
		memory += probe_kernel_table(KERNEL_CACHE_SET, flows, (int)levels->detail[i], 1);
	return memory;
}

guint bench_kernel_flows(const struct bench_levels *levels, guint64 packets)
{
	guint64 flows = MIN(packets, MILLION);
	struct probe_host host;

	probe_host(&host);
	while (flows > SET_WAYS && tables_memory(levels, flows) > host.memory_free / MEMORY_PART)
		flows /= 2;
	return (guint)flows;
}

guint32 bench_kernel_sets(guint flows)
{
	guint32 sets = 1;

	while (sets * SET_WAYS < 2 * flows)
		sets *= 2;
	return sets;
}

struct kernel_meter *bench_kernel_meter(const struct kernel_options *like, enum flow_detail detail,
					guint flows, GError **error)
{
	struct native_options native = {
		.idle_ns = like->settings.idle_ns,
		.active_ns = ~0ULL,
		.detail = detail,
		.seed = 1,
	};
	struct kernel_options options = *like;

	if (!tunnels_parse(&(struct tunnel_options){ 0 }, &native.tunnels, error))
		return NULL;
	options.settings = native_settings(&native);
	options.sets = bench_kernel_sets(flows);
	options.one_cpu = true;
	return kernel_meter_new(&options, error);
}

bool bench_kernel_empty(struct kernel_meter *meter, guint flows, GError **error)
{
	guint32 sets = bench_kernel_sets(flows);

	for (guint32 from = 0; from < sets; from += BENCH_SETS_A_CALL) {
		struct cache_drain call = { .from = from,
					    .sets = MIN(BENCH_SETS_A_CALL, sets - from),
					    .all = true };

		if (!kernel_meter_scan(meter, &call, error))
			return false;
		kernel_meter_drain(meter, bench_kernel_forget, NULL);
	}
	return true;
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
static bool measure_level(const struct measuring *measuring, guint level, struct round *round,
			  GError **error)
{
	const struct bench *bench = measuring->bench;
	struct kernel_meter *meter = bench->meters[level];
	struct meter_counts before;
	struct meter_counts after;
	double whole_ns;

	if (measuring->afresh && !bench_kernel_empty(meter, bench->most, error))
		return false;
	vary_begin(bench->vary, &measuring->flows, measuring->state);
	if (!kernel_meter_counts(meter, &before, error) ||
	    !vary_run(bench->vary, bench->programs[level], measuring->packets, &whole_ns, error) ||
	    !kernel_meter_counts(meter, &after, error) || !check_counts(&after, error))
		return false;
	round->net_ns[level] = whole_ns - round->vary_ns;
	round->packets[level] = after.packets[METER_OK] - before.packets[METER_OK];
	kernel_meter_drain(meter, bench_kernel_forget, NULL);
	return true;
}

static bool measure_round(struct measuring *measuring, struct round *round, GError **error)
{
	struct bench *bench = measuring->bench;
	int noop = vary_empty(bench->vary);

	vary_begin(bench->vary, &measuring->flows, measuring->state);
	if (!vary_run_alone(bench->vary, noop, measuring->packets, &round->noop_ns, error) ||
	    !vary_run(bench->vary, noop, measuring->packets, &round->vary_ns, error))
		return false;
	for (guint i = 0; i < bench->levels->count; i++) {
		if (!measure_level(measuring, i, round, error))
			return false;
	}
	measuring->state = vary_state(bench->vary);
	return true;
}

static void summarize_level(const struct round *rounds, guint count, guint i,
			    struct bench_kernel_level *level)
{
	double over_noop[ROUNDS];
	double over_basic[ROUNDS];
	double net[ROUNDS];

	for (guint k = 0; k < count; k++) {
		net[k] = rounds[k].net_ns[i];
		over_noop[k] = (rounds[k].noop_ns + net[k]) / rounds[k].noop_ns;
		over_basic[k] = net[k] / rounds[k].net_ns[0];
	}
	level->packets = rounds[count - 1].packets[i];
	level->net_ns = bench_median(net, count);
	level->over_noop = bench_median(over_noop, count);
	level->over_basic = bench_median(over_basic, count);
}

static void summarize(const struct bench_levels *levels, const struct round *rounds, guint count,
		      struct bench_kernel_figure *figure)
{
	bool basic = levels->count > 1 && levels->detail[0] == FLOW_DETAIL_BASIC;
	double noop[ROUNDS];
	double vary[ROUNDS];

	for (guint k = 0; k < count; k++) {
		noop[k] = rounds[k].noop_ns;
		vary[k] = rounds[k].vary_ns - noop[k];
	}
	figure->noop_ns = bench_median(noop, count);
	figure->vary_ns = bench_median(vary, count);
	for (guint i = 0; i < levels->count; i++) {
		summarize_level(rounds, count, i, &figure->levels[i]);
		if (!basic)
			figure->levels[i].over_basic = 0;
	}
}

/* What each case leaves the next one finds: only the flows it is about may be in the table. */
static bool begin_case(struct measuring *measuring, GError **error)
{
	struct bench *bench = measuring->bench;

	for (guint i = 0; i < bench->levels->count; i++) {
		if (!bench_kernel_empty(bench->meters[i], bench->most, error))
			return false;
	}
	return true;
}

/* The first round warms up, and fills the tables for those that find them full. */
static bool measure_case(struct measuring *measuring, struct bench_kernel_figure *figure,
			 GError **error)
{
	struct round good[ROUNDS];
	double quietest = G_MAXDOUBLE;
	guint count = 0;

	if (!begin_case(measuring, error))
		return false;
	for (guint try = 0; count < ROUNDS && try < TRIES; try++) {
		struct round *round = &good[count];

		if (!measure_round(measuring, round, error))
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
	summarize(measuring->bench->levels, good, count, figure);
	return true;
}

static bool measure_all(struct bench *bench, struct bench_kernel_figures *figures, GError **error)
{
	for (int i = 0; i < BENCH_KERNEL_CASES; i++) {
		guint flows = MIN(case_flows[i], bench->most);
		struct measuring measuring = {
			.bench = bench,
			.packets = case_flows[i] ? bench->packets : bench->most,
			.afresh = !case_flows[i],
			.flows = { .count = flows ? flows : G_MAXUINT32, .ordered = !flows },
		};

		figures->cases[i].flows = flows ? flows : bench->most;
		if (!measure_case(&measuring, &figures->cases[i], error))
			return false;
	}
	return true;
}

static bool make_meters(struct bench *bench, const struct bench_hook *hook, GError **error)
{
	const struct kernel_options options = { .hook = hook->hook,
						.ring_octets = RING_OCTETS,
						.settings = { .idle_ns = IDLE_NS } };

	for (guint i = 0; i < bench->levels->count; i++) {
		bench->meters[i] =
			bench_kernel_meter(&options, bench->levels->detail[i], bench->most, error);
		if (!bench->meters[i])
			return false;
		bench->programs[i] = kernel_meter_program(bench->meters[i], hook->hook);
	}
	bench->vary = vary_new(hook->hook, error);
	return bench->vary;
}

static bool work(const void *data, void *ret_result, GError **error)
{
	const struct bench_kernel_options *options = data;
	struct bench bench = {
		.levels = &options->levels,
		.packets = (guint)MIN(options->packets, MILLION),
		.most = bench_kernel_flows(&options->levels, options->packets),
	};
	bool good;

	bench_kernel_stay();
	good = make_meters(&bench, options->hook, error) && measure_all(&bench, ret_result, error);
	for (guint i = 0; i < bench.levels->count; i++)
		kernel_meter_free(bench.meters[i]);
	vary_free(bench.vary);
	return good;
}

bool bench_kernel_measure(const struct bench_kernel_options *options,
			  struct bench_kernel_figures *ret_figures, GError **error)
{
	struct child_result result = { .octets = ret_figures, .size = sizeof(*ret_figures) };

	return child_run(work, options, &result, error);
}
