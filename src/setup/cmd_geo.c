/* SPDX-License-Identifier: BSD-2-Clause */
/* weir geo VERB: each verb is a row of commands.def of its own, named "geo VERB". */
#include <string.h>

#include "base/error.h"
#include "setup/commands.h"

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int cmd_geo(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL;
	const struct command *verb;

	/* An error or the help, whichever was asked for: geo alone does nothing. */
	if (argc < 2 || is_help(argv[1]))
		return command_main(COMMAND_GEO, argc, argv, NULL);
	name = g_strdup_printf("%s %s", argv[0], argv[1]);
	verb = command_by_name(name, &error);
	if (!verb)
		return command_fail(error);
	return verb->run(argc - 1, argv + 1);
}
