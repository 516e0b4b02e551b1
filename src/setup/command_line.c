/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line as GOption splits it. Every option is a callback, so that one checker serves the
 * command line and the configuration file; unknown options are left to us, who know what is near.
 */
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "setup/options.h"

struct parse {
	struct options *options;
	enum command_id command;
};

static bool is_switch(const struct option_row *row)
{
	return row->type == OPTION_TYPE_SWITCH;
}

static bool takes_value(const struct option_row *row)
{
	return row->type != OPTION_TYPE_FLAG && !is_switch(row);
}

static bool belongs(const struct option_row *row, enum command_id command)
{
	return row->commands & (1u << command);
}

/* name as typed, of a given length: "--batch", "--no-progress", "-q". */
static const struct option_row *row_of(enum command_id command, const char *name, size_t length)
{
	for (guint id = 0; id < OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];
		g_autofree char *typed = g_strdup_printf("--%s", row->name);
		g_autofree char *off = g_strdup_printf("--no-%s", row->name);

		if (!belongs(row, command))
			continue;
		if (strlen(typed) == length && strncmp(typed, name, length) == 0)
			return row;
		if (is_switch(row) && strlen(off) == length && strncmp(off, name, length) == 0)
			return row;
		if (length == 2 && row->letter && name[1] == row->letter)
			return row;
	}
	return NULL;
}

static gboolean take_option(const char *name, const char *value, gpointer data, GError **error)
{
	struct parse *parse = data;
	const struct option_row *row = row_of(parse->command, name, strlen(name));
	g_autofree char *where = g_strdup_printf("--%s", row->name);
	const struct option_source source = { OPTION_FROM_COMMAND_LINE, where, 0 };

	if (!takes_value(row))
		value = is_switch(row) && g_str_has_prefix(name, "--no-") ? "no" : "yes";
	return options_set(parse->options, (enum option_id)(row - option_rows), &source, value,
			   error);
}

/* Names of the switched-off forms live in names. */
static GOptionEntry *entries_of(struct parse *parse, GPtrArray *names)
{
	GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
	GOptionEntry arguments = { .long_name = G_OPTION_REMAINING,
				   .arg = G_OPTION_ARG_FILENAME_ARRAY,
				   .arg_data = &parse->options->arguments };

	for (guint id = 0; id < OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];
		GOptionEntry entry = {
			.long_name = row->name,
			.short_name = row->letter,
			/* FILENAME: the octets as typed, whatever the locale */
			.flags = takes_value(row) ? G_OPTION_FLAG_FILENAME : G_OPTION_FLAG_NO_ARG,
			.arg = G_OPTION_ARG_CALLBACK,
			.arg_data = (gpointer)take_option,
		};

		if (!belongs(row, parse->command))
			continue;
		g_array_append_val(entries, entry);
		if (!is_switch(row))
			continue;
		entry.long_name = g_strdup_printf("no-%s", row->name);
		g_ptr_array_add(names, (gpointer)entry.long_name);
		entry.short_name = 0;
		g_array_append_val(entries, entry);
	}
	g_array_append_val(entries, arguments);
	return (GOptionEntry *)(gpointer)g_array_free(entries, FALSE);
}

static bool unknown_option(enum command_id command, const char *typed, GError **error)
{
	size_t length = strcspn(typed, "=");
	g_autofree char *name = g_strndup(typed, length);
	const char *names[OPTIONS + 1];
	const char *nearest;
	guint count = 0;

	for (guint id = 0; id < OPTIONS; id++) {
		if (belongs(&option_rows[id], command))
			names[count++] = option_rows[id].name;
	}
	names[count] = NULL;
	nearest = nearest_name(name + strspn(name, "-"), names);
	if (nearest)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "unknown option '%s'; did you mean '--%s'?", name, nearest);
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "unknown option '%s'; --help lists what there is", name);
	return false;
}

/* GOption drops the value of --quiet=no without a word. */
static bool flags_bare(enum command_id command, char **argv, GError **error)
{
	for (char **word = argv + 1; *word && strcmp(*word, "--") != 0; word++) {
		size_t length = strcspn(*word, "=");
		const struct option_row *row = row_of(command, *word, length);

		if (!row || takes_value(row) || !(*word)[length])
			continue;
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%.*s takes no value; leave out '%s'", (int)length, *word,
			    *word + length);
		return false;
	}
	return true;
}

/* GOption's own errors that remain: an option at the very end without its value. */
static bool missing_value(enum command_id command, const char *last, GError **error)
{
	const struct option_row *row = row_of(command, last, strlen(last));
	g_autofree char *range = row ? option_range(row) : g_strdup("one");

	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s needs a value; give %s", last, range);
	return false;
}

bool options_parse(struct options *options, enum command_id command, int argc, char **argv,
		   GError **error)
{
	struct parse parse = { .options = options, .command = command };
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree GOptionEntry *entries = entries_of(&parse, names);
	GOptionGroup *group = g_option_group_new("", "", "", &parse, NULL);
	g_autoptr(GError) fault = NULL;
	g_autofree char **rest = g_memdup2(argv, sizeof(*argv) * ((size_t)argc + 1));
	int count = argc;

	options->command = command;
	g_strfreev(options->typed);
	options->typed = g_strdupv(argv);
	g_option_group_add_entries(group, entries);
	g_option_context_set_main_group(context, group);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_ignore_unknown_options(context, TRUE);
	if (!flags_bare(command, argv, error))
		return false;
	if (!g_option_context_parse(context, &count, &rest, &fault)) {
		if (fault->domain != WEIR_ERROR)
			return missing_value(command, argv[argc - 1], error);
		g_propagate_error(error, g_steal_pointer(&fault));
		return false;
	}
	/* Who asks for help gets it, whatever else is on the line. */
	for (int i = 1; i < count && !options->values[OPTION_HELP].number; i++) {
		if (rest[i] && strcmp(rest[i], "--") != 0)
			return unknown_option(command, rest[i], error);
	}
	return true;
}
