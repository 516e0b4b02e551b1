/* SPDX-License-Identifier: BSD-2-Clause */
/* A file that is there as a whole or not at all: whoever has the old one mapped keeps it. */
#include "enrich/mmdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define MODE 0644 /* what is known of addresses is for everyone to read */

static bool fail(const char *path, int cause, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s; name a file that can be written",
		    path, g_strerror(cause));
	return false;
}

static void forget(struct mmdb_file *file)
{
	g_clear_pointer(&file->path, g_free);
	g_clear_pointer(&file->beside, g_free);
	file->stream = NULL;
}

/* Where a symbolic link leads, so that it stays one. */
static char *target_of(const char *path)
{
	char *resolved = realpath(path, NULL);
	char *target = g_strdup(resolved ? resolved : path);

	free(resolved);
	return target;
}

bool mmdb_file_begin(struct mmdb_file *file, const char *path, GError **error)
{
	struct stat there;
	int fd;

	/* Renamed over a device, it would be gone for everybody. */
	if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%s: is not a regular file; name another one", path);
		return false;
	}
	file->path = target_of(path);
	file->beside = g_strdup_printf("%s.XXXXXX", file->path);
	fd = g_mkstemp_full(file->beside, O_WRONLY | O_CLOEXEC, MODE);
	file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file->stream)
		return true;
	fail(path, errno, error);
	if (fd >= 0) {
		close(fd);
		unlink(file->beside);
	}
	forget(file);
	return false;
}

/* Errors of writing first: they say most. On disk before it is renamed, so that what is there after
 * a power cut is whole too. */
bool mmdb_file_end(struct mmdb_file *file, GError **error)
{
	bool good = fflush(file->stream) == 0 && !ferror(file->stream) &&
		    fchmod(fileno(file->stream), MODE) == 0 && fsync(fileno(file->stream)) == 0;
	int cause = errno;

	if (fclose(file->stream) != 0 && good) {
		good = false;
		cause = errno;
	}
	if (good && rename(file->beside, file->path) != 0) {
		good = false;
		cause = errno;
	}
	if (!good) {
		unlink(file->beside);
		fail(file->path, cause, error);
	}
	forget(file);
	return good;
}

void mmdb_file_abandon(struct mmdb_file *file)
{
	fclose(file->stream);
	unlink(file->beside);
	forget(file);
}
