/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/peer.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

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
