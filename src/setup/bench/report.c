/* SPDX-License-Identifier: BSD-2-Clause */
/* Times alone say little about another machine, so every one stands beside its ratio to what was
 * measured in the same round. */
#include "setup/bench/report.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "capture/probe_host.h"

#define MEGA 1e6

struct bench_report {
	JsonBuilder *traffic; /* arrays under way */
	JsonBuilder *kernel;
	JsonBuilder *front;
	JsonBuilder *scan;
	JsonBuilder *export;
	JsonBuilder *memory;
	JsonNode *machine;
};

static JsonBuilder *open_array(void)
{
	JsonBuilder *json = json_builder_new();

	json_builder_begin_array(json);
	return json;
}

static JsonNode *close_array(JsonBuilder *json)
{
	json_builder_end_array(json);
	return json_builder_get_root(json);
}

struct bench_report *bench_report_new(void)
{
	struct bench_report *report = g_new0(struct bench_report, 1);

	report->traffic = open_array();
	report->kernel = open_array();
	report->front = open_array();
	report->scan = open_array();
	report->export = open_array();
	report->memory = open_array();
	return report;
}

void bench_report_free(struct bench_report *report)
{
	if (!report)
		return;
	g_object_unref(report->traffic);
	g_object_unref(report->kernel);
	g_object_unref(report->front);
	g_object_unref(report->scan);
	g_object_unref(report->export);
	g_object_unref(report->memory);
	g_clear_pointer(&report->machine, json_node_unref);
	g_free(report);
}

/* Free with g_free. */
static char *processor(void)
{
	g_autofree char *text = NULL;
	const char *at = NULL;

	if (g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
		at = strstr(text, "model name");
	at = at ? strchr(at, ':') : NULL;
	return at ? g_strstrip(g_strndup(at + 1, strcspn(at, "\n") - 1)) : g_strdup("unknown");
}

void bench_report_machine(struct bench_report *report)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autofree char *model = processor();
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname system = { 0 };

	uname(&system);
	printf("machine: %ld CPUs, %s, %s %s\n", cpus, model, system.sysname, system.release);
	json_builder_begin_object(json);
	json_put_count(json, "cpus", (guint64)cpus);
	json_put_text(json, "processor", model);
	json_put_text(json, "kernel", system.release);
	json_builder_end_object(json);
	report->machine = json_builder_get_root(json);
}

static void print_traffic(const struct bench_result *result)
{
	const struct traffic_totals *totals = &result->totals;
	double seconds = (double)(totals->last_ns - totals->first_ns) / (double)FLOW_SECOND_NS;

	printf("\n%s: %s\n", result->kind->name, result->kind->text);
	printf("  %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT
	       " flows, %.1f s at %.0f Mbit/s; at most %u octets of a packet kept, "
	       "file of %.0f MB\n",
	       totals->packets, totals->flows, seconds,
	       (double)totals->on_wire * 8 / MAX(seconds, 1e-9) / MEGA, result->snap,
	       (double)result->file_octets / MEGA);
	if (result->rounds)
		printf("  %-25s%12s%9s%18s%9s%10s%10s%10s\n", "", "ns/packet", "median",
		       "Mpkt / CPU second", "ratio", "to basic", "records", "peak MB");
}

/* Nothing, where there is no such ratio. Free with g_free. */
static char *ratio_text(double ratio)
{
	return ratio > 0 ? g_strdup_printf("%.2fx", ratio) : g_strdup("");
}

static void print_run(const char *text, const struct bench_summary *summary)
{
	g_autofree char *over_basic = ratio_text(summary->over_basic);

	printf("  %-25s%12.1f%9.1f%18.2f%8.2fx%10s%10" G_GUINT64_FORMAT "%10.0f\n", text,
	       summary->best_ns, summary->median_ns, 1000 / summary->median_ns, summary->ratio,
	       over_basic, summary->records, (double)summary->peak_octets / MEGA);
}

