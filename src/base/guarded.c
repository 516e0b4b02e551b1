/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/guarded.h"

#include <linux/openat2.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/write_all.h"

#define MOST  (16 << 20)
#define WRITE (S_IWGRP | S_IWOTH)

int guarded_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

char *guarded_path(int fd)
{
	return g_strdup_printf("/proc/self/fd/%d", fd);
}

static bool fail(GError **error, const char *path, int code)
{
	if (code == ELOOP)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s is a link, and none is followed there: remove it", path);
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", path, g_strerror(code));
	return false;
}

/* Only who writes to the folder can have given a file of this user's a name there. */
static bool is_own_folder(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	struct stat status;

	return stat(folder, &status) == 0 && status.st_uid == geteuid() &&
	       !(status.st_mode & WRITE);
}

/* NULL: nothing. */
static const char *objection(const char *path, const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return "is no plain file: remove it";
	if (status->st_uid != geteuid())
		return "is not this user's: start weir as the user (--user) that it was run as";
	if (status->st_nlink != 1 && !is_own_folder(path))
		return "has another name as well, and may be meant for something else: remove it";
	return status->st_mode & WRITE ? "may be written by others: remove it" : NULL;
}

int guarded_open(const char *path, struct stat *ret_status, GError **error)
{
	struct stat status = { 0 };
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *why;

	if (fd < 0 || fstat(fd, &status)) {
		fail(error, path, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	why = objection(path, &status);
	if (why) {
		close(fd);
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s %s", path, why);
		return -1;
	}
	if (ret_status)
		*ret_status = status;
	return fd;
}

static bool read_all(int fd, GString *text)
{
	char some[4096];
	ssize_t got;

	while ((got = read(fd, some, sizeof(some))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (text->len + (gsize)got > MOST) {
			errno = EFBIG;
			return false;
		}
		g_string_append_len(text, some, got);
	}
	return true;
}

char *guarded_read(const char *path, struct stat *ret_status, GError **error)
{
	int fd = guarded_open(path, ret_status, error);
	GString *text;
	bool good;

	if (fd < 0)
		return NULL;
	text = g_string_new(NULL);
	good = read_all(fd, text) || fail(error, path, errno);
	close(fd);
	return g_string_free(text, !good);
}

/* Not waiting for the reader of a pipe. */
static int open_way(const char *path, mode_t mode)
{
	const struct open_how how = {
		.flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

int guarded_append(const char *path, mode_t mode, GError **error)
{
	struct stat status;
	int fd = open_way(path, mode);

	if (fd < 0 || fstat(fd, &status)) {
		if (errno == ELOOP)
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "%s: a link is on the way there, and none is followed for "
				    "another user: name the place itself",
				    path);
		else
			fail(error, path, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (S_ISCHR(status.st_mode) ||
	    (S_ISREG(status.st_mode) && (status.st_nlink == 1 || is_own_folder(path))))
		return fd;
	close(fd);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s is no plain file, or has another name as well: remove it", path);
	return -1;
}

int guarded_create(const char *path, mode_t mode, GError **error)
{
	int fd = -1;

	if (unlink(path) == 0 || errno == ENOENT)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && fchmod(fd, mode) == 0)
		return fd;
	fail(error, path, errno);
	if (fd >= 0)
		close(fd);
	return -1;
}

bool guarded_write(const char *path, const char *text, mode_t mode, GError **error)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	int fd = guarded_create(part, mode, error);
	bool good;

	if (fd < 0)
		return false;
	good = write_all(fd, text, strlen(text)) || fail(error, part, errno);
	close(fd);
	good = good && (rename(part, path) == 0 || fail(error, path, errno));
	if (!good)
		unlink(part);
	return good;
}
