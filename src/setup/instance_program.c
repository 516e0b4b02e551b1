/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy lies in a folder that may be another user's, and, on a Debian host, on a file system from
 * which nothing is executed. So what is executed is a copy of the copy, in memory and sealed: what
 * was checked, whatever happens to the file. */
#include "setup/instance_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/write_all.h"

#define SOME 65536
/* Newer kernels want to be told; older ones do not know it. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static bool fail(GError **error, const char *path, int code)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", path, g_strerror(code));
	return false;
}

static bool copy(int from, int to)
{
	g_autofree char *octets = g_malloc(SOME);
	ssize_t got;

	while ((got = read(from, octets, SOME)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || !write_all(to, octets, (gsize)got))
			return false;
	}
	return true;
}

/* Under another name first, so that what has the name is whole. */
bool instance_program_copy(const char *path, GError **error)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int there = self < 0 ? -1 : guarded_create(part, 0700, error);
	bool good;

	if (self < 0)
		return fail(error, "/proc/self/exe", errno);
	good = there >= 0 && (copy(self, there) || fail(error, part, errno));
	close(self);
	if (there >= 0)
		close(there);
	good = good && (rename(part, path) == 0 || fail(error, path, errno));
	if (!good && there >= 0)
		unlink(part);
	return good;
}

static int memory(void)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	const int fd = memfd_create("weir", flags | MFD_EXEC);

	return fd >= 0 || errno != EINVAL ? fd : memfd_create("weir", flags);
}

int instance_program_open(const char *path, GError **error)
{
	int file = guarded_open(path, NULL, error);
	int program;

	if (file < 0)
		return -1;
	program = memory();
	if (program < 0 || !copy(file, program) || fchmod(program, 0700) ||
	    fcntl(program, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) {
		fail(error, path, errno);
		if (program >= 0)
			close(program);
		program = -1;
	}
	close(file);
	return program;
}
