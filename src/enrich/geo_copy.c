/* SPDX-License-Identifier: BSD-2-Clause */
#include "enrich/geo_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/write_all.h"

#define PIECE (256 * 1024)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool fail(GError **error, const char *what)
{
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, what);
	return false;
}

static bool is_as_before(int fd, const struct stat *file)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_size == file->st_size &&
	       now.st_mtim.tv_sec == file->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == file->st_mtim.tv_nsec;
}

static bool fill(int copy, int fd, const struct stat *file, GError **error)
{
	g_autofree guint8 *piece = g_malloc(PIECE);

	for (off_t at = 0; at < file->st_size;) {
		ssize_t got = pread(fd, piece, MIN(PIECE, (size_t)(file->st_size - at)), at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (got > 0 && !write_all(copy, piece, (size_t)got)))
			return fail(error, g_strerror(errno));
		if (got == 0)
			break;
		at += got;
	}
	/* What was read before and after a change would be two halves. */
	return is_as_before(fd, file) ||
	       fail(error, "it is being written to; wait until it is whole, or rename a whole one "
			   "to its place");
}

int geo_copy(int fd, const struct stat *file, GError **error)
{
	int copy = memfd_create("weir-geolocation", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (copy < 0) {
		fail(error, g_strerror(errno));
		return -1;
	}
	if (!fill(copy, fd, file, error) ||
	    (fcntl(copy, F_ADD_SEALS, SEALS) != 0 && !fail(error, g_strerror(errno)))) {
		close(copy);
		return -1;
	}
	return copy;
}