static void report_run(JsonBuilder *json, const struct bench_result *result, guint run)
{
	const struct bench_step *step = result->plan.runs[run].step;
	const char *level = bench_level_name(result->plan.runs[run].detail);
	bool levelled = step->levels != BENCH_LEVEL_NONE;
	struct bench_summary summary = bench_summarize(result, run);
	g_autofree char *text =
		g_strconcat(step->text, levelled ? ", " : "", levelled ? level : "", NULL);

	if (step->levels != BENCH_LEVEL_EACH)
		summary.over_basic = 0;
	print_run(text, &summary);
	json_builder_begin_object(json);
	json_put_text(json, "name", step->name);
	if (levelled)
		json_put_text(json, "detail", level);
	json_put_real(json, "nsPerPacketBest", summary.best_ns);
	json_put_real(json, "nsPerPacketMedian", summary.median_ns);
	json_put_real(json, "packetsPerCpuSecond", 1e9 / summary.median_ns);
	json_put_real(json, "ratioToReading", summary.ratio);
	if (summary.over_basic > 0)
		json_put_real(json, "ratioToBasic", summary.over_basic);
	json_put_count(json, "records", summary.records);
	json_put_count(json, "peakOctets", summary.peak_octets);
	json_builder_end_object(json);
}

void bench_report_traffic(struct bench_report *report, const struct bench_result *result)
{
	JsonBuilder *json = report->traffic;

	print_traffic(result);
	json_builder_begin_object(json);
	json_put_text(json, "name", result->kind->name);
	json_put_count(json, "packets", result->totals.packets);
	json_put_count(json, "flows", result->totals.flows);
	json_put_count(json, "octets", result->totals.octets);
	json_put_count(json, "snap", result->snap);
	json_put_count(json, "rounds", result->rounds);
	json_begin_list(json, "steps");
	for (guint i = 0; i < result->plan.count && result->rounds; i++)
		report_run(json, result, i);
	json_builder_end_array(json);
	json_builder_end_object(json);
	fflush(stdout);
}

void bench_report_memory(struct bench_report *report, const struct bench_levels *levels,
			 guint64 max_flows)
{
	JsonBuilder *json = report->memory;

	printf("octets of memory a flow:%15s%14s\n", "native", "in the kernel");
	for (guint i = 0; i < levels->count; i++) {
		enum flow_detail detail = levels->detail[i];
		double native =
			(double)probe_native_table(max_flows, (int)detail) / (double)max_flows;
		/* Sets are meant to be half full. */
		guint64 kernel = kernel_cache_octets(KERNEL_CACHE_SET, detail) / (SET_WAYS / 2);

		printf("  %-22s%15.0f%14" G_GUINT64_FORMAT "\n", bench_level_name(detail), native,
		       kernel);
		json_builder_begin_object(json);
		json_put_text(json, "detail", bench_level_name(detail));
		json_put_count(json, "maxFlows", max_flows);
		json_put_real(json, "octetsPerFlowNative", native);
		json_put_count(json, "octetsPerFlowKernel", kernel);
		json_builder_end_object(json);
	}
	printf("  (native: with room for %" G_GUINT64_FORMAT " flows; in the kernel: half full)\n",
	       max_flows);
}

static void report_level(JsonBuilder *json, const struct bench_kernel_level *level)
{
	g_autofree char *over_basic = ratio_text(level->over_basic);

	printf("%9.0f%7.2fx%8s", level->net_ns, level->over_noop, over_basic);
	json_put_real(json, "nsPerPacketMeter", level->net_ns);
	json_put_real(json, "ratioToEmpty", level->over_noop);
	if (level->over_basic > 0)
		json_put_real(json, "ratioToBasic", level->over_basic);
	json_put_count(json, "packets", level->packets);
}

void bench_report_kernel(struct bench_report *report, const struct bench_kernel_options *options,
			 const struct bench_kernel_figures *figures)
{
	const struct bench_levels *levels = &options->levels;
	JsonBuilder *json = report->kernel;

	printf("\nkernel, %s: ns a packet beyond an empty program, (empty + meter) / empty, and times "
	       "basic\n  %-34s",
	       options->hook->name, "");
	for (guint i = 0; i < levels->count; i++)
		printf("%9s%16s", bench_level_name(levels->detail[i]), "");
	printf("\n");
	for (guint i = 0; i < BENCH_KERNEL_CASES; i++) {
		const struct bench_kernel_figure *figure = &figures->cases[i];

		printf("  %-34s", bench_kernel_cases[i].text);
		for (guint k = 0; k < levels->count; k++) {
			json_builder_begin_object(json);
			json_put_text(json, "hook", options->hook->name);
			json_put_text(json, "case", bench_kernel_cases[i].name);
			json_put_text(json, "detail", bench_level_name(levels->detail[k]));
			json_put_count(json, "flows", figure->flows);
			json_put_real(json, "nsPerPacketEmpty", figure->noop_ns);
			json_put_real(json, "nsPerPacketVarying", figure->vary_ns);
			report_level(json, &figure->levels[k]);
			json_builder_end_object(json);
		}
		printf("\n");
	}
	fflush(stdout);
}

