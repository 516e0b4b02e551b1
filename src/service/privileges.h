/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process may do, made less. Rights belong to threads: all of this before there is a second
 * one. What is left is inherited by what the process starts, and nothing it starts gets more. */
#ifndef WEIR_SERVICE_PRIVILEGES_H
#define WEIR_SERVICE_PRIVILEGES_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

struct privileges_user {
	uid_t id;
	gid_t group;
};

/* False: there is no user of this name or number (WEIR_ERROR_USAGE). */
bool privileges_find_user(const char *name, struct privileges_user *ret_user, GError **error);

/* Becomes this user, with no groups but its own; NULL: stays who it is. Of root's rights it keeps
 * those of a run, and for privileges_settle() those of its beginning. No program it starts gains
 * any. Not root: keeps of those whatever it has. */
bool privileges_begin(const struct privileges_user *user, GError **error);

/* A run has begun, and needs less. others: it goes on to take and put back others' programs. */
bool privileges_settle(bool others, GError **error);

/* The names of what is left, for people; free with g_free. */
char *privileges_left(void);

#endif
