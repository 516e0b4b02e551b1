/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything in memory is older than what can still be read from the spool: once something had to
 * go there, all goes there until it has been read. */
#include "export/outbox.h"

/* What is read from the spool at a time. */
#define READ_OCTETS (1u << 20)

struct line {
	GQueue messages; /* of struct message */
	guint64 octets;
};

struct outbox {
	guint64 queue_octets;
	bool keeping;
	struct spool *spool; /* or NULL */
	struct line waiting;
	struct line kept;
	guint64 again; /* of those that wait: were handed over before */
	guint64 progress;
	struct export_counts counts;
};

static void push_tail(struct line *line, struct message *message)
{
	g_queue_push_tail(&line->messages, message);
	line->octets += message->length;
}

static void push_head(struct line *line, struct message *message)
{
	g_queue_push_head(&line->messages, message);
	line->octets += message->length;
}

static struct message *pop_head(struct line *line)
{
	struct message *message = g_queue_pop_head(&line->messages);

	if (message)
		line->octets -= message->length;
	return message;
}

static struct message *pop_tail(struct line *line)
{
	struct message *message = g_queue_pop_tail(&line->messages);

	if (message)
		line->octets -= message->length;
	return message;
}

struct outbox *outbox_new(guint64 queue_octets, bool keeping, struct spool *spool)
{
	struct outbox *outbox = g_new0(struct outbox, 1);

	outbox->queue_octets = queue_octets;
	outbox->keeping = keeping;
	outbox->spool = spool;
	return outbox;
}

static void clear(struct line *line)
{
	struct message *message;

	while ((message = pop_head(line)))
		message_unref(message);
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	clear(&outbox->waiting);
	clear(&outbox->kept);
	spool_free(outbox->spool);
	g_free(outbox);
}

struct export_counts *outbox_counts(struct outbox *outbox)
{
	return &outbox->counts;
}

static bool has_room(const struct outbox *outbox, const struct message *message)
{
	if (outbox->spool && spool_unread(outbox->spool) > 0)
		return false;
	return outbox->waiting.octets == 0 ||
	       outbox->waiting.octets + message->length <= outbox->queue_octets;
}

void outbox_limit(struct outbox *outbox, guint64 queue_octets)
{
	outbox->queue_octets = queue_octets;
}

bool outbox_put(struct outbox *outbox, struct message *message)
{
	if (has_room(outbox, message)) {
		push_tail(&outbox->waiting, message_ref(message));
		return true;
	}
	if (!outbox->spool || !spool_write(outbox->spool, message))
		return false;
	counts_spooled(&outbox->counts, message);
	return true;
}

void outbox_take_spool(struct outbox *outbox, struct spool *spool)
{
	struct line newer = outbox->waiting;
	struct message *message;

	outbox->waiting = (struct line){ .messages = G_QUEUE_INIT };
	outbox->spool = spool;
	while ((message = pop_head(&newer))) {
		if (!outbox_put(outbox, message))
			counts_overflow(&outbox->counts, &message->flows);
		message_unref(message);
	}
}

void outbox_close_spool(struct outbox *outbox)
{
	g_clear_pointer(&outbox->spool, spool_free);
}

bool outbox_is_empty(const struct outbox *outbox)
{
	return outbox->waiting.octets == 0 && (!outbox->spool || spool_unread(outbox->spool) == 0);
}

bool outbox_is_filling(const struct outbox *outbox)
{
	return outbox->waiting.octets >= outbox->queue_octets / 2;
}

guint64 outbox_octets(const struct outbox *outbox)
{
	return outbox->waiting.octets;
}

bool outbox_is_confirmed(const struct outbox *outbox)
{
	return outbox->kept.octets == 0;
}

static void read_spool(struct outbox *outbox)
{
	struct message *message;

	while (outbox->waiting.octets < READ_OCTETS && (message = spool_read(outbox->spool))) {
		counts_unspooled(&outbox->counts, message);
		push_tail(&outbox->waiting, message);
	}
}

