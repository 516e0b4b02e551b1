/* SPDX-License-Identifier: BSD-2-Clause */
/* weir check FILE...: every fault of a configuration file, or what it sets. */
#include "base/error.h"
#include "capture/filter.h"
#include "export/destination_url.h"
#include "setup/config.h"

/* What a stage says of the value of an option; takes the error. */
static void take_error(GPtrArray *faults, const char *path, const struct option_value *value,
		       GError *error)
{
	g_ptr_array_add(faults, g_strdup_printf("%s:%u: %s", path, value->line, error->message));
	g_error_free(error);
}

static void check_filter(const struct options *options, const char *path, GPtrArray *faults)
{
	const struct option_value *value = &options->values[OPTION_FILTER];
	struct filter *filter;
	GError *error = NULL;

	if (value->origin == OPTION_NOT_GIVEN)
		return;
	filter = filter_new(value->text, &error);
	if (!filter)
		take_error(faults, path, value, error);
	filter_free(filter);
}

/* What the export stage alone can judge. */
static void check_export(const struct options *options, const char *path, GPtrArray *faults)
{
	const struct option_value *to = &options->values[OPTION_TO];
	const struct option_value *value = &options->values[OPTION_TEMPLATE];
	GError *error = NULL;

	for (guint i = 0; to->list[i]; i++) {
		struct destination_url url = { 0 };

		if (!destination_url_parse(to->list[i], &url, &error))
			take_error(faults, path, to, g_steal_pointer(&error));
		destination_url_clear(&url);
	}
	if (value->origin != OPTION_NOT_GIVEN) {
		struct record_template *layout =
			record_template_load(value->text, TEMPLATE_AS_WRITTEN, &error);

		if (!layout)
			take_error(faults, path, value, error);
		record_template_free(layout);
	}
}

static void print_settings(const struct options *options, const char *path)
{
	guint count = 0;

	for (guint id = 0; id < OPTIONS; id++)
		count += options->values[id].origin == OPTION_FROM_CONFIG;
	printf("%s: %u %s, no fault\n", path, count, count == 1 ? "setting" : "settings");
	for (guint id = 0; id < OPTIONS; id++) {
		g_autofree char *value = option_format(options, id);

		if (options->values[id].origin == OPTION_FROM_CONFIG)
			printf("  [%s] %s = %s\n", option_rows[id].section, option_rows[id].name,
			       value);
	}
}

/* False when the file has faults, which are told. */
static bool check_file(const char *path)
{
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
	struct options *options = options_new();
	enum option_id about;
	GError *error = NULL;

	if (!config_read(options, path, faults, &error)) {
		g_ptr_array_add(faults, g_strdup(error->message));
		g_clear_error(&error);
	} else if (!options_check(options, &about, &error)) {
		take_error(faults, path, &options->values[about], g_steal_pointer(&error));
	}
	check_filter(options, path, faults);
	check_export(options, path, faults);
	for (guint i = 0; i < faults->len; i++) {
		GError *one = g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED,
						  g_ptr_array_index(faults, i));

		command_fail(one);
		g_error_free(one);
	}
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
