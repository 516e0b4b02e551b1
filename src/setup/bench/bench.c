/* SPDX-License-Identifier: BSD-2-Clause */
/* weir bench: makes traffic, times the steps of replay over it in turns, then the meter in the
 * kernel, then export. All work is done by children, so that this process stays small and tidies
 * up. */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "setup/bench/child.h"
#include "setup/bench/records.h"
#include "setup/bench/report.h"
#include "setup/options.h"

#define TRAFFIC_SEED	 1
/* What a packet takes in a capture file, and a flow in an IPFIX file; roundly. */
#define CAPTURE_OCTETS	 (16 + TRAFFIC_SNAP_DEFAULT)
#define RECORD_OCTETS	 512
/* Of the traffic, where export is measured: as many flows as that is long enough. */
#define PACKETS_A_RECORD 10

struct bench {
	const struct traffic_kind *kind; /* NULL: all */
	guint64 packets;
	guint rounds;
	guint64 max_flows;
	struct bench_levels levels;
	bool export_alone;
	const char *keep; /* NULL: nothing is kept */
	const char *json;
	char *folder; /* of our own, removed at the end */
	struct bench_report *report;
};

static bool fail_file(GError **error, const char *path, const char *advice)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s; %s", path, g_strerror(errno),
		    advice);
	return false;
}

static bool check_space(const struct bench *bench, const char *folder, GError **error)
{
	guint64 needed = bench->packets * CAPTURE_OCTETS;
	struct statvfs disk;
	guint64 room;

	if (bench->rounds)
		needed += bench->packets * RECORD_OCTETS / 2;
	if (bench->keep && !bench->kind)
		needed += bench->packets * CAPTURE_OCTETS * (traffic_kinds_count - 1);
	if (statvfs(folder, &disk))
		return fail_file(error, folder, "TMPDIR or --keep names another folder");
	room = (guint64)disk.f_bavail * disk.f_frsize;
	if (room >= needed)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: %" G_GUINT64_FORMAT " MB free, %" G_GUINT64_FORMAT
		    " MB needed; set TMPDIR, or take fewer --packets",
		    folder, room / 1000000, needed / 1000000);
	return false;
}

static bool make_folder(struct bench *bench, GError **error)
{
	const char *parent = g_getenv("TMPDIR");

	bench->folder = g_build_filename(parent && *parent ? parent : "/var/tmp",
					 "weir-bench-XXXXXX", NULL);
	if (g_mkdtemp(bench->folder))
		return true;
	fail_file(error, bench->folder, "set TMPDIR to a folder that can be written");
	g_clear_pointer(&bench->folder, g_free);
	return false;
}

struct making {
	struct traffic_options options;
	const char *path;
};

static bool make_traffic(const void *data, void *ret_result, GError **error)
{
	const struct making *making = data;
	struct traffic *traffic = traffic_new(&making->options);
	struct traffic_totals *totals = ret_result;
	bool good = traffic_write_pcap(traffic, making->path, TRAFFIC_MICROSECONDS, error);

	*totals = *traffic_totals(traffic);
	traffic_free(traffic);
	return good;
}

static bool write_traffic(const struct bench *bench, const char *path,
			  struct bench_result *ret_result, GError **error)
{
	const struct making making = {
		.options = { .kind = ret_result->kind,
			     .packets = bench->packets,
			     .seed = TRAFFIC_SEED },
		.path = path,
	};
	struct child_result made = { .octets = &ret_result->totals,
				     .size = sizeof(ret_result->totals) };
	GStatBuf file;

	if (!child_run(make_traffic, &making, &made, error))
		return false;
	ret_result->snap = TRAFFIC_SNAP_DEFAULT;
	if (g_stat(path, &file))
		return fail_file(error, path, "the traffic just written is gone");
	ret_result->file_octets = (guint64)file.st_size;
	return true;
}

/* In turns, so that a slow while of the machine meets all steps. The first reading warms the page
 * cache and does not count. */
static bool measure(const struct bench *bench, const char *path, struct bench_result *result,
		    GError **error)
{
	struct bench_input input = {
		.capture = path,
		.folder = bench->folder,
		.max_flows = bench->max_flows,
	};
	struct bench_figure warm;

	if (!bench_step_measure(&bench_steps[0], &input, &warm, error))
		return false;
	for (; result->rounds < bench->rounds; result->rounds++) {
		for (guint i = 0; i < result->plan.count; i++) {
			struct bench_figure *figure = &result->figures[i][result->rounds];

			input.detail = result->plan.runs[i].detail;
			if (!bench_step_measure(result->plan.runs[i].step, &input, figure, error))
				return false;
		}
	}
	return true;
}

static bool bench_traffic(const struct bench *bench, const struct traffic_kind *kind,
			  GError **error)
{
	g_autofree struct bench_result *result = g_new0(struct bench_result, 1);
	g_autofree char *name = g_strconcat(kind->name, ".pcap", NULL);
	g_autofree char *path =
		g_build_filename(bench->keep ? bench->keep : bench->folder, name, NULL);
	bool good;

	result->kind = kind;
	result->plan = bench_plan_make(&bench->levels);
	good = write_traffic(bench, path, result, error) &&
	       (bench->rounds == 0 || measure(bench, path, result, error));
	if (good)
		bench_report_traffic(bench->report, result);
	if (!bench->keep)
		g_unlink(path);
	return good;
}

