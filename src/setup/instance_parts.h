/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of instances share. */
#ifndef WEIR_SETUP_INSTANCE_PARTS_H
#define WEIR_SETUP_INSTANCE_PARTS_H

#include "setup/instance.h"

#define INSTANCE_BPF	"/sys/fs/bpf"
#define INSTANCE_FOLDER INSTANCE_BPF "/weir"
/* Copies of weir that read the tables, and control sockets. */
#define INSTANCE_COPIES "/run/weir"
/* Octets of a name at most. */
#define INSTANCE_NAME	64

/* The BPF file system is there, mounted if need be. */
bool instance_have_file_system(GError **error);
/* The folder of an instance, which is made, opened (to be closed; -1: it is not there) and taken
 * away when it is empty; errno says why not. The folder around it may be a user's: no link is one.
 */
bool instance_folder_make(const char *name);
int instance_folder_open(const char *name);
void instance_folder_remove(const char *name);
/* What is open is still what has the name. */
bool instance_folder_is(int folder, const char *name);
/* The process has its lock, as far as somebody else could say so of it who may write there. */
bool instance_folder_is_of(int folder, pid_t process);
bool instance_fail(GError **error, const char *what, int code);

/* A copy of this program, for those who cannot read its tables; and when it is of no use. */
void instance_leave_copy(const char *name, guint64 layout);
void instance_drop_copy(const char *name, guint64 layout);
/* What this process reads. */
guint64 instance_layout(void);
/* Tables of another layout, of that name in the instance's folder, become an instance of their own;
 * false: nobody can read them. lot: 0 for the first of those found together, which belong together.
 */
bool instance_set_apart(const char *name, int folder, const char *tables, guint *lot);

/* A process and when it began; and the process of that word, 0 where it lives no more. */
guint64 process_word(pid_t pid);
pid_t process_of(guint64 word);

#endif
