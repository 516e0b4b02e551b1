/* SPDX-License-Identifier: BSD-2-Clause */
/* What `weir` can be told to do: the rows of commands.def. */
#ifndef WEIR_SETUP_COMMANDS_H
#define WEIR_SETUP_COMMANDS_H

#include <glib.h>
#include <stdbool.h>

enum command_id {
#define COMMAND(id, ...) COMMAND_##id,
#include "setup/commands.def"
#undef COMMAND
	COMMANDS,
};

#define COMMAND_EXAMPLES 3

struct command_example {
	const char *line;
	const char *what;
};

/* argv[0] is the command's name. Returns the exit status. */
typedef int command_run(int argc, char **argv);

struct command {
	const char *name;
	command_run *run;
	const char *arguments;
	guint least; /* of what is no option */
	guint most;
	const char *summary;
	const char *description;
	struct command_example examples[COMMAND_EXAMPLES];
};

extern const struct command commands[COMMANDS];

#define COMMAND(id, name, function, ...) command_run function;
#include "setup/commands.def"
#undef COMMAND

/* NULL, with an error that names the nearest, when there is none. */
const struct command *command_by_name(const char *name, GError **error);

/* What a command does once its options are known. */
struct options;
typedef bool command_body(const struct options *options, GError **error);

/* Command line, --help, configuration file, body; returns the exit status, any error told. */
int command_main(enum command_id command, int argc, char **argv, command_body *body);

/* The configuration file as well; false: the options do not go together. */
bool command_options_read(enum command_id command, struct options *options, GError **error);
/* The same command line and the configuration file as they are now; nothing is done. */
struct options *command_options_again(const struct options *options, GError **error);

/* Tells the error in one line on standard error; the exit status it means. */
int command_fail(const GError *error);

#endif