static void bench_kernel(const struct bench *bench)
{
	for (guint i = 0; i < BENCH_HOOKS; i++) {
		const struct bench_kernel_options options = { &bench_hooks[i], bench->levels,
							      bench->packets };
		struct bench_kernel_figures figures;
		g_autoptr(GError) error = NULL;

		if (bench_kernel_measure(&options, &figures, &error))
			bench_report_kernel(bench->report, &options, &figures);
		else
			bench_report_no_kernel(bench->report, &bench_hooks[i], error->message);
	}
}

static void bench_front(const struct bench *bench)
{
	for (guint i = 0; i < BENCH_HOOKS; i++) {
		const struct front_options options = { &bench_hooks[i], bench->levels.detail[0],
						       bench->packets };
		struct front_figures figures;
		g_autoptr(GError) error = NULL;

		if (front_cost_measure(&options, &figures, &error))
			bench_report_front(bench->report, &options, &figures);
		else
			bench_report_no_front(bench->report, &bench_hooks[i], error->message);
	}
}

static void bench_scan(const struct bench *bench)
{
	bench_report_scan_head(bench->report);
	for (guint i = 0; i < bench->levels.count; i++) {
		const struct scan_options options = { bench->levels.detail[i], bench->packets };
		struct scan_figures figures;
		g_autoptr(GError) error = NULL;

		if (scan_cost_measure(&options, &figures, &error))
			bench_report_scan(bench->report, options.detail, &figures);
		else
			bench_report_no_scan(bench->report, options.detail, error->message);
	}
}

static bool measure_export(struct export_result *result, const struct records *records,
			   guint64 flows, GError **error)
{
	for (guint round = 0; round < result->rounds; round++) {
		for (guint i = 0; i < EXPORT_CASES; i++) {
			if (!export_cost_measure(&export_cases[i], records, flows,
						 &result->figures[i][round], error))
				return false;
		}
	}
	return true;
}

static bool bench_export(const struct bench *bench, GError **error)
{
	g_autofree struct export_result *result = g_new0(struct export_result, 1);
	struct records *records = records_make(error);
	bool good;

	result->rounds = bench->rounds;
	good = records && measure_export(result, records, bench->packets / PACKETS_A_RECORD, error);
	records_free(records);
	if (good)
		bench_report_export(bench->report, result);
	return good;
}

static bool bench_meter(struct bench *bench, GError **error)
{
	if (!make_folder(bench, error) ||
	    !check_space(bench, bench->keep ? bench->keep : bench->folder, error))
		return false;
	bench_report_memory(bench->report, &bench->levels, bench->max_flows);
	if (bench->rounds)
		printf("CPU time of a process for each; best and median of %u rounds; ratio to "
		       "reading alone\n",
		       bench->rounds);
	for (size_t i = 0; i < traffic_kinds_count; i++) {
		if (bench->kind && bench->kind != &traffic_kinds[i])
			continue;
		if (!bench_traffic(bench, &traffic_kinds[i], error))
			return false;
	}
	if (bench->rounds) {
		bench_kernel(bench);
		bench_front(bench);
		bench_scan(bench);
	}
	return true;
}

static bool bench_all(struct bench *bench, GError **error)
{
	bench_report_machine(bench->report);
	if (!bench->export_alone && !bench_meter(bench, error))
		return false;
	if (bench->rounds && !bench_export(bench, error))
		return false;
	return !bench->json || bench_report_write_json(bench->report, bench->json, error);
}

/* all, basic, tcp, full: see options.def */
static struct bench_levels chosen_levels(guint64 choice)
{
	struct bench_levels levels = { 0 };

	if (choice > 0)
		return (struct bench_levels){ 1, { (enum flow_detail)(choice - 1) } };
	for (int detail = 0; detail < FLOW_DETAILS; detail++)
		levels.detail[levels.count++] = (enum flow_detail)detail;
	return levels;
}

/* What is to be measured, if not everything. */
static bool choose_part(const struct options *options, struct bench *bench, GError **error)
{
	const char *part = options->arguments ? options->arguments[0] : NULL;

	if (part && strcmp(part, "export") != 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "'%s' cannot be measured alone; give export, or nothing for everything",
			    part);
		return false;
	}
	bench->export_alone = part;
	return true;
}

static bool bench(const struct options *options, GError **error)
{
	const struct option_value *values = options->values;
	guint64 kind = values[OPTION_TRAFFIC].number;
	struct bench bench = {
		.kind = kind < traffic_kinds_count ? &traffic_kinds[kind] : NULL,
		.packets = values[OPTION_PACKETS].number,
		.rounds = (guint)values[OPTION_ROUNDS].number,
		.max_flows = values[OPTION_MAX_FLOWS].number,
		.levels = chosen_levels(values[OPTION_BENCH_DETAIL].number),
		.keep = values[OPTION_KEEP].text,
		.json = values[OPTION_JSON].text,
		.report = bench_report_new(),
	};
	bool good;

	/* An interrupt ends the child at work, and so the benchmark, tidily. */
	signal(SIGINT, SIG_IGN);
	good = choose_part(options, &bench, error) && bench_all(&bench, error);
	if (bench.folder)
		g_rmdir(bench.folder);
	g_free(bench.folder);
	bench_report_free(bench.report);
	return good;
}

int cmd_bench(int argc, char **argv)
{
	return command_main(COMMAND_BENCH, argc, argv, bench);
}
