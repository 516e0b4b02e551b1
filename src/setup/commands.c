/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands, and what they have in common. */
#include "setup/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/nearest.h"
#include "setup/config.h"
#include "setup/help.h"
#include "setup/logging.h"
#include "setup/options.h"

const struct command commands[COMMANDS] = {
#define COMMAND(id, name, run, arguments, least, most, summary, text, e1, w1, e2, w2, e3, w3) \
	[COMMAND_##id] = { name, run,	  arguments, least,                                   \
			   most, summary, text,	     { { e1, w1 }, { e2, w2 }, { e3, w3 } } },
#include "setup/commands.def"
#undef COMMAND
};

const struct command *command_by_name(const char *name, GError **error)
{
	const char *names[COMMANDS + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		names[i] = commands[i].name;
	}
	nearest = nearest_name(name, names);
	if (nearest)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "there is no command '%s'; did you mean '%s'?", name, nearest);
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "there is no command '%s'; 'weir help' lists them", name);
	return NULL;
}

int command_fail(const GError *error)
{
	log_last(error);
	return g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE) ? 2 : 1;
}

static bool count_arguments(enum command_id command, const struct options *options, GError **error)
{
	const struct command *row = &commands[command];
	guint count = options->arguments ? g_strv_length(options->arguments) : 0;

	if (count < row->least)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "nothing to do; usage: weir %s %s",
			    row->name, row->arguments);
	else if (count > row->most)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "'%s' is too much; usage: weir %s %s", options->arguments[row->most],
			    row->name, row->arguments);
	return count >= row->least && count <= row->most;
}

static bool read_config(struct options *options, GError **error)
{
	const char *config = options->values[OPTION_CONFIG].text;

	if (config && !config_load(options, config, error))
		return false;
	options_gather(options);
	return true;
}

/* Whatever the options of a command say. */
static bool read_all(enum command_id command, struct options *options, GError **error)
{
	enum option_id about;

	return read_config(options, error) && count_arguments(command, options, error) &&
	       options_check(options, &about, error);
}

struct options *command_options_again(const struct options *options, GError **error)
{
	struct options *fresh = options_new();

	if (options_parse(fresh, options->command, (int)g_strv_length(options->typed),
			  options->typed, error) &&
	    read_all(options->command, fresh, error))
		return fresh;
	options_free(fresh);
	return NULL;
}

static bool execute(enum command_id command, struct options *options, command_body *body,
		    GError **error)
{
	if (options->values[OPTION_HELP].number) {
		help_print_command(command, stdout);
		return true;
	}
	if (!read_all(command, options, error))
		return false;
	logging_begin(options);
	return body(options, error);
}

int command_main(enum command_id command, int argc, char **argv, command_body *body)
{
	struct options *options = options_new();
	g_autoptr(GError) error = NULL;

	if (options_parse(options, command, argc, argv, &error) &&
	    execute(command, options, body, &error) && (fflush(stdout) != 0 || ferror(stdout)))
		g_set_error(&error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "standard output: %s; what was printed is not complete",
			    g_strerror(errno));
	options_free(options);
	if (error)
		return command_fail(error);
	log_last(NULL);
	return 0;
}
