/* SPDX-License-Identifier: BSD-2-Clause */
/* weir doctor [IFACE...]: what this host and its interfaces are, for a run, and what to do. */
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "setup/doctor.h"
#include "setup/options.h"
#include "setup/stage_options.h"

static const char *const status_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

static void add_finding(JsonBuilder *json, const struct doctor_finding *finding)
{
	json_builder_begin_object(json);
	json_put_text(json, "interface", finding->about);
	json_put_text(json, "check", finding->check);
	json_put_text(json, "status", status_names[finding->status]);
	json_put_text(json, "text", finding->text);
	json_put_text(json, "remedy", finding->remedy);
	json_builder_end_object(json);
}

static void print_json(const GPtrArray *findings)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	json_begin_list(json, "checks");
	for (guint i = 0; i < findings->len; i++)
		add_finding(json, g_ptr_array_index(findings, i));
	json_builder_end_array(json);
	for (int status = DOCTOR_OK; status <= DOCTOR_FAIL; status++) {
		json_builder_set_member_name(json, status_names[status]);
		json_builder_add_int_value(json,
					   doctor_count(findings, (enum doctor_status)status));
	}
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	puts(text);
}

static void print_text(const GPtrArray *findings)
{
	const char *about = "";

	for (guint i = 0; i < findings->len; i++) {
		const struct doctor_finding *finding = g_ptr_array_index(findings, i);
		const char *now = finding->about ? finding->about : "this host";
		g_autofree char *status = g_ascii_strup(status_names[finding->status], -1);

		if (strcmp(about, now) != 0)
			printf("%s%s\n", i ? "\n" : "", now);
		about = now;
		printf("  %-4s  %-11s  %s\n", status, finding->check, finding->text);
		if (finding->remedy)
			printf("  %-4s  %-11s  -> %s\n", "", "", finding->remedy);
	}
}

static bool doctor(const struct options *options, GError **error)
{
	g_autoptr(GPtrArray) findings = doctor_findings_new();
	const struct doctor_needs needs = {
		.max_flows = options->values[OPTION_MAX_FLOWS].number,
		/* The first choice is "auto". */
		.detail = (int)options->values[OPTION_DETAIL].number - 1,
		.cache = stage_cache(options),
	};
	struct probe_host host;
	guint failed;

	probe_host(&host);
	doctor_host(&host, &needs, findings);
	for (guint i = 0; options->arguments && options->arguments[i]; i++) {
		struct probe_link link;

		probe_link(options->arguments[i], &link);
		doctor_link(options->arguments[i], &link, findings);
		probe_link_clear(&link);
	}
	if (options->values[OPTION_AS_JSON].number)
		print_json(findings);
	else
		print_text(findings);
	failed = doctor_count(findings, DOCTOR_FAIL);
	if (failed > 0)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%u of %u checks failed; do what is said beside them", failed,
			    findings->len);
	return failed == 0;
}

int cmd_doctor(int argc, char **argv)
{
	return command_main(COMMAND_DOCTOR, argc, argv, doctor);
}
