/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzz target without a fuzzer: every file named, and every file of each folder named, once. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: libFuzzer's name */

static bool replay_file(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *data = NULL;
	gsize size;

	if (!g_file_get_contents(path, &data, &size, &error)) {
		fprintf(stderr, "%s\n", error->message);
		return false;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)data, size);
	return true;
}

/* How many files were replayed. */
static unsigned int replay(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	unsigned int files = 0;
	const char *name;

	if (!folder)
		return replay_file(path);
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *inside = g_build_filename(path, name, NULL);

		files += replay_file(inside);
	}
	return files;
}

int main(int argc, char **argv)
{
	unsigned int files = 0;

	for (int i = 1; i < argc; i++)
		files += replay(argv[i]);
	printf("%u files replayed\n", files);
	return files == 0;
}
