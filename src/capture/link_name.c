/* SPDX-License-Identifier: BSD-2-Clause */
/* By netlink, which speaks of the socket's namespace; sysfs may show another one. */
#include "capture/link_name.h"

#include <linux/rtnetlink.h>

#include <string.h>
#include <sys/socket.h>

#include "capture/probe_netlink.h"

static void copy_text(const struct nlmsghdr *answer, guint16 type, char *to, gsize room)
{
	const char *text =
		probe_answer_attribute(answer, sizeof(struct ifinfomsg), type, sizeof(char));
	const char *end = (const char *)answer + answer->nlmsg_len;

	if (!text)
		return;
	room = MIN(room - 1, (gsize)(end - text));
	memcpy(to, text, strnlen(text, room));
}

static void take_answer(void *data, const struct nlmsghdr *answer)
{
	struct link_name *name = data;

	if (answer->nlmsg_type != RTM_NEWLINK)
		return;
	copy_text(answer, IFLA_IFNAME, name->name, sizeof(name->name));
	copy_text(answer, IFLA_IFALIAS, name->alias, sizeof(name->alias));
}

bool link_name(guint32 index, struct link_name *ret_name)
{
	const struct ifinfomsg wanted = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	struct link_name answer = { 0 };
	struct probe_message message;

	probe_message_begin(&message, RTM_GETLINK, 0);
	probe_message_put(&message, &wanted, sizeof(wanted));
	if (!probe_netlink(NETLINK_ROUTE, &message, take_answer, &answer) || !*answer.name)
		return false;
	*ret_name = answer;
	return true;
}
