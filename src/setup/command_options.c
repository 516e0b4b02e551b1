/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of a command: its words and its configuration file. */
#include "base/error.h"
#include "setup/commands.h"
#include "setup/config.h"
#include "setup/options.h"

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

bool command_options_read(enum command_id command, struct options *options, GError **error)
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
	    command_options_read(options->command, fresh, error))
		return fresh;
	options_free(fresh);
	return NULL;
}
