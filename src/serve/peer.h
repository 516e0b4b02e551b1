/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a Unix socket, as the kernel says. */
#ifndef WEIR_SERVE_PEER_H
#define WEIR_SERVE_PEER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

enum peer_rights {
	PEER_NOTHING,
	PEER_ASKS,
	PEER_CHANGES,
};

/* The number of the group; false: there is none of that name. */
bool peer_group(const char *name, gid_t *ret_group);
/* Root and this process's user may change, members of the group may ask. group: or NULL. */
enum peer_rights peer_rights(int fd, const char *group);

#endif
