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

#endif
