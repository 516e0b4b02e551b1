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

/* A clock that began before what the message tells of goes on, as far as its readers take it. */
static void set_now(guint8 *octets, const struct encoder_ops *form, guint32 now_s)
{
	const guint32 then_s = load_be32(octets + form->time_at);

	if (form->uptime_at && then_s != 0) {
		const guint64 uptime =
			load_be32(octets + form->uptime_at) + ((guint64)now_s - then_s) * 1000;

		if (now_s < then_s || uptime > G_MAXINT32)
			return;
		store_be32(octets + form->uptime_at, (guint32)uptime);
	}
	store_be32(octets + form->time_at, now_s);
}

static void set_time(guint8 *octets, const struct encoder_ops *form,
		     const struct message_time *time)
{
	if (!form->time_at)
		return;
	if (time->as)
		memcpy(octets + form->time_at, time->as->octets + form->time_at, 4);
	if (time->as && form->uptime_at)
		memcpy(octets + form->uptime_at, time->as->octets + form->uptime_at, 4);
	if (time->now_s)
		set_now(octets, form, time->now_s);
}

void message_number(const struct message *message, const struct encoder_ops *form,
		    guint32 *sequence, const struct message_time *time, guint8 *octets)
{
	memcpy(octets, message->octets, message->length);
	if (form->sequence != ENCODER_NO_SEQUENCE)
		store_be32(octets + form->sequence_at, *sequence);
	*sequence += form->sequence == ENCODER_COUNTS_RECORDS ? (guint32)message->records : 1;
	set_time(octets, form, time);
}

guint8 *message_numbered(const struct message *message, const struct encoder_ops *form,
			 guint32 *sequence, const struct message_time *time)
{
	guint8 *octets = g_malloc(message->length);

	message_number(message, form, sequence, time, octets);
	return octets;
}
