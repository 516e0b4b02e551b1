/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to the kernel by netlink: one message out, every message of the answer to a callback.
 */
#ifndef WEIR_CAPTURE_PROBE_NETLINK_H
#define WEIR_CAPTURE_PROBE_NETLINK_H

#include <linux/netlink.h>

#include <glib.h>
#include <stdbool.h>

#define PROBE_MESSAGE_MAX 256

/* A message being built, in network namespace and byte order of this host. */
struct probe_message {
	_Alignas(struct nlmsghdr) guint8 octets[PROBE_MESSAGE_MAX];
};

void probe_message_begin(struct probe_message *message, guint16 type, guint16 flags);
/* The fixed header of a family, then attributes. */
void probe_message_put(struct probe_message *message, const void *octets, gsize size);
void probe_message_attribute(struct probe_message *message, guint16 type, const void *octets,
			     gsize size);

typedef void probe_answer(void *data, const struct nlmsghdr *answer);

/* False where the kernel refuses or there is no such socket. */
bool probe_netlink(int protocol, struct probe_message *message, probe_answer *answer, void *data);

/* The octets of an attribute of this type among size octets of them; NULL: there is none that has
 * at least so many octets. */
const void *probe_attribute(const void *attributes, gsize size, guint16 type, gsize least);
/* The same behind the fixed header of an answer, which has this size. */
const void *probe_answer_attribute(const struct nlmsghdr *answer, gsize header, guint16 type,
				   gsize least);

#endif
