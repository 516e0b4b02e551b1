/* SPDX-License-Identifier: BSD-2-Clause */
/* weir set: changes one key of a run. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "serve/ask.h"
#include "setup/instance_socket.h"
#include "setup/options.h"

static void print_lines(JsonObject *answer, const char *member)
{
	JsonArray *lines = json_object_has_member(answer, member)
				   ? json_object_get_array_member(answer, member)
				   : NULL;

	for (guint i = 0; lines && i < json_array_get_length(lines); i++)
		printf("%s\n", json_array_get_string_element(lines, i));
}

static bool is_one_line(const char *key, const char *value, GError **error)
{
	if (!strpbrk(key, " \t\r\n") && !strpbrk(value, "\r\n"))
		return true;
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "a key is one word and a value one line");
	return false;
}

static bool set(const struct options *options, GError **error)
{
	char **words = options->arguments;
	g_autofree char *path = NULL;
	g_autofree char *request = g_strdup_printf("set %s %s", words[0], words[1]);
	g_autoptr(JsonObject) answer = NULL;

	if (!is_one_line(words[0], words[1], error))
		return false;
	path = instance_socket_find(words[2], error);
	if (path)
		answer = control_ask(path, request, error);
	if (!answer)
		return false;
	if (!options->values[OPTION_QUIET].number) {
		print_lines(answer, "changed");
		print_lines(answer, "kept");
	}
	return true;
}

int cmd_set(int argc, char **argv)
{
	return command_main(COMMAND_SET, argc, argv, set);
}
