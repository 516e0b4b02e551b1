/* SPDX-License-Identifier: BSD-2-Clause */
/* weir flush: everything in the cache of a run is exported now. */
#include <stdio.h>

#include "serve/ask.h"
#include "setup/instance_socket.h"
#include "setup/options.h"

static bool flush(const struct options *options, GError **error)
{
	const char *name = options->arguments ? options->arguments[0] : NULL;
	g_autofree char *path = instance_socket_find(name, error);
	g_autoptr(JsonObject) answer = path ? control_ask(path, "flush", error) : NULL;

	if (!answer)
		return false;
	if (!options->values[OPTION_QUIET].number)
		printf("%" G_GINT64_FORMAT " flows\n",
		       json_object_get_int_member_with_default(answer, "flows", 0));
	return true;
}

int cmd_flush(int argc, char **argv)
{
	return command_main(COMMAND_FLUSH, argc, argv, flush);
}
