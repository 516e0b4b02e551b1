/* SPDX-License-Identifier: BSD-2-Clause */
/* weir reload: a run reads its configuration again. */
#include <stdio.h>

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

static bool is_empty(JsonObject *answer, const char *member)
{
	return !json_object_has_member(answer, member) ||
	       json_array_get_length(json_object_get_array_member(answer, member)) == 0;
}

static bool reload(const struct options *options, GError **error)
{
	const char *name = options->arguments ? options->arguments[0] : NULL;
	g_autofree char *path = instance_socket_find(name, error);
	g_autoptr(JsonObject) answer = path ? control_ask(path, "reload", error) : NULL;

	if (!answer)
		return false;
	if (options->values[OPTION_QUIET].number)
		return true;
	print_lines(answer, "changed");
	print_lines(answer, "kept");
	if (is_empty(answer, "changed") && is_empty(answer, "kept"))
		printf("nothing has changed\n");
	return true;
}

int cmd_reload(int argc, char **argv)
{
	return command_main(COMMAND_RELOAD, argc, argv, reload);
}
