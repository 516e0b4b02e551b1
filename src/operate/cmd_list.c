/* SPDX-License-Identifier: BSD-2-Clause */
/* weir list: the instances of this host. */
#include <stdio.h>
#include <unistd.h>

#include "operate/instances.h"
#include "setup/options.h"

static const char *text_of(const struct instance_report *report, const char *member)
{
	return report->status
		       ? json_object_get_string_member_with_default(report->status, member, "-")
		       : "-";
}

static char *interfaces_of(const struct instance_report *report)
{
	g_autoptr(GString) list = g_string_new(NULL);
	JsonArray *names = NULL;

	if (report->status && json_object_has_member(report->status, "interfaces"))
		names = json_object_get_array_member(report->status, "interfaces");
	for (guint i = 0; names && i < json_array_get_length(names); i++)
		g_string_append_printf(list, "%s%s", i ? " " : "",
				       json_array_get_string_element(names, i));
	return g_strdup(list->str);
}

static void print_rows(const GPtrArray *reports)
{
	if (reports->len > 0)
		printf("%-20s %-8s %-20s %8s %-8s %s\n", "NAME", "STATE", "SINCE", "PID", "VERSION",
		       "INTERFACES");
	for (guint i = 0; i < reports->len; i++) {
		const struct instance_report *report = g_ptr_array_index(reports, i);
		g_autofree char *interfaces = interfaces_of(report);
		g_autofree char *process =
			report->process ? g_strdup_printf("%" G_GUINT64_FORMAT, report->process)
					: g_strdup("-");

		printf("%-20s %-8s %-20s %8s %-8s %s\n", report->name,
		       instance_state_name(report->state), text_of(report, "since"), process,
		       text_of(report, "version"), interfaces);
	}
}

static void print_objects(const GPtrArray *reports)
{
	static const char *const members[] = { "since", "version", "interfaces" };

	for (guint i = 0; i < reports->len; i++) {
		const struct instance_report *report = g_ptr_array_index(reports, i);
		g_autoptr(JsonObject) object = json_object_new();

		json_object_set_string_member(object, "instance", report->name);
		json_object_set_string_member(object, "state", instance_state_name(report->state));
		if (report->process)
			json_object_set_int_member(object, "process", (gint64)report->process);
		for (guint m = 0; report->status && m < G_N_ELEMENTS(members); m++)
			json_object_set_member(
				object, members[m],
				json_node_copy(json_object_get_member(report->status, members[m])));
		if (report->why)
			json_object_set_string_member(object, "error", report->why);
		print_json_line(object);
	}
}

static bool list(const struct options *options, GError **error)
{
	g_autoptr(GPtrArray) reports = instances_report();

	(void)error;
	if (options->values[OPTION_AS_JSON].number)
		print_objects(reports);
	else
		print_rows(reports);
	if (geteuid() != 0 && !options->values[OPTION_AS_JSON].number)
		fprintf(stderr, "what runs without a process, and what does not answer this user, "
				"only root sees\n");
	return true;
}

int cmd_list(int argc, char **argv)
{
	return command_main(COMMAND_LIST, argc, argv, list);
}
