/* SPDX-License-Identifier: BSD-2-Clause */
/* What all commands do first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "setup/commands.h"
#include "setup/help.h"
#include "setup/logging.h"
#include "setup/options.h"

static bool execute(enum command_id command, struct options *options, command_body *body,
		    GError **error)
{
	if (options->values[OPTION_HELP].number) {
		help_print_command(command, stdout);
		return true;
	}
	if (!command_options_read(command, options, error))
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
