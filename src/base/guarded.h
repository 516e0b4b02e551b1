/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in a folder that a user with fewer rights may own. Who owns it can put links, pipes and
 * files of his own in the place of what is there, at any moment: no link is followed, nothing is
 * waited for, and what was looked at is what is used. */
#ifndef WEIR_BASE_GUARDED_H
#define WEIR_BASE_GUARDED_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

/* A folder in another that is open, or AT_FDCWD; to be closed. -1 with errno: ELOOP or ENOTDIR for
 * a link. */
int guarded_folder(int at, const char *name);
/* The way to what is open, whatever has its name by now; free with g_free. */
char *guarded_path(int fd);

/* For reading: a plain file that is this user's, is written by nobody else and, where the folder is
 * another's, has no other name; to be closed. -1 with an error. ret_status may be NULL. */
int guarded_open(const char *path, struct stat *ret_status, GError **error);
/* The text of such a file; free with g_free. */
char *guarded_read(const char *path, struct stat *ret_status, GError **error);

/* To add to, a plain file or a device, made where it is not there; to be closed. No link is
 * followed anywhere on the way. -1 with an error. */
int guarded_append(const char *path, mode_t mode, GError **error);
/* A new file in the place of whatever has that name; to be closed. -1 with an error. */
int guarded_create(const char *path, mode_t mode, GError **error);
/* A file of that text, whole or not at all. */
bool guarded_write(const char *path, const char *text, mode_t mode, GError **error);

#endif