/* A part that could not be measured, in the figures of JSON. */
static void report_none(JsonBuilder *json, const char *of, const char *name, const char *reason)
{
	json_builder_begin_object(json);
	json_put_text(json, of, name);
	json_put_text(json, "notMeasured", reason);
	json_builder_end_object(json);
	fflush(stdout);
}

void bench_report_no_kernel(struct bench_report *report, const struct bench_hook *hook,
			    const char *reason)
{
	printf("\nkernel, %s: not measured (%s)\n", hook->name, reason);
	report_none(report->kernel, "hook", hook->name, reason);
}

void bench_report_front(struct bench_report *report, const struct front_options *options,
			const struct front_figures *figures)
{
	JsonBuilder *json = report->front;

	printf("\nkernel, %s, before the meter: one flow, %s; ns a packet beyond an empty program, "
	       "times the meter\n",
	       options->hook->name, bench_level_name(options->detail));
	for (int i = 0; i < FRONT_CASES; i++) {
		const struct front_figure *figure = &figures->cases[i];

		printf("  %-34s%9.0f%7.2fx\n", front_cases[i].text, figure->net_ns,
		       figure->over_alone);
		json_builder_begin_object(json);
		json_put_text(json, "hook", options->hook->name);
		json_put_text(json, "case", front_cases[i].name);
		json_put_text(json, "detail", bench_level_name(options->detail));
		json_put_real(json, "nsPerPacket", figure->net_ns);
		json_put_real(json, "ratioToMeter", figure->over_alone);
		json_put_count(json, "packets", figure->packets);
		json_builder_end_object(json);
	}
	fflush(stdout);
}

void bench_report_no_front(struct bench_report *report, const struct bench_hook *hook,
			   const char *reason)
{
	printf("\nkernel, %s, before the meter: not measured (%s)\n", hook->name, reason);
	report_none(report->front, "hook", hook->name, reason);
}

void bench_report_scan_head(struct bench_report *report)
{
	(void)report;
	printf("\nscan of a table in the kernel, by 64 sets a call: CPU time\n"
	       "  %-8s%10s%12s%10s%12s%18s%12s%14s\n",
	       "", "flows", "finished", "records", "scan ms", "longest call ms", "taking ms",
	       "ns a record");
}

void bench_report_scan(struct bench_report *report, enum flow_detail detail,
		       const struct scan_figures *figures)
{
	JsonBuilder *json = report->scan;

	for (guint i = 0; i < SCAN_PARTS; i++) {
		const struct scan_figure *part = &figures->parts[i];

		printf("  %-8s%10u%10u %%%10" G_GUINT64_FORMAT "%12.1f%18.3f%12.1f%14.0f\n",
		       bench_level_name(detail), figures->flows, scan_parts[i], part->records,
		       part->scan_ms, part->longest_ms, part->taking_ms, part->ns_a_record);
		json_builder_begin_object(json);
		json_put_text(json, "detail", bench_level_name(detail));
		json_put_count(json, "flows", figures->flows);
		json_put_count(json, "finishedPercent", scan_parts[i]);
		json_put_count(json, "records", part->records);
		json_put_count(json, "calls", figures->calls);
		json_put_real(json, "scanMs", part->scan_ms);
		json_put_real(json, "longestCallMs", part->longest_ms);
		json_put_real(json, "takingMs", part->taking_ms);
		json_put_real(json, "nsPerRecord", part->ns_a_record);
		json_builder_end_object(json);
	}
	fflush(stdout);
}

void bench_report_no_scan(struct bench_report *report, enum flow_detail detail, const char *reason)
{
	printf("  %-8snot measured (%s)\n", bench_level_name(detail), reason);
	report_none(report->scan, "detail", bench_level_name(detail), reason);
}

