/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of one flow: the meter is as quick as it can be, and what comes before it shows. Each
 * round runs the empty program and every case, back to back. */
#include "setup/bench/front_cost.h"

#include "base/error.h"
#include "capture/filter.h"
#include "setup/bench/child.h"
#include "setup/bench/summary.h"
#include "setup/bench/vary.h"

#define ROUNDS	      5
#define MOST	      1000000
#define FLOWS	      1000
#define RING_OCTETS   (1u << 20)
#define IDLE_NS	      (3600 * FLOW_SECOND_NS)
#define DEDUP_PACKETS 16384
#define WINDOW_NS     (3600 * FLOW_SECOND_NS) /* copies stay copies however long a round takes */

const struct front_case_row front_cases[FRONT_CASES] = {
	[FRONT_CASE_ALONE] = { "meter", "the meter alone", .verdict = METER_OK },
	[FRONT_CASE_ALL] = { "filterAll", "--filter tcp, which they match", "tcp",
			     .verdict = METER_OK },
	[FRONT_CASE_NONE] = { "filterNone", "--filter udp, which they do not", "udp",
			      .verdict = METER_FILTERED },
	[FRONT_CASE_NO_COPIES] = { "dedup", "--dedup, no copies", NULL, true, .verdict = METER_OK },
	[FRONT_CASE_COPIES] = { "dedupCopies", "--dedup, copies", NULL, true, true,
				METER_DUPLICATE },
};

struct bench {
	guint packets;
	struct vary *vary;
	struct kernel_meter *meters[FRONT_CASES];
	int programs[FRONT_CASES];
	struct vary_state state;
	double net_ns[FRONT_CASES][ROUNDS];
};

static bool make_meter(struct bench *bench, const struct front_options *options, int which,
		       GError **error)
{
	const struct front_case_row *row = &front_cases[which];
	struct kernel_options kernel = { .hook = options->hook->hook,
					 .ring_octets = RING_OCTETS,
					 .settings = { .idle_ns = IDLE_NS } };
	struct filter *filter = row->filter ? filter_new(row->filter, error) : NULL;

	if (row->filter && !filter)
		return false;
	kernel.filter = filter;
	if (row->dedup)
		kernel.dedup = (struct dedup_options){ .packets = DEDUP_PACKETS,
						       .window_ns = WINDOW_NS,
						       .seed = 1 };
	bench->meters[which] = bench_kernel_meter(&kernel, options->detail, FLOWS, error);
	filter_free(filter);
	if (!bench->meters[which])
		return false;
	bench->programs[which] = kernel_meter_program(bench->meters[which], kernel.hook);
	return true;
}

static bool make(struct bench *bench, const struct front_options *options, GError **error)
{
	for (int i = 0; i < FRONT_CASES; i++) {
		if (!make_meter(bench, options, i, error))
			return false;
	}
	bench->vary = vary_new(options->hook->hook, error);
	return bench->vary != NULL;
}

/* noop_ns: of the empty program, behind the variation of the frame or alone. */
static bool measure_case(struct bench *bench, int which, const double noop_ns[2],
			 double *ret_net_ns, GError **error)
{
	static const struct vary_flows flows = { .count = 1 };
	const bool alone = front_cases[which].copies;
	double whole_ns;
	bool good;

	vary_begin(bench->vary, &flows, bench->state);
	good = alone ? vary_run_alone(bench->vary, bench->programs[which], bench->packets,
				      &whole_ns, error)
		     : vary_run(bench->vary, bench->programs[which], bench->packets, &whole_ns,
				error);
	if (good)
		*ret_net_ns = whole_ns - noop_ns[alone];
	return good;
}

static bool measure_round(struct bench *bench, guint round, GError **error)
{
	static const struct vary_flows flows = { .count = 1 };
	int noop = vary_empty(bench->vary);
	double noop_ns[2];

	vary_begin(bench->vary, &flows, bench->state);
	if (!vary_run(bench->vary, noop, bench->packets, &noop_ns[false], error) ||
	    !vary_run_alone(bench->vary, noop, bench->packets, &noop_ns[true], error))
		return false;
	for (int i = 0; i < FRONT_CASES; i++) {
		if (!measure_case(bench, i, noop_ns, &bench->net_ns[i][round], error))
			return false;
	}
	bench->state = vary_state(bench->vary);
	return true;
}

/* A figure of packets that met another fate would be a lie. The first of the copies is none. */
static bool check_counts(struct bench *bench, int which, guint rounds, guint64 *ret_packets,
			 GError **error)
{
	const struct front_case_row *row = &front_cases[which];
	guint64 least = (guint64)bench->packets * rounds - row->copies * rounds;
	struct meter_counts counts;

	if (!kernel_meter_counts(bench->meters[which], &counts, error))
		return false;
	*ret_packets = (counts.packets[row->verdict] + row->copies * rounds) / rounds;
	if (counts.packets[row->verdict] >= least)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: other packets than were meant, so its time means nothing", row->text);
	return false;
}

static bool summarize(struct bench *bench, struct front_figures *figures, GError **error)
{
	double over[ROUNDS];

	for (int i = FRONT_CASES - 1; i >= 0; i--) {
		struct front_figure *figure = &figures->cases[i];

		if (!check_counts(bench, i, ROUNDS + 1, &figure->packets, error))
			return false;
		for (guint k = 0; k < ROUNDS; k++)
			over[k] = bench->net_ns[i][k] / bench->net_ns[FRONT_CASE_ALONE][k];
		figure->over_alone = bench_median(over, ROUNDS);
	}
	for (int i = 0; i < FRONT_CASES; i++)
		figures->cases[i].net_ns = bench_median(bench->net_ns[i], ROUNDS);
	return true;
}

/* The first round warms up. */
static bool work(const void *data, void *ret_result, GError **error)
{
	const struct front_options *options = data;
	struct bench bench = { .packets = (guint)MIN(options->packets, MOST) };
	bool good;

	bench_kernel_stay();
	good = make(&bench, options, error) && measure_round(&bench, 0, error);
	for (guint round = 0; good && round < ROUNDS; round++)
		good = measure_round(&bench, round, error);
	good = good && summarize(&bench, ret_result, error);
	for (int i = 0; i < FRONT_CASES; i++)
		kernel_meter_free(bench.meters[i]);
	vary_free(bench.vary);
	return good;
}

bool front_cost_measure(const struct front_options *options, struct front_figures *ret_figures,
			GError **error)
{
	struct child_result result = { .octets = ret_figures, .size = sizeof(*ret_figures) };

	return child_run(work, options, &result, error);
}
