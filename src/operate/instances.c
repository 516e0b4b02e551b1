/* SPDX-License-Identifier: BSD-2-Clause */
/* An instance shows in three places: the socket of its process, its folder on the BPF file system,
 * which only root may look into, and its configuration. */
#include "operate/instances.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve/ask.h"
#include "setup/instance.h"
#include "setup/instance_socket.h"

#define SUFFIX ".conf"

static const char *const states[] = {
	[INSTANCE_RUNS] = "running",	[INSTANCE_SILENT] = "silent",	[INSTANCE_DEAD] = "dead",
	[INSTANCE_STOPPED] = "stopped", [INSTANCE_UNKNOWN] = "unknown",
};

const char *instance_state_name(enum instance_state state)
{
	return states[state];
}

void instance_report_free(struct instance_report *report)
{
	if (!report)
		return;
	g_free(report->name);
	g_free(report->why);
	g_clear_pointer(&report->status, json_object_unref);
	g_free(report);
}

static void free_report(gpointer report)
{
	instance_report_free(report);
}

static bool is_configured(const char *name)
{
	g_autofree char *path = instance_config(name);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void ask_run(struct instance_report *report)
{
	g_autofree char *path = control_path(report->name);
	g_autoptr(GError) error = NULL;

	report->status = control_ask(path, "status", &error);
	if (!report->status) {
		report->why = g_strdup(error->message);
		return;
	}
	/* Who may write to the folder may give a socket another name. */
	if (g_strcmp0(json_object_get_string_member_with_default(report->status, "instance", NULL),
		      report->name) == 0) {
		report->process = (guint64)json_object_get_int_member_with_default(report->status,
										   "process", 0);
		return;
	}
	g_clear_pointer(&report->status, json_object_unref);
	report->why = g_strdup_printf("%s: another instance answers there", path);
}

static bool has_socket(const char *name)
{
	g_autofree char *path = strchr(name, '/') ? NULL : control_path(name);

	return path && g_file_test(path, G_FILE_TEST_EXISTS);
}

/* There is somebody, for others than this user. */
static bool is_barred(const char *name)
{
	g_autofree char *path = has_socket(name) ? control_path(name) : NULL;

	return path && access(path, W_OK) != 0;
}

static struct instance_report *look_at(const char *name)
{
	struct instance_report *report = g_new0(struct instance_report, 1);

	report->name = g_strdup(name);
	if (has_socket(name))
		ask_run(report);
	if (report->status) {
		report->state = INSTANCE_RUNS;
		return report;
	}
	report->process = (guint64)instance_owner(name);
	if (report->process || is_barred(name))
		report->state = INSTANCE_SILENT;
	else if (instance_exists(name))
		report->state = INSTANCE_DEAD;
	else if (is_configured(name))
		report->state = INSTANCE_STOPPED;
	else
		report->state = INSTANCE_UNKNOWN;
	return report;
}

struct instance_report *instance_report_of(const char *name)
{
	struct instance_report *report = look_at(name);
	g_autofree char *whole = NULL;

	if (report->state != INSTANCE_UNKNOWN)
		return report;
	/* Where the name was made of interfaces, it says more than they do. */
	whole = instance_name((const char *const[]){ name, NULL });
	if (strcmp(whole, name) != 0) {
		struct instance_report *other = look_at(whole);

		if (other->state == INSTANCE_UNKNOWN) {
			instance_report_free(other);
		} else {
			instance_report_free(report);
			report = other;
		}
	}
	return report;
}

/* --- all of them --- */

/* What else lies there is no instance. */
static void add_name(GHashTable *set, char *name)
{
	if (instance_name_is_fit(name, NULL))
		g_hash_table_add(set, name);
	else
		g_free(name);
}

static void add_names(GHashTable *set, char **names)
{
	for (char **name = names; *name; name++)
		add_name(set, g_strdup(*name));
	g_strfreev(names);
}

static void add_configured(GHashTable *set)
{
	GDir *folder = g_dir_open(INSTANCE_CONFIGS, 0, NULL);
	const char *file;

	while (folder && (file = g_dir_read_name(folder))) {
		if (g_str_has_suffix(file, SUFFIX) && strlen(file) > strlen(SUFFIX))
			add_name(set, g_strndup(file, strlen(file) - strlen(SUFFIX)));
	}
	if (folder)
		g_dir_close(folder);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

GPtrArray *instances_report(void)
{
	g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *reports = g_ptr_array_new_with_free_func(free_report);
	GList *names;

	add_names(set, instance_socket_names());
	add_names(set, instance_names());
	add_configured(set);
	names = g_list_sort(g_hash_table_get_keys(set), by_name);
	for (const GList *name = names; name; name = name->next) {
		struct instance_report *report = look_at(name->data);

		/* A socket that its process left behind. */
		if (report->state == INSTANCE_UNKNOWN && !report->why)
			instance_report_free(report);
		else
			g_ptr_array_add(reports, report);
	}
	g_list_free(names);
	return reports;
}

void print_json_line(JsonObject *object)
{
	g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
	g_autofree char *text = json_to_string(node, FALSE);

	puts(text);
}
