/* SPDX-License-Identifier: BSD-2-Clause */
/* What root prepares for a run of another user: places to pin and to listen, and what an earlier
 * process of root left there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/log.h"
#include "setup/instance_parts.h"

#define MARKS	 "~." /* what may come behind an instance's name; or nothing */
#define WAY_MODE 0711 /* the user gets through, and sees nothing on the way */

struct owner {
	uid_t user;
	gid_t group;
};

/* What is open and nothing else: the folder may be the user's, who could have put something of
 * root's there, or put it there now. */
static void give(int fd, const char *name, const struct owner *owner)
{
	struct stat status;

	if (!fstat(fd, &status) &&
	    (S_ISDIR(status.st_mode) || (S_ISREG(status.st_mode) && status.st_nlink == 1)) &&
	    fchownat(fd, "", owner->user, owner->group, AT_EMPTY_PATH))
		log_warning("%s: %s", name, g_strerror(errno));
}

static bool is_of(const char *file, const char *instance)
{
	return g_str_has_prefix(file, instance) && strchr(MARKS, file[strlen(instance)]) != NULL;
}

/* What is in this folder and, so deep, in those in it. instance: what is its, NAME itself, NAME~...
 * that were set apart, NAME.LAYOUT that read them; NULL: all. */
static void give_all(int folder, const char *instance, const struct owner *owner, int depth)
{
	g_autofree char *path = guarded_path(folder);
	GDir *names = g_dir_open(path, 0, NULL);
	const char *name;

	while (names && (name = g_dir_read_name(names))) {
		int inner = -1;
		int fd;

		if (instance && !is_of(name, instance))
			continue;
		fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		give(fd, name, owner);
		if (depth > 0)
			inner = guarded_folder(fd, ".");
		if (inner >= 0) {
			give_all(inner, NULL, owner, depth - 1);
			close(inner);
		}
		close(fd);
	}
	if (names)
		g_dir_close(names);
}

static void give_instance(const char *path, const char *instance, const struct owner *owner)
{
	const int folder = guarded_folder(AT_FDCWD, path);

	if (folder < 0)
		return;
	give_all(folder, instance, owner, 2);
	close(folder);
}

static bool have_folder(const char *path, mode_t mode, const struct owner *owner, GError **error)
{
	if ((!mkdir(path, mode) || errno == EEXIST) && !chmod(path, mode) &&
	    !lchown(path, owner->user, owner->group))
		return true;
	return instance_fail(error, path, errno);
}

bool instance_hand_over(const char *instance, uid_t user, gid_t group, GError **error)
{
	const struct owner owner = { user, group };

	if (!instance_name_is_fit(instance, error) ||
	    !have_folder(INSTANCE_COPIES, WAY_MODE, &owner, error))
		return false;
	give_instance(INSTANCE_COPIES, instance, &owner);
	/* Without that file system a run goes on by itself, and says so. */
	if (!instance_have_file_system(NULL))
		return true;
	if (chmod(INSTANCE_BPF, WAY_MODE))
		return instance_fail(error, INSTANCE_BPF, errno);
	if (!have_folder(INSTANCE_FOLDER, 0700, &owner, error))
		return false;
	give_instance(INSTANCE_FOLDER, instance, &owner);
	return true;
}
