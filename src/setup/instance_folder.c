/* SPDX-License-Identifier: BSD-2-Clause */
/* The folders of instances, on the BPF file system. */
#include <linux/magic.h>

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/error.h"
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

bool instance_make_folder(const char *path, GError **error)
{
	return !mkdir(path, 0700) || errno == EEXIST ? true : instance_fail(error, path, errno);
}

/* Numbers are tables. */
bool instance_has_links(const struct instance *instance)
{
	GDir *folder = g_dir_open(instance_folder(instance), 0, NULL);
	const char *name = NULL;

	while (folder && (name = g_dir_read_name(folder)) && g_ascii_isdigit(name[0]))
		;
	if (folder)
		g_dir_close(folder);
	return name != NULL;
}
