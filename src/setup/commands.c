/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands. */
#include "setup/commands.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/nearest.h"

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
