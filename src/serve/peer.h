/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a Unix socket, as the kernel says. */
#ifndef WEIR_SERVE_PEER_H
#define WEIR_SERVE_PEER_H

#include <gio/gio.h>
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
/* The process that listens there. 0: it is not to be seen from here. */
pid_t peer_process(int fd);

/* The socket of this path, to be closed; -1 with errno: there is none. Its folder may be a user's:
 * what is open is the socket, whatever has its name by now, and never by a link. */
int peer_place(const char *path);
/* The address of what is open. */
GSocketAddress *peer_address(int place);

#endif