/* "IPFIX over UDP"; free with g_free. */
static char *export_text(const struct export_case *which)
{
	static const char *const ways[] = {
		[EXPORT_FIXBUF] = "libfixbuf alone",
		[EXPORT_ENCODED] = "encoded",
		[EXPORT_SENT] = "ready messages, sent",
		[EXPORT_DELIVERED] = "encoded and sent",
	};

	return g_strdup_printf("%s %s, %s%s%s", which->scheme, which->template_name,
			       ways[which->way], which->transport ? " over " : "",
			       which->transport ? which->transport : "");
}

static void report_export_case(JsonBuilder *json, const struct export_result *result, guint index)
{
	static const char *const ways[] = {
		[EXPORT_FIXBUF] = "libfixbuf",
		[EXPORT_ENCODED] = "encoded",
		[EXPORT_SENT] = "sent",
		[EXPORT_DELIVERED] = "delivered",
	};
	const struct export_case *which = &export_cases[index];
	struct export_summary summary = export_summarize(result, index);
	g_autofree char *text = export_text(which);

	printf("  %-44s%10.0f%8.0f%14.2f%8.2fx%15.1f", text, summary.best_ns, summary.median_ns,
	       1000 / summary.median_ns, summary.ratio, summary.octets);
	if (which->transport)
		printf("%7.0f %%%10.2f%7.0f %%", summary.sending * 100, summary.wall_rate / MEGA,
		       summary.arrived * 100);
	printf("\n");
	json_builder_begin_object(json);
	json_put_text(json, "form", which->scheme);
	json_put_text(json, "template", which->template_name);
	json_put_text(json, "way", ways[which->way]);
	if (which->transport)
		json_put_text(json, "transport", which->transport);
	json_put_count(json, "records", summary.records);
	json_put_real(json, "nsPerRecordBest", summary.best_ns);
	json_put_real(json, "nsPerRecordMedian", summary.median_ns);
	json_put_real(json, "recordsPerCpuSecond", 1e9 / summary.median_ns);
	json_put_real(json, "ratioToLibfixbuf", summary.ratio);
	json_put_real(json, "octetsPerRecord", summary.octets);
	if (which->transport) {
		json_put_real(json, "sendingPart", summary.sending);
		json_put_real(json, "recordsPerSecond", summary.wall_rate);
		json_put_real(json, "arrivedPart", summary.arrived);
	}
	json_builder_end_object(json);
}

void bench_report_export(struct bench_report *report, const struct export_result *result)
{
	printf("\nexport: CPU time a record on loopback, the collector's taken off; ratio: records "
	       "a CPU second, times libfixbuf alone with this template (else standard)\n"
	       "  %-44s%10s%8s%14s%9s%15s%9s%10s%9s\n",
	       "", "ns/record", "median", "Mrec / CPU s", "ratio", "octets/record", "sending",
	       "Mrec / s", "arrived");
	for (guint i = 0; i < EXPORT_CASES; i++)
		report_export_case(report->export, result, i);
	printf("  goal: 1 M ipfix standard records a CPU second encoded and sent, and 0.50x\n");
	fflush(stdout);
}

/* Not g_file_set_contents: it puts a new file in the place of what is there, a device as well. */
static bool write_text(const char *path, const char *text, GError **error)
{
	FILE *to = fopen(path, "we");
	bool good = to && fputs(text, to) >= 0 && fflush(to) == 0;
	int why = errno;

	if (to && fclose(to) != 0 && good) {
		good = false;
		why = errno;
	}
	if (!good)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; the figures cannot be written there", path, g_strerror(why));
	return good;
}

bool bench_report_write_json(struct bench_report *report, const char *path, GError **error)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	JsonObject *all = json_object_new();
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;

	if (report->machine)
		json_object_set_member(all, "machine", g_steal_pointer(&report->machine));
	json_object_set_member(all, "memory", close_array(report->memory));
	json_object_set_member(all, "traffic", close_array(report->traffic));
	json_object_set_member(all, "kernel", close_array(report->kernel));
	json_object_set_member(all, "front", close_array(report->front));
	json_object_set_member(all, "scan", close_array(report->scan));
	json_object_set_member(all, "export", close_array(report->export));
	json_node_take_object(root, all);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	line = g_strconcat(text, "\n", NULL);
	return write_text(path, line, error);
}
