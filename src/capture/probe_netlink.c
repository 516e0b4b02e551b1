/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/probe_netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_OCTETS 32768

static struct nlmsghdr *header_of(struct probe_message *message)
{
	return (struct nlmsghdr *)(void *)message->octets;
}

void probe_message_begin(struct probe_message *message, guint16 type, guint16 flags)
{
	memset(message, 0, sizeof(*message));
	*header_of(message) = (struct nlmsghdr){
		.nlmsg_len = NLMSG_HDRLEN,
		.nlmsg_type = type,
		.nlmsg_flags = (guint16)(NLM_F_REQUEST | flags),
	};
}

void probe_message_put(struct probe_message *message, const void *octets, gsize size)
{
	struct nlmsghdr *header = header_of(message);
	const gsize at = NLMSG_ALIGN(header->nlmsg_len);

	g_assert(at + size <= PROBE_MESSAGE_MAX);
	memcpy(message->octets + at, octets, size);
	header->nlmsg_len = (guint32)(at + size);
}

void probe_message_attribute(struct probe_message *message, guint16 type, const void *octets,
			     gsize size)
{
	const struct nlattr attribute = { .nla_len = (guint16)(NLA_HDRLEN + size),
					  .nla_type = type };

	probe_message_put(message, &attribute, sizeof(attribute));
	probe_message_put(message, octets, size);
}

const void *probe_attribute(const void *attributes, gsize size, guint16 type, gsize least)
{
	const guint8 *at = attributes;

	while (size >= NLA_HDRLEN) {
		struct nlattr attribute;
		gsize step;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) == type)
			return attribute.nla_len >= NLA_HDRLEN + least ? at + NLA_HDRLEN : NULL;
		step = MIN((gsize)NLA_ALIGN(attribute.nla_len), size);
		at += step;
		size -= step;
	}
	return NULL;
}

const void *probe_answer_attribute(const struct nlmsghdr *answer, gsize header, guint16 type,
				   gsize least)
{
	const gsize start = NLMSG_HDRLEN + NLMSG_ALIGN(header);

	if (answer->nlmsg_len < start)
		return NULL;
	return probe_attribute((const guint8 *)answer + start, answer->nlmsg_len - start, type,
			       least);
}

/* 1: more is to come; 0: that was all; -1: refused. */
static int walk(const struct nlmsghdr *at, gsize size, probe_answer *answer, void *data)
{
	bool more = false;

	for (; NLMSG_OK(at, size); at = NLMSG_NEXT(at, size)) {
		if (at->nlmsg_type == NLMSG_DONE)
			return 0;
		if (at->nlmsg_type == NLMSG_ERROR)
			return -1;
		answer(data, at);
		more = at->nlmsg_flags & NLM_F_MULTI;
	}
	return more;
}

bool probe_netlink(int protocol, struct probe_message *message, probe_answer *answer, void *data)
{
	const struct nlmsghdr *header = header_of(message);
	g_autofree struct nlmsghdr *room = g_malloc(ANSWER_OCTETS);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int state = -1;

	if (fd >= 0 && send(fd, header, header->nlmsg_len, 0) == (ssize_t)header->nlmsg_len)
		state = 1;
	while (state == 1) {
		ssize_t size = recv(fd, room, ANSWER_OCTETS, 0);

		if (size < 0 && errno == EINTR)
			continue;
		state = size <= 0 ? -1 : walk(room, (gsize)size, answer, data);
	}
	if (fd >= 0)
		close(fd);
	return state == 0;
}
