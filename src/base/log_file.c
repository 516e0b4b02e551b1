/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"

struct log_file {
	char *path;
	bool output_too; /* standard output and standard error are one */
	FILE *former;
};

static bool is_same(int one, int other)
{
	struct stat a;
	struct stat b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int open_path(const char *path, GError **error)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0640);

	if (fd < 0)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "log file %s: %s", path,
			    g_strerror(errno));
	return fd;
}

/* At once for every thread: no line goes between the two files. */
static void become(const struct log_file *file, int fd)
{
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	if (!file->output_too)
		return;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
}

static FILE *keep_former(void)
{
	const int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return fd < 0 ? NULL : fdopen(fd, "a");
}

struct log_file *log_file_open(const char *path, bool guarded, GError **error)
{
	const int fd = guarded ? guarded_append(path, 0640, error) : open_path(path, error);
	struct log_file *file;

	if (fd < 0)
		return NULL;
	file = g_new0(struct log_file, 1);
	file->path = g_strdup(path);
	file->output_too = is_same(STDERR_FILENO, STDOUT_FILENO);
	/* It would keep the octets of a file that is deleted. */
	if (!is_same(fd, STDERR_FILENO))
		file->former = keep_former();
	become(file, fd);
	close(fd);
	return file;
}

void log_file_free(struct log_file *file)
{
	if (!file)
		return;
	if (file->former) {
		become(file, fileno(file->former));
		fclose(file->former);
	}
	g_free(file->path);
	g_free(file);
}

bool log_file_reopen(struct log_file *file, GError **error)
{
	const int fd = open_path(file->path, error);

	if (fd < 0)
		return false;
	become(file, fd);
	close(fd);
	return true;
}

FILE *log_file_former(const struct log_file *file)
{
	return file->former;
}
