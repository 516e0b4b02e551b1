/* SPDX-License-Identifier: BSD-2-Clause */
/* weir check FILE...: every fault of a configuration file, or what it sets. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "export/destination_check.h"
#include "setup/config.h"
#include "setup/settings.h"
#include "setup/stage_options.h"

/* More help nobody: the file is of another kind, or the rest follows from these. */
#define FAULTS_MOST 50

struct check {
	const struct options *options;
	const char *path;
	GPtrArray *faults; /* of char *: path, line, what */
};

/* What a stage says of the value of an option; takes the error. */
static void take_error(GPtrArray *faults, const char *path, guint line, GError *error)
{
	g_ptr_array_add(faults, g_strdup_printf("%s:%u: %s", path, line, error->message));
	g_error_free(error);
}

/* What the export stage alone can judge. */
static void check_export(struct options *options, const char *path, GPtrArray *faults)
{
	const struct option_value *to = &options->values[OPTION_TO];
	const struct option_value *value = &options->values[OPTION_TEMPLATE];
	struct export_options export;
	struct record_template *layout = NULL;
	GError *error = NULL;

	if (value->origin != OPTION_NOT_GIVEN) {
		layout = record_template_load(value->text, TEMPLATE_AS_WRITTEN, &error);
		if (!layout)
			take_error(faults, path, value->line, g_steal_pointer(&error));
	}
	export = stage_export(options);
	if (!layout)
		export.template_name = NULL; /* that was said; once will do */
	record_template_free(layout);
	for (guint i = 0; to->origin != OPTION_NOT_GIVEN && to->list[i]; i++) {
		if (!destination_check(to->list[i], to->list[i], &export, &error))
			take_error(faults, path, to->line, g_steal_pointer(&error));
	}
	for (guint i = 0; i < options->exporters->len; i++) {
		const struct exporter *exporter = g_ptr_array_index(options->exporters, i);

		if (!destination_check(exporter->url, exporter->name, &export, &error))
			take_error(faults, path, exporter->line, g_steal_pointer(&error));
	}
}

static void print_settings(const struct options *options, const char *path)
{
	guint count = 0;

	for (guint id = 0; id < OPTIONS; id++)
		count += options->values[id].origin == OPTION_FROM_CONFIG;
	count += options->exporters->len;
	printf("%s: %u %s, no fault\n", path, count, count == 1 ? "setting" : "settings");
	for (guint id = 0; id < OPTIONS; id++) {
		g_autofree char *value = option_format(options, id);

		if (options->values[id].origin == OPTION_FROM_CONFIG)
			printf("  [%s] %s = %s\n", option_rows[id].section, option_rows[id].name,
			       value);
	}
	for (guint i = 0; i < options->exporters->len; i++) {
		const struct exporter *exporter = g_ptr_array_index(options->exporters, i);

		printf("  [exporter %s] %s\n", exporter->name, exporter->url);
	}
}

static void take_fault(void *data, enum option_id about, GError *error)
{
	const struct check *check = data;

	take_error(check->faults, check->path, check->options->values[about].line, error);
}

/* Of PATH:LINE: WHAT. */
static guint64 line_of(const char *fault, const char *path)
{
	return g_str_has_prefix(fault, path) ? strtoull(fault + strlen(path) + 1, NULL, 10) : 0;
}

static gint by_line(gconstpointer a, gconstpointer b, gpointer path)
{
	guint64 first = line_of(*(char *const *)a, path);
	guint64 second = line_of(*(char *const *)b, path);

	return (first > second) - (first < second);
}

/* In the order of the file. */
static void tell_faults(GPtrArray *faults, const char *path)
{
	g_ptr_array_sort_with_data(faults, by_line, (gpointer)path);
	for (guint i = 0; i < MIN(faults->len, FAULTS_MOST); i++) {
		g_autoptr(GError) one = g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED,
							    g_ptr_array_index(faults, i));

		command_fail(one);
	}
	if (faults->len > FAULTS_MOST) {
		g_autoptr(GError) more = g_error_new(WEIR_ERROR, WEIR_ERROR_FAILED,
						     "%s: and %u more; mend these first", path,
						     faults->len - FAULTS_MOST);

		command_fail(more);
	}
}

/* False when the file has faults, which are told. */
static bool check_file(const char *path)
{
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
	struct options *options = options_new();
	struct check check = { options, path, faults };
	GError *error = NULL;

	options->command = COMMAND_RUN; /* nobody has more options */
	if (!config_read(options, path, faults, &error)) {
		g_ptr_array_add(faults, g_strdup(error->message));
		g_clear_error(&error);
	} else {
		options_gather(options);
		settings_check_all(options, take_fault, &check);
		check_export(options, path, faults);
	}
	tell_faults(faults, path);
	if (faults->len == 0)
		print_settings(options, path);
	options_free(options);
	return faults->len == 0;
}

static bool check(const struct options *options, GError **error)
{
	guint bad = 0;

	for (guint i = 0; options->arguments[i]; i++)
		bad += !check_file(options->arguments[i]);
	if (bad > 0)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%u of %u configuration files cannot be used", bad,
			    g_strv_length(options->arguments));
	return bad == 0;
}

int cmd_check(int argc, char **argv)
{
	return command_main(COMMAND_CHECK, argc, argv, check);
}
