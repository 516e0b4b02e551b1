/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/message.h"

#include <string.h>

struct message *message_new(const guint8 *octets, size_t length)
{
	struct message *message = g_malloc(sizeof(*message) + length);

	*message = (struct message){ .length = length };
	g_atomic_ref_count_init(&message->references);
	memcpy(message->octets, octets, length);
	return message;
}

struct message *message_ref(struct message *message)
{
	g_atomic_ref_count_inc(&message->references);
	return message;
}

void message_unref(struct message *message)
{
	if (message != NULL && g_atomic_ref_count_dec(&message->references))
		g_free(message);
}
