/* SPDX-License-Identifier: BSD-2-Clause */
/* The folders of instances, on the BPF file system. That of all may be a user's (--user), who could
 * put links and other folders into it while root is at work there: each is opened once, and from
 * then on goes by what was opened. */
#include <linux/magic.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "setup/instance_parts.h"

bool instance_fail(GError **error, const char *what, int code)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s%s", what, g_strerror(code),
		    code == EPERM || code == EACCES ? " (run as root)" : "");
	return false;
}

bool instance_have_file_system(GError **error)
{
	struct statfs about;

	if (statfs(INSTANCE_BPF, &about))
		return instance_fail(error, INSTANCE_BPF, errno);
	if (about.f_type == BPF_FS_MAGIC)
		return true;
	if (!mount("bpf", INSTANCE_BPF, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
		   "mode=700"))
		return true;
	return instance_fail(error, INSTANCE_BPF ": no BPF file system", errno);
}

static char *path_of(const char *name)
{
	return g_build_filename(INSTANCE_FOLDER, name, NULL);
}

bool instance_folder_make(const char *name)
{
	g_autofree char *path = path_of(name);

	return (!mkdir(INSTANCE_FOLDER, 0700) || errno == EEXIST) &&
	       (!mkdir(path, 0700) || errno == EEXIST);
}

int instance_folder_open(const char *name)
{
	g_autofree char *path = path_of(name);

	if (instance_name_is_fit(name, NULL))
		return guarded_folder(AT_FDCWD, path);
	errno = ENOENT;
	return -1;
}

void instance_folder_remove(const char *name)
{
	g_autofree char *path = path_of(name);

	rmdir(path);
	rmdir(INSTANCE_FOLDER);
}

bool instance_folder_is(int folder, const char *name)
{
	g_autofree char *path = path_of(name);
	struct stat opened;
	struct stat there;

	return !fstat(folder, &opened) && !lstat(path, &there) && opened.st_ino == there.st_ino &&
	       opened.st_dev == there.st_dev;
}

static bool is_own(const struct stat *folder)
{
	struct stat all;

	return folder->st_uid == geteuid() && !stat(INSTANCE_FOLDER, &all) &&
	       all.st_uid == geteuid();
}

/* By the kernel's list: "1: FLOCK  ADVISORY  WRITE 4711 00:2a:12345 0 EOF". */
bool instance_folder_is_of(int folder, pid_t process)
{
	g_autofree char *text = NULL;
	g_autofree char *wanted = NULL;
	struct stat status;

	if (fstat(folder, &status) || is_own(&status))
		return true;
	if (!g_file_get_contents("/proc/locks", &text, NULL, NULL))
		return false;
	wanted = g_strdup_printf(" WRITE %d %02x:%02x:%lu ", (int)process, major(status.st_dev),
				 minor(status.st_dev), (unsigned long)status.st_ino);
	return strstr(text, wanted) != NULL;
}
