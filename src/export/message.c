/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/message.h"

#include <string.h>

#include "base/buffer.h"

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

guint8 *message_numbered(const struct message *message, const struct encoder_ops *form,
			 guint32 *sequence, const struct message *time_from)
{
	guint8 *octets = g_memdup2(message->octets, message->length);

	if (form->sequence != ENCODER_NO_SEQUENCE)
		store_be32(octets + form->sequence_at, *sequence);
	*sequence += form->sequence == ENCODER_COUNTS_RECORDS ? (guint32)message->records : 1;
	if (time_from && form->time_at)
		memcpy(octets + form->time_at, time_from->octets + form->time_at, 4);
	return octets;
}