guint outbox_take(struct outbox *outbox, struct message **messages, guint most)
{
	guint count = 0;

	if (outbox->waiting.octets == 0 && outbox->spool)
		read_spool(outbox);
	while (count < most && (messages[count] = pop_head(&outbox->waiting)))
		count++;
	return count;
}

void outbox_settle(struct outbox *outbox, struct message *const *messages, guint count, guint sent)
{
	const guint again = (guint)MIN(outbox->again, sent);

	for (guint i = count; i > sent; i--)
		push_head(&outbox->waiting, messages[i - 1]);
	for (guint i = 0; i < sent; i++) {
		counts_sent(&outbox->counts, messages[i]);
		if (outbox->keeping)
			push_tail(&outbox->kept, messages[i]);
		else
			message_unref(messages[i]);
	}
	outbox->again -= again;
	outbox->progress += sent - again;
}

guint64 outbox_progress(struct outbox *outbox)
{
	guint64 progress = outbox->progress;

	outbox->progress = 0;
	return progress;
}

void outbox_confirm(struct outbox *outbox, guint64 kept_octets)
{
	struct message *last = NULL; /* that came out of the spool */

	while (outbox->kept.octets > kept_octets) {
		const struct message *first = g_queue_peek_head(&outbox->kept.messages);
		struct message *message;

		/* Part of it may not have arrived. */
		if (outbox->kept.octets - first->length < kept_octets)
			break;
		message = pop_head(&outbox->kept);
		if (message->spool_file == 0) {
			message_unref(message);
			continue;
		}
		if (last)
			message_unref(last);
		last = message;
	}
	if (!last)
		return;
	spool_confirm(outbox->spool, last);
	message_unref(last);
}

void outbox_take_back(struct outbox *outbox)
{
	struct message *message;

	while ((message = pop_tail(&outbox->kept))) {
		counts_unsent(&outbox->counts, message);
		outbox->counts.repeated += message_flow_records(message);
		outbox->again++;
		push_head(&outbox->waiting, message);
	}
}

/* Of those behind it in memory, the first that came out of the spool has this file. */
static guint64 file_behind(const struct outbox *outbox, const GList *link)
{
	for (; link; link = link->next) {
		const struct message *message = link->data;

		if (message->spool_file != 0)
			return message->spool_file;
	}
	return spool_next_file(outbox->spool);
}

static bool spool_rest(struct outbox *outbox, const GList *link, guint64 *before)
{
	const struct message *message = link->data;

	if (!outbox->spool)
		return false;
	if (message->spool_file != 0) {
		*before = G_MAXUINT64;
	} else {
		if (*before == G_MAXUINT64)
			*before = file_behind(outbox, link);
		if (!spool_insert(outbox->spool, message, *before))
			return false;
	}
	counts_spooled(&outbox->counts, message);
	return true;
}

guint64 outbox_end(struct outbox *outbox, bool arrived)
{
	guint64 lost = 0;
	guint64 before = G_MAXUINT64; /* not known yet */
	struct message *message;

	if (arrived)
		outbox_confirm(outbox, 0);
	while ((message = pop_tail(&outbox->kept))) {
		counts_unsent(&outbox->counts, message);
		push_head(&outbox->waiting, message);
	}
	for (const GList *link = outbox->waiting.messages.head; link; link = link->next) {
		message = link->data;
		if (spool_rest(outbox, link, &before))
			continue;
		counts_failed(&outbox->counts, &message->flows);
		lost += message->flows.flows;
	}
	clear(&outbox->waiting);
	return lost;
}

guint64 outbox_spooled(const struct outbox *outbox)
{
	return outbox->counts.spooled_flows;
}

static void unref_message(gpointer message)
{
	message_unref(message);
}

GPtrArray *outbox_steal(struct outbox *outbox)
{
	GPtrArray *stolen = g_ptr_array_new_with_free_func(unref_message);
	struct message *message;

	while (!outbox->spool && (message = pop_head(&outbox->waiting)))
		g_ptr_array_add(stolen, message);
	outbox->again = 0;
	return stolen;
}
