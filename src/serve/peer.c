/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guarded.h"

#define GROUPS_MOST 1024

bool peer_group(const char *name, gid_t *ret_group)
{
	char room[16384];
	struct group entry;
	struct group *found = NULL;

	if (!name || getgrnam_r(name, &entry, room, sizeof(room), &found) || !found)
		return false;
	*ret_group = found->gr_gid;
	return true;
}

static bool is_member(int fd, gid_t own, gid_t wanted)
{
	gid_t groups[GROUPS_MOST];
	socklen_t size = sizeof(groups);

	if (own == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return false;
	for (size_t i = 0; i < size / sizeof(*groups); i++) {
		if (groups[i] == wanted)
			return true;
	}
	return false;
}

enum peer_rights peer_rights(int fd, const char *group)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	gid_t wanted;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size))
		return PEER_NOTHING;
	if (who.uid == 0 || who.uid == geteuid())
		return PEER_CHANGES;
	return peer_group(group, &wanted) && is_member(fd, who.gid, wanted) ? PEER_ASKS
									    : PEER_NOTHING;
}

pid_t peer_process(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) ? 0 : who.pid;
}

int peer_place(const char *path)
{
	struct stat status;
	int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (place < 0 || (fstat(place, &status) == 0 && S_ISSOCK(status.st_mode)))
		return place;
	close(place);
	errno = ENOTSOCK;
	return -1;
}

GSocketAddress *peer_address(int place)
{
	g_autofree char *path = guarded_path(place);

	return g_unix_socket_address_new(path);
}
