/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps, and how one is timed: CPU time of a process that does nothing else. Making and
 * freeing the flow table counts, as it does for a user. */
#include "setup/bench/steps.h"

#include <glib/gstdio.h>
#include <time.h>

#include "base/error.h"
#include "capture/capture_file.h"
#include "capture/native_meter.h"
#include "capture/tunnels.h"
#include "setup/bench/child.h"
#include "setup/pipeline.h"

#define BATCH	  256
#define IDLE_NS	  (15 * FLOW_SECOND_NS)
#define ACTIVE_NS (60 * FLOW_SECOND_NS)
#define SEED	  0x77656972
#define PEN	  32473

typedef void take_frames(struct native_meter *meter, const struct frame *frames, size_t count);

static bool read_all(const struct bench_input *input, take_frames *take, struct native_meter *meter,
		     struct bench_figure *ret_figure, GError **error)
{
	struct capture_file *file = capture_file_open(input->capture, error);
	struct frame frames[BATCH];
	int count;

	if (!file)
		return false;
	while ((count = capture_file_read(file, frames, BATCH, error)) > 0) {
		ret_figure->packets += (guint64)count;
		take(meter, frames, (size_t)count);
	}
	capture_file_free(file);
	return count == 0;
}

static void take_nothing(struct native_meter *meter, const struct frame *frames, size_t count)
{
	(void)meter;
	(void)frames;
	(void)count;
}

static bool run_reading(const struct bench_input *input, struct bench_figure *ret_figure,
			GError **error)
{
	return read_all(input, take_nothing, NULL, ret_figure, error);
}

static void count_records(void *data, struct flow_batch *batch)
{
	struct bench_figure *figure = data;

	figure->records += batch->count;
}

static struct native_meter *new_meter(const struct bench_input *input, guint64 max_flows,
				      struct bench_figure *figure, GError **error)
{
	struct native_options options = {
		.idle_ns = IDLE_NS,
		.active_ns = ACTIVE_NS,
		.max_flows = (guint32)max_flows,
		.detail = input->detail,
		.seed = SEED,
		.sink = count_records,
		.data = figure,
	};

	return tunnels_parse(&(struct tunnel_options){ 0 }, &options.tunnels, error)
		       ? native_meter_new(&options, error)
		       : NULL;
}

static void take_parsing(struct native_meter *meter, const struct frame *frames, size_t count)
{
	native_meter_parse(meter, frames, count);
}

static bool run_parsing(const struct bench_input *input, struct bench_figure *ret_figure,
			GError **error)
{
	struct native_meter *meter = new_meter(input, 1, ret_figure, error);
	bool good = meter && read_all(input, take_parsing, meter, ret_figure, error);

	native_meter_free(meter);
	return good;
}

static bool run_metering(const struct bench_input *input, struct bench_figure *ret_figure,
			 GError **error)
{
	struct native_meter *meter = new_meter(input, input->max_flows, ret_figure, error);
	bool good = meter && read_all(input, native_meter_frames, meter, ret_figure, error);

	if (good)
		native_meter_finish(meter);
	native_meter_free(meter);
	return good;
}

static bool run_ipfix(const struct bench_input *input, struct bench_figure *ret_figure,
		      GError **error)
{
	g_autofree char *path = g_build_filename(input->folder, "records.ipfix", NULL);
	g_autofree char *url = g_strconcat("ipfix+file:", path, NULL);
	const char *const files[] = { input->capture, NULL };
	const char *const to[] = { url, NULL };
	const struct replay_options options = {
		.files = files,
		.idle_timeout_ns = IDLE_NS,
		.active_timeout_ns = ACTIVE_NS,
		.max_flows = input->max_flows,
		.seed_given = true,
		.seed = SEED,
		.detail = input->detail,
		.batch = BATCH,
		.export = { .to = to,
			    .template_name = input->detail == FLOW_DETAIL_BASIC ? "biflow" : "full",
			    .pen = PEN,
			    .domain = 1 },
	};
	struct account account = { 0 };
	bool good = replay_run(&options, &account, error);

	ret_figure->packets = account.seen.packets;
	ret_figure->records = account.exported.records;
	account_clear(&account);
	g_unlink(path);
	return good;
}

const struct bench_step bench_steps[BENCH_STEPS] = {
	{ "reading", "reading alone", BENCH_LEVEL_NONE, run_reading },
	{ "parsing", "and parsing", BENCH_LEVEL_NONE, run_parsing },
	{ "metering", "and metering", BENCH_LEVEL_EACH, run_metering },
	{ "ipfix", "and an IPFIX file", BENCH_LEVEL_FIRST, run_ipfix },
};

struct bench_plan bench_plan_make(const struct bench_levels *levels)
{
	struct bench_plan plan = { 0 };

	for (guint i = 0; i < BENCH_STEPS; i++) {
		const struct bench_step *step = &bench_steps[i];
		guint times = step->levels == BENCH_LEVEL_EACH ? levels->count : 1;

		for (guint k = 0; k < times; k++) {
			if (times > 1 && levels->detail[k] == FLOW_DETAIL_BASIC)
				plan.basic = plan.count;
			plan.runs[plan.count].step = step;
			plan.runs[plan.count++].detail = levels->detail[k];
		}
	}
	return plan;
}

struct job {
	const struct bench_step *step;
	const struct bench_input *input;
};

static guint64 cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

static bool work(const void *data, void *ret_result, GError **error)
{
	const struct job *job = data;
	struct bench_figure *figure = ret_result;
	guint64 start = cpu_now_ns();
	bool good = job->step->run(job->input, figure, error);

	figure->cpu_ns = cpu_now_ns() - start;
	return good;
}

bool bench_step_measure(const struct bench_step *step, const struct bench_input *input,
			struct bench_figure *ret_figure, GError **error)
{
	const struct job job = { step, input };
	struct child_result result = { .octets = ret_figure, .size = sizeof(*ret_figure) };

	if (!child_run(work, &job, &result, error)) {
		g_prefix_error(error, "benchmark of %s: ", step->name);
		return false;
	}
	ret_figure->peak_octets = result.peak_octets;
	return true;
}
