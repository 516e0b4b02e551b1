/* SPDX-License-Identifier: BSD-2-Clause */
/* Times alone say little about another machine, so every one stands beside its ratio to what was
 * measured in the same round. */
#include "setup/bench/report.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"

#define MEGA 1e6

struct bench_report {
	JsonBuilder *traffic; /* arrays under way */
	JsonBuilder *kernel;
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

static void add_text(JsonBuilder *json, const char *name, const char *value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_string_value(json, value);
}

static void add_count(JsonBuilder *json, const char *name, guint64 value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, (gint64)value);
}

static void add_real(JsonBuilder *json, const char *name, double value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_double_value(json, value);
}

struct bench_report *bench_report_new(void)
{
	struct bench_report *report = g_new0(struct bench_report, 1);

	report->traffic = open_array();
	report->kernel = open_array();
	return report;
}

void bench_report_free(struct bench_report *report)
{
	if (!report)
		return;
	g_object_unref(report->traffic);
	g_object_unref(report->kernel);
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
	add_count(json, "cpus", (guint64)cpus);
	add_text(json, "processor", model);
	add_text(json, "kernel", system.release);
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
		printf("  %-22s%12s%9s%18s%9s%10s%10s\n", "", "ns/packet", "median",
		       "Mpkt / CPU second", "ratio", "records", "peak MB");
}

static void print_step(const struct bench_step *step, const struct bench_summary *summary)
{
	printf("  %-22s%12.1f%9.1f%18.2f%8.2fx%10" G_GUINT64_FORMAT "%10.0f\n", step->text,
	       summary->best_ns, summary->median_ns, 1000 / summary->median_ns, summary->ratio,
	       summary->records, (double)summary->peak_octets / MEGA);
}

static void add_step(JsonBuilder *json, const struct bench_step *step,
		     const struct bench_summary *summary)
{
	json_builder_begin_object(json);
	add_text(json, "name", step->name);
	add_real(json, "nsPerPacketBest", summary->best_ns);
	add_real(json, "nsPerPacketMedian", summary->median_ns);
	add_real(json, "packetsPerCpuSecond", 1e9 / summary->median_ns);
	add_real(json, "ratioToReading", summary->ratio);
	add_count(json, "records", summary->records);
	add_count(json, "peakOctets", summary->peak_octets);
	json_builder_end_object(json);
}

void bench_report_traffic(struct bench_report *report, const struct bench_result *result)
{
	JsonBuilder *json = report->traffic;

	print_traffic(result);
	json_builder_begin_object(json);
	add_text(json, "name", result->kind->name);
	add_count(json, "packets", result->totals.packets);
	add_count(json, "flows", result->totals.flows);
	add_count(json, "octets", result->totals.octets);
	add_count(json, "snap", result->snap);
	add_count(json, "rounds", result->rounds);
	json_builder_set_member_name(json, "steps");
	json_builder_begin_array(json);
	for (guint i = 0; i < BENCH_STEPS && result->rounds; i++) {
		struct bench_summary summary = bench_summarize(result, i);

		print_step(&bench_steps[i], &summary);
		add_step(json, &bench_steps[i], &summary);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	fflush(stdout);
}

void bench_report_kernel(struct bench_report *report, const struct bench_hook *hook,
			 const struct bench_kernel_figures *figures)
{
	JsonBuilder *json = report->kernel;

	printf("\nkernel, %s: ns a packet beyond an empty program, and (empty + meter) / empty\n",
	       hook->name);
	for (guint i = 0; i < BENCH_KERNEL_CASES; i++) {
		const struct bench_kernel_figure *figure = &figures->cases[i];
		double ratio = (figure->noop_ns + figure->net_ns) / figure->noop_ns;

		printf("  %-40s%8.0f%8.2fx\n", bench_kernel_cases[i].text, figure->net_ns, ratio);
		json_builder_begin_object(json);
		add_text(json, "hook", hook->name);
		add_text(json, "case", bench_kernel_cases[i].name);
		add_real(json, "nsPerPacketEmpty", figure->noop_ns);
		add_real(json, "nsPerPacketMeter", figure->net_ns);
		add_real(json, "ratioToEmpty", ratio);
		json_builder_end_object(json);
	}
	fflush(stdout);
}

void bench_report_no_kernel(struct bench_report *report, const struct bench_hook *hook,
			    const char *reason)
{
	printf("\nkernel, %s: not measured (%s)\n", hook->name, reason);
	json_builder_begin_object(report->kernel);
	add_text(report->kernel, "hook", hook->name);
	add_text(report->kernel, "notMeasured", reason);
	json_builder_end_object(report->kernel);
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
	json_object_set_member(all, "traffic", close_array(report->traffic));
	json_object_set_member(all, "kernel", close_array(report->kernel));
	json_node_take_object(root, all);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	line = g_strconcat(text, "\n", NULL);
	return write_text(path, line, error);
}
