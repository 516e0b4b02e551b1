/* SPDX-License-Identifier: BSD-2-Clause */
/* weir: one row of setup/commands.def per subcommand. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "setup/commands.h"
#include "setup/help.h"

static bool is_any(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(word, *words) == 0)
			return true;
	}
	return false;
}

static int fail_usage(const char *message)
{
	g_autoptr(GError) error = g_error_new_literal(WEIR_ERROR, WEIR_ERROR_USAGE, message);

	return command_fail(error);
}

/* A file, a socket or a table of the kernel that got the number of one that is closed would be
 * taken for it: the account would go to a collector. To read and to print fails as before; what is
 * said on standard error is lost, as whoever closed it wanted. */
static void hold_standard_numbers(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
			return;
	}
}

int main(int argc, char **argv)
{
	static const char *const help[] = { "--help", "-h", NULL };
	static const char *const version[] = { "--version", "-V", NULL };
	g_autoptr(GError) error = NULL;
	const struct command *command;

	hold_standard_numbers();
	setlocale(LC_CTYPE, "");
	if (argc < 2)
		return fail_usage("nothing to do; 'weir help' lists the commands");
	if (is_any(argv[1], help))
		return cmd_help(1, argv + 1);
	if (is_any(argv[1], version)) {
		puts("weir " WEIR_VERSION);
		return 0;
	}
	command = command_by_name(argv[1], &error);
	if (!command)
		return command_fail(error);
	return command->run(argc - 1, argv + 1);
}
