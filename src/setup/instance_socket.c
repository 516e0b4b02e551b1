/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/instance_socket.h"

#include <string.h>

#include "base/error.h"
#include "serve/control.h"
#include "setup/instance.h"

#define SUFFIX ".sock"

char **instance_socket_names(void)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	GDir *folder = g_dir_open(CONTROL_FOLDER, 0, NULL);
	const char *file;

	while (folder && (file = g_dir_read_name(folder))) {
		g_autofree char *name = g_strdup(file);

		if (!g_str_has_suffix(name, SUFFIX))
			continue;
		name[strlen(name) - strlen(SUFFIX)] = '\0';
		g_strv_builder_add(names, name);
	}
	if (folder)
		g_dir_close(folder);
	return g_strv_builder_end(names);
}

static char *find_only(GError **error)
{
	g_auto(GStrv) names = instance_socket_names();
	g_autofree char *list = g_strjoinv(", ", names);

	if (g_strv_length(names) == 1)
		return control_path(names[0]);
	if (names[0])
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "name one of %s", list);
	else
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "nothing runs that this user may see; begin with 'weir run', "
				    "or name the instance");
	return NULL;
}

char *instance_socket_find(const char *name, GError **error)
{
	char *path;

	if (!name)
		return find_only(error);
	path = strchr(name, '/') ? NULL : control_path(name);
	if (path && !g_file_test(path, G_FILE_TEST_EXISTS)) {
		/* Where the name was made of interfaces, it says more than they do. */
		g_autofree char *whole = instance_name((const char *const[]){ name, NULL });

		g_free(path);
		path = control_path(whole);
	}
	if (path && g_file_test(path, G_FILE_TEST_EXISTS))
		return path;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "no instance %s is running", name);
	g_free(path);
	return NULL;
}
