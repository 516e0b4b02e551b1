/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as each of the texts the database of the world is made from; the first octet says
 * which. An error names file and line, or what was told can be told again. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enrich/world_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool (*const readers[])(struct world *world, const char *path,
			       GError **error) = { world_read_countries, world_read_networks,
						   world_read_own };

static void check_error(const GError *error, const char *path)
{
	g_assert_nonnull(error);
	g_assert_true(g_str_has_prefix(error->message, path));
	g_assert_true(g_ascii_isdigit(error->message[strlen(path) + 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *path = NULL;
	int fd;

	if (size < 1)
		return 0;
	fd = memfd_create("input", MFD_CLOEXEC);
	path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_assert_true(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	for (int round = 0; round < 2; round++) {
		struct world *world = world_new();
		g_autoptr(GError) error = NULL;

		if (!readers[data[0] % G_N_ELEMENTS(readers)](world, path, &error))
			check_error(error, path);
		world_free(world);
	}
	close(fd);
	return 0;
}
