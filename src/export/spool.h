/* SPDX-License-Identifier: BSD-2-Clause */
/* What a collector could not take yet, on disk, in order: whole IPFIX files (RFC 5655), or lines of
 * JSON, that any reader of such files understands, each with an index beside it.
 *
 * What is promised:
 * - Order. What is in the spool is sent before anything newer.
 * - No duplicates after a clean point: when the collector closed the session in order, or a run
 *   ended and had its acknowledgement, what was sent is never sent again.
 * - Else what was handed over and may not have been read is sent again: no more than the octets the
 *   collector's system had not acknowledged, and beyond these what its process may not have read
 *   (transport unread_most: 4 to 64 MiB, as wide as the window it offers). That holds for a broken
 *   connection and for a weir that was killed: how far the collector has confirmed is kept on disk.
 * - No loss of what is in the spool, whether weir ends or is killed; it is handed to the system
 *   message by message, but not forced to the disk, so a power cut may take the last seconds.
 * - A weir that is killed loses what is only in its memory: messages in the queue (queue=) and
 * those handed over but unconfirmed that did not come from the spool. One that ends puts them in.
 * - The limit holds at all times; what does not fit is counted as overflow, at the end as failed.
 */
#ifndef WEIR_EXPORT_SPOOL_H
#define WEIR_EXPORT_SPOOL_H

#include "export/message.h"

struct spool;

struct spool_options {
	const char *folder;
	const char *collector; /* whose messages these are: a name that later runs give again */
	const char *url;       /* for errors */
	const struct encoder_ops *form;
	const GPtrArray *introduction; /* of struct message; outlives the spool */
	guint64 size;		       /* octets of messages on disk, at most */
};

/* Takes up what an earlier run left; fails, with WEIR_ERROR_BUSY, while another uses it. */
struct spool *spool_open(const struct spool_options *options, GError **error);
/* What is in it stays. */
void spool_free(struct spool *spool);

/* Messages that can be read. */
guint64 spool_unread(const struct spool *spool);
/* Behind all others. False: there is no room, or the disk does not take it, which is said once. */
bool spool_write(struct spool *spool, const struct message *message);
/* The next one, which stays in the spool until it is confirmed; NULL: there is none. */
struct message *spool_read(struct spool *spool);
/* This one and all that were read before it have arrived. */
void spool_confirm(struct spool *spool, const struct message *message);
/* The number of the file that is read next; 0: there is none. */
guint64 spool_next_file(const struct spool *spool);
/* At the end of a run, for a message that never was in the spool: puts it before the file of this
 * number, behind others put there; 0: behind all. */
bool spool_insert(struct spool *spool, const struct message *message, guint64 before);

#endif
