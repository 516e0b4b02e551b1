/* SPDX-License-Identifier: BSD-2-Clause */
/* weir help [--json] [COMMAND] */
#include "setup/help.h"
#include "setup/options.h"

static bool help(const struct options *options, GError **error)
{
	const struct command *command;
	g_autofree char *name = NULL;

	if (options->values[OPTION_AS_JSON].number) {
		help_print_json(stdout);
		return true;
	}
	if (!options->arguments) {
		help_print_overview(stdout);
		return true;
	}
	name = g_strjoinv(" ", options->arguments); /* "geo build" is one */
	command = command_by_name(name, error);
	if (!command)
		return false;
	/* The command knows its own help best: not every one reads options.def. */
	return command->run(2, (char *[]){ name, (char[]){ "--help" }, NULL }) == 0;
}

int cmd_help(int argc, char **argv)
{
	return command_main(COMMAND_HELP, argc, argv, help);
}
