/* SPDX-License-Identifier: BSD-2-Clause */
/* Finished octets on their way to collectors, with the account of what they hold. Several
 * destinations share one; each gives the copy it sends the numbers of its own session. */
#ifndef WEIR_EXPORT_MESSAGE_H
#define WEIR_EXPORT_MESSAGE_H

#include "export/ledger.h"

struct message {
	gatomicrefcount references;
	guint64 records;    /* data records in it */
	guint64 options;    /* of them: not of flows */
	struct tally flows; /* whose last record is in it */

	/* Of one that came out of a spool, which nobody else has. */
	guint64 spool_file; /* its number; 0: it did not */
	guint64 spool_next; /* messages of the file up to this one */
	bool earlier;	    /* an earlier run left it */

	size_t length;
	guint8 octets[];
};

struct message *message_new(const guint8 *octets, size_t length);
struct message *message_ref(struct message *message);
void message_unref(struct message *message);

static inline guint64 message_flow_records(const struct message *message)
{
	return message->records - message->options;
}

/* When a message is sent, as its header says it. */
struct message_time {
	const struct message *as; /* at the same time as this one; NULL: its own time */
	guint32 now_s;		  /* now, in seconds since 1970; 0: by the clock of packets */
};

/* A copy of the octets with the number of its place in a session, which grows by what the message
 * takes, and with its time. Into room for its length, or free with g_free. */
void message_number(const struct message *message, const struct encoder_ops *form,
		    guint32 *sequence, const struct message_time *time, guint8 *octets);
guint8 *message_numbered(const struct message *message, const struct encoder_ops *form,
			 guint32 *sequence, const struct message_time *time);

#endif
