/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages on their way to one collector, in order, and their account:
 *
 *	put ──► [spool ──►] waiting ──► taken ──► kept ──► confirmed
 *
 * What was handed over may still be lost with the connection, so it is kept until it is known to
 * have arrived, or is too long ago. No locks: the owner has one. */
#ifndef WEIR_EXPORT_OUTBOX_H
#define WEIR_EXPORT_OUTBOX_H

#include "export/counts.h"
#include "export/spool.h"

struct outbox;

/* spool: NULL, or the outbox takes it. keeping: what was handed over may come back. */
struct outbox *outbox_new(guint64 queue_octets, bool keeping, struct spool *spool);
void outbox_free(struct outbox *outbox);
/* It has had none, and handed nothing over. Takes the spool: what waits is newer than what is in
 * it. */
void outbox_take_spool(struct outbox *outbox, struct spool *spool);
/* After the end: another can open it. */
void outbox_close_spool(struct outbox *outbox);

struct export_counts *outbox_counts(struct outbox *outbox);

void outbox_limit(struct outbox *outbox, guint64 queue_octets);
/* Takes a reference; false: there is no room. */
bool outbox_put(struct outbox *outbox, struct message *message);
/* Nothing waits to be handed over. */
bool outbox_is_empty(const struct outbox *outbox);
/* Half of the room is taken. */
bool outbox_is_filling(const struct outbox *outbox);
/* That wait in memory. */
guint64 outbox_octets(const struct outbox *outbox);
/* Nothing was handed over that may come back. */
bool outbox_is_confirmed(const struct outbox *outbox);

/* The next ones, the caller's until he settles them. */
guint outbox_take(struct outbox *outbox, struct message **messages, guint most);
/* The first of them were handed over, the others go back. */
void outbox_settle(struct outbox *outbox, struct message *const *messages, guint count, guint sent);
/* How many of those handed over first were never handed over before, since asked last. */
guint64 outbox_progress(struct outbox *outbox);

/* So many octets of what was handed over last may come back; the rest has arrived. */
void outbox_confirm(struct outbox *outbox, guint64 kept_octets);
/* The connection broke: what is kept waits again, before the rest. */
void outbox_take_back(struct outbox *outbox);
/* No more will be handed over: what waits goes into the spool, or is lost. arrived: what is kept
 * is not. Returns the flows that were lost. */
guint64 outbox_end(struct outbox *outbox, bool arrived);
/* Flows that stay in the spool. */
guint64 outbox_spooled(const struct outbox *outbox);

/* Takes everything that waits, in order, for others to send: of struct message, free with
 * g_ptr_array_unref. With a spool nothing, as that is for this collector. */
GPtrArray *outbox_steal(struct outbox *outbox);

#endif
