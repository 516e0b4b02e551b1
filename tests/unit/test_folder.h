/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder for the files of one test, or of a suite. */
#ifndef WEIR_TESTS_TEST_FOLDER_H
#define WEIR_TESTS_TEST_FOLDER_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline char *test_folder_new(void)
{
	return g_dir_make_tmp("weir-test-XXXXXX", NULL);
}

/* With what is in it; of folders in it one level. */
static inline void test_folder_empty(const char *path, bool deeper)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		if (unlink(inner) != 0 && deeper)
			test_folder_empty(inner, false);
	}
	rmdir(path);
}

static inline void test_folder_remove(char **folder)
{
	test_folder_empty(*folder, true);
	g_clear_pointer(folder, g_free);
}

/* Octets of the file that a URL as "json+file:PATH" names; 0: there is none. */
static inline gsize test_file_length(const char *url)
{
	struct stat status;

	return stat(strchr(url, ':') + 1, &status) == 0 ? (gsize)status.st_size : 0;
}

#endif
