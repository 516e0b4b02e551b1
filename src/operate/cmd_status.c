/* SPDX-License-Identifier: BSD-2-Clause */
/* weir status: whether a run runs, and how it is. */
#include <stdio.h>

#include "base/error.h"
#include "operate/instances.h"
#include "setup/instance_memory.h"
#include "setup/instance_socket.h"
#include "setup/options.h"

/* The name that was given, else that of the only one there is. */
static struct instance_report *report_of(const struct options *options, GError **error)
{
	const char *name = options->arguments ? options->arguments[0] : NULL;
	g_autofree char *path = NULL;
	g_autofree char *file = NULL;

	if (name)
		return instance_report_of(name);
	path = instance_socket_find(NULL, error);
	if (!path)
		return NULL;
	file = g_path_get_basename(path);
	*strrchr(file, '.') = '\0';
	return instance_report_of(file);
}

static bool refuse(const char *why, GError **error)
{
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, why);
	return false;
}

/* Where its flows would go is what decides what to do now. */
static void tell_dead(const char *name, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct options *run = instance_memory_read(name, &reason);
	g_autofree char *to = run && options_say_where(run) ? g_strjoinv(", ", run->to) : NULL;

	if (run)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: no process, but the kernel meters on for it; start it again, or "
			    "end it by 'weir stop %s', which writes its flows to %s",
			    name, name, to ? to : "standard output");
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: no process, but the kernel meters on for it; start it again, or "
			    "end it by 'weir stop %s --to URL' (%s)",
			    name, name, reason->message);
	options_free(run);
}

static bool fail(const struct instance_report *report, GError **error)
{
	const char *name = report->name;

	switch (report->state) {
	case INSTANCE_SILENT:
		if (!report->process)
			return refuse(report->why, error);
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: process %" G_GUINT64_FORMAT " has it, but does not answer: %s",
			    name, report->process,
			    report->why ? report->why : "it has no control socket");
		break;
	case INSTANCE_DEAD:
		tell_dead(name, error);
		break;
	case INSTANCE_STOPPED:
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: stopped; 'weir start %s' starts it", name, name);
		break;
	default:
		if (report->why)
			return refuse(report->why, error);
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: nothing of this name runs or was left; 'weir list' shows "
			    "what there is",
			    name);
	}
	return false;
}

static const char *text(JsonObject *object, const char *member)
{
	return json_object_get_string_member_with_default(object, member, "-");
}

static gint64 number(JsonObject *object, const char *member)
{
	return json_object_get_int_member_with_default(object, member, 0);
}

static void print_destination(JsonObject *row)
{
	const bool healthy = json_object_get_boolean_member_with_default(row, "healthy", FALSE);
	const char *otherwise = strstr(text(row, "url"), "+file:") ? "failed" : "away";

	printf("  to %s: %s, %" G_GINT64_FORMAT " flows in %" G_GINT64_FORMAT
	       " records, %" G_GINT64_FORMAT " lost\n",
	       json_object_has_member(row, "name") ? text(row, "name") : text(row, "url"),
	       healthy ? "good" : otherwise, number(row, "flows"), number(row, "records"),
	       number(row, "lostFlows"));
}

/* A run of an older weir says nothing of it. */
static void print_settings(JsonObject *status)
{
	JsonArray *rows = json_object_has_member(status, "set")
				  ? json_object_get_array_member(status, "set")
				  : NULL;

	for (guint i = 0; rows && i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);

		printf("  set %s = %s (the configuration: %s)\n", text(row, "key"),
		       text(row, "value"),
		       *text(row, "configured") ? text(row, "configured") : "nothing");
	}
}

static void print_status(JsonObject *status)
{
	JsonArray *interfaces = json_object_get_array_member(status, "interfaces");
	JsonArray *destinations = json_object_get_array_member(status, "destinations");

	printf("%s: running since %s, process %" G_GINT64_FORMAT ", weir %s\n",
	       text(status, "instance"), text(status, "since"), number(status, "process"),
	       text(status, "version"));
	printf("  on");
	for (guint i = 0; i < json_array_get_length(interfaces); i++)
		printf(" %s", json_array_get_string_element(interfaces, i));
	printf("\n  seen %" G_GINT64_FORMAT " packets, metered %" G_GINT64_FORMAT
	       ", exported %" G_GINT64_FORMAT " flows\n",
	       number(status, "seenPackets"), number(status, "meteredPackets"),
	       number(status, "exportedFlows"));
	for (guint i = 0; i < json_array_get_length(destinations); i++)
		print_destination(json_array_get_object_element(destinations, i));
	print_settings(status);
}

static bool status(const struct options *options, GError **error)
{
	struct instance_report *report = report_of(options, error);
	bool runs = report && report->state == INSTANCE_RUNS;

	if (runs && options->values[OPTION_AS_JSON].number)
		print_json_line(report->status);
	else if (runs)
		print_status(report->status);
	else if (report)
		fail(report, error);
	instance_report_free(report);
	return runs;
}

int cmd_status(int argc, char **argv)
{
	return command_main(COMMAND_STATUS, argc, argv, status);
}
