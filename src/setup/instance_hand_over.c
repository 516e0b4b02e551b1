/* SPDX-License-Identifier: BSD-2-Clause */
/* What root prepares for a run of another user: places to pin and to listen, and what an earlier
 * process of root left there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "setup/instance_parts.h"

#define MARKS	 "~." /* what may come behind an instance's name; or nothing */
#define WAY_MODE 0711 /* the user gets through, and sees nothing on the way */

struct owner {
	uid_t user;
	gid_t group;
};

/* Nothing but what lies there under this name, and under no other: the folder may be the user's,
 * who could have put something of root's there. */
static void give(int folder, const char *name, const struct owner *owner)
{
	struct stat status;
	int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!fstat(fd, &status) &&
	    (S_ISDIR(status.st_mode) || (S_ISREG(status.st_mode) && status.st_nlink == 1)) &&
	    fchownat(fd, "", owner->user, owner->group, AT_EMPTY_PATH))
		log_warning("%s: %s", name, g_strerror(errno));
	close(fd);
}

/* In this folder and those in it: an instance is no deeper than that. */
static void give_all(const char *path, const struct owner *owner, int depth)
{
	GDir *names = g_dir_open(path, 0, NULL);
	int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *name;

	while (names && folder >= 0 && (name = g_dir_read_name(names))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		give(folder, name, owner);
		if (depth > 0)
			give_all(inner, owner, depth - 1);
	}
	if (names)
		g_dir_close(names);
	if (folder >= 0)
		close(folder);
}

static bool is_of(const char *file, const char *instance)
{
	return g_str_has_prefix(file, instance) && strchr(MARKS, file[strlen(instance)]) != NULL;
}

/* Those of the instance: NAME itself, NAME~... that were set apart, NAME.LAYOUT that read them. */
static void give_instance(const char *path, const char *instance, const struct owner *owner)
{
	GDir *names = g_dir_open(path, 0, NULL);
	int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *name;

	while (names && folder >= 0 && (name = g_dir_read_name(names))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		if (!is_of(name, instance))
			continue;
		give(folder, name, owner);
		give_all(inner, owner, 1);
	}
	if (names)
		g_dir_close(names);
	if (folder >= 0)
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
