/* SPDX-License-Identifier: BSD-2-Clause */
/* Names cannot tell, as a file may have several; device and inode do. */
#include "base/same_file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int look_at(const char *input, struct stat *ret_status)
{
	return strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, ret_status) : stat(input, ret_status);
}

bool same_file_as_input(int fd, const char *input)
{
	struct stat ours;
	struct stat theirs;

	return fstat(fd, &ours) == 0 && S_ISREG(ours.st_mode) && look_at(input, &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}
