/* SPDX-License-Identifier: BSD-2-Clause */
/* Over a stream, what was handed over may still be lost with the connection: as much as the
 * collector may not have read is kept, and sent again when the connection broke. When the collector
 * closed it in order, it has read everything, and nothing is sent again; so at the end weir closes
 * its side and waits for the collector to do the same. */
#include "base/error.h"
#include "base/log.h"
#include "export/sender_parts.h"

/* Messages to hand over at a time. */
#define BATCH	      64
#define RETRY_MOST_MS 30000
/* While something is on its way at the end, and for a refusal of a datagram to come back. */
#define LOOK_SOON_MS  10
#define NAP_US	      1000
#define REFUSAL_MS    100
/* A pace is kept by bursts of a hundredth of a second at most, and no longer than a common socket
 * (208 KiB) has room for while its reader is not running; but two rests may be made up for. */
#define PACE_BURSTS   100
#define PACE_BURST    32
#define PACE_RESTS    500
#define PACE_REST_US  1000
/* Whether the spool is free. */
#define SPOOL_LOOK_MS 20

/* --- the spool of another --- */

/* False: the other one has it still. */
static bool try_to_inherit(struct sender *sender)
{
	const bool last = g_cancellable_is_cancelled(sender->stop);
	g_autoptr(GError) error = NULL;
	struct spool *spool = sender_open_spool(sender, &error);

	if (!spool && !last && g_error_matches(error, WEIR_ERROR, WEIR_ERROR_BUSY))
		return false;
	if (!spool)
		log_line("%s; it has none now", error->message);
	g_mutex_lock(&sender->mutex);
	outbox_limit(sender->outbox, sender->options.queue_octets);
	if (spool)
		outbox_take_spool(sender->outbox, spool);
	sender->inherits = false;
	g_mutex_unlock(&sender->mutex);
	return true;
}

/* What is in the spool goes first, so nothing is sent before. */
static void inherit(struct sender *sender)
{
	while (sender->inherits && !try_to_inherit(sender)) {
		const gint64 until = g_get_monotonic_time() + SPOOL_LOOK_MS * 1000;

		g_mutex_lock(&sender->mutex);
		while (!g_cancellable_is_cancelled(sender->stop) && sender_await(sender, until))
			;
		g_mutex_unlock(&sender->mutex);
	}
}

/* --- sessions --- */

static void note_error(struct sender *sender, GError *error)
{
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		g_error_free(error); /* our own doing */
		return;
	}
	/* Where the first attempt decides, whoever waits for it says how it ended. */
	if (!sender->complained && (sender->tried || !sender->options.strict))
		log_about(LOG_LEVEL_WARNING, "destination", sender->url,
			  "destination \"%s\": %s; trying again", sender->url, error->message);
	sender->complained = true;
	g_mutex_lock(&sender->mutex);
	g_clear_error(&sender->error);
	sender->error = error;
	sender->tried = true;
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
}

static void lose_connection(struct sender *sender, bool clean)
{
	sender->options.transport->disconnect(sender->transport);
	g_mutex_lock(&sender->mutex);
	if (clean)
		outbox_confirm(sender->outbox, 0);
	else
		outbox_take_back(sender->outbox);
	sender->connected = false;
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
	sender->ending = false;
}

/* Waits for something to hand over, or so long. */
static void rest(struct sender *sender, guint wait_ms)
{
	gint64 until = g_get_monotonic_time() + (gint64)wait_ms * 1000;

	g_mutex_lock(&sender->mutex);
	while (outbox_is_empty(sender->outbox) && !g_cancellable_is_cancelled(sender->stop) &&
	       (!sender->finishing || wait_ms < SENDER_LOOK_MS) && sender_await(sender, until))
		;
	g_mutex_unlock(&sender->mutex);
}

/* Where there was something, more will come: after a moment there is a batch of it, and to be woken
 * for each message would take longer than to send it. */
static void nap(struct sender *sender)
{
	g_mutex_lock(&sender->mutex);
	if (outbox_is_empty(sender->outbox) && !sender->finishing) {
		sender->napping = true;
		sender_await(sender, g_get_monotonic_time() + NAP_US);
		sender->napping = false;
	}
	g_mutex_unlock(&sender->mutex);
}

/* Not woken by messages: there is no use in trying sooner. The end is a reason to try once more,
 * or to see that there is nothing to try for. */
static void rest_unconnected(struct sender *sender)
{
	gint64 now = g_get_monotonic_time();
	bool finishing;

	g_mutex_lock(&sender->mutex);
	finishing = sender->finishing;
	if (finishing)
		sender->retry_ms = SENDER_RETRY_FIRST_MS;
	while (!g_cancellable_is_cancelled(sender->stop) && sender->finishing == finishing &&
	       sender_await(sender, now + (gint64)sender->retry_ms * 1000))
		;
	g_mutex_unlock(&sender->mutex);
	sender->retry_ms = MIN(sender->retry_ms * 2, RETRY_MOST_MS);
}

static void set_connected(struct sender *sender)
{
	if (sender->complained)
		log_about(LOG_LEVEL_INFO, "destination", sender->url,
			  "destination \"%s\": reached again", sender->url);
	else
		log_debug("destination \"%s\": reached", sender->url);
	sender->complained = false;
	g_mutex_lock(&sender->mutex);
	sender->tried = true;
	sender->connected = true;
	sender->connects++;
	g_clear_error(&sender->error);
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
}

static guint32 now_s(const struct sender *sender)
{
	return sender->options.clock_ns ? (guint32)(sender->options.clock_ns() / FLOW_SECOND_NS)
					: 0;
}

/* first: the message that follows, whose time the introduction takes. */
static bool introduce(struct sender *sender, const struct message *first, GError **error)
{
	const struct message_time time = { .as = first, .now_s = now_s(sender) };

	for (guint i = 0; i < sender->introduction->len; i++) {
		const struct message *message = g_ptr_array_index(sender->introduction, i);
		g_autofree guint8 *octets =
			message_numbered(message, sender->options.form, &sender->sequence, &time);
		const struct transport_octets one = { octets, message->length };
		struct transport_batch batch = { .messages = &one, .count = 1 };

		if (!sender->options.transport->send(sender->transport, &batch, sender->stop,
						     error))
			return false;
	}
	if (sender->begun)
		sender_count_introduction(sender);
	sender->begun = true;
	sender->introduced = true;
	sender->since_refresh = 0;
	sender->refreshed_us = g_get_monotonic_time();
	return true;
}

/* Where nothing but a refusal comes back, one that did refuse is asked with what may be lost. */
static bool takes_datagrams(struct sender *sender, GError **error)
{
	if (sender->options.transport->sessions || !sender->complained ||
	    sender->introduction->len == 0)
		return true;
	if (!introduce(sender, NULL, error))
		return false;
	g_mutex_lock(&sender->mutex);
	if (!sender->finishing)
		sender_await(sender, g_get_monotonic_time() + REFUSAL_MS * 1000);
	g_mutex_unlock(&sender->mutex);
	if (sender->options.transport->is_alive(sender->transport))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "it refuses what is sent");
	return false;
}

static bool have_connection(struct sender *sender)
{
	GError *error = NULL;

	if (sender->connected)
		return true;
	if (sender->options.transport->sessions)
		sender->sequence = 0;
	sender->introduced = false;
	if (sender->options.transport->connect(sender->transport, sender->stop, &error) &&
	    takes_datagrams(sender, &error)) {
		set_connected(sender);
		return true;
	}
	sender->options.transport->disconnect(sender->transport);
	note_error(sender, error);
	rest_unconnected(sender);
	return false;
}

/* Looks whether the collector is still there; what it closed in order it has read. */
static bool is_alive(struct sender *sender)
{
	const struct transport_ops *transport = sender->options.transport;
	bool clean;

	if (!sender->connected || transport->is_alive(sender->transport))
		return true;
	clean = transport->sessions && transport->unconfirmed(sender->transport) == 0;
	if (!clean && !g_cancellable_is_cancelled(sender->stop))
		note_error(sender,
			   g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED,
					       transport->datagrams ? "it refuses what is sent"
								    : "it broke the connection"));
	lose_connection(sender, clean);
	return false;
}

/* --- sending --- */

static bool refresh_due(const struct sender *sender)
{
	const struct sender_options *options = &sender->options;

	if (!sender->introduced)
		return true;
	if (!options->transport->datagrams)
		return false;
	if (options->refresh_messages && sender->since_refresh >= options->refresh_messages)
		return true;
	return options->refresh_s && g_get_monotonic_time() - sender->refreshed_us >=
					     (gint64)options->refresh_s * G_USEC_PER_SEC;
}

/* How many messages may go now: what has not been used for a moment is gone. */
static guint allowance(struct sender *sender)
{
	gint64 now = g_get_monotonic_time();
	guint64 pace = sender->options.pace;
	guint64 most = MAX(MIN(pace / PACE_BURSTS, PACE_BURST), MAX(pace / PACE_RESTS, 1));

	if (pace == 0)
		return BATCH;
	sender->owed += (guint64)(now - sender->paced_us) * pace;
	sender->owed = MIN(sender->owed, most * G_USEC_PER_SEC);
	sender->paced_us = now;
	return (guint)MIN(sender->owed / G_USEC_PER_SEC, BATCH);
}

/* Not more than until the next refresh. */
static guint take_waiting(struct sender *sender, struct message *messages[BATCH], guint most)
{
	const struct sender_options *options = &sender->options;
	guint count;

	if (options->transport->datagrams && options->refresh_messages)
		most = MIN(most, refresh_due(sender)
					 ? options->refresh_messages
					 : options->refresh_messages - sender->since_refresh);
	g_mutex_lock(&sender->mutex);
	count = outbox_take(sender->outbox, messages, most);
	sender->handing = count;
	g_mutex_unlock(&sender->mutex);
	return count;
}

/* What may come back when the connection breaks now. */
static guint64 at_risk(const struct sender *sender)
{
	const struct transport_ops *transport = sender->options.transport;

	return transport->unconfirmed(sender->transport) +
	       (transport->unread_most ? transport->unread_most(sender->transport) : 0);
}

static void settle_sent(struct sender *sender, struct message *messages[BATCH], guint count,
			guint sent)
{
	guint64 kept = at_risk(sender);

	g_mutex_lock(&sender->mutex);
	outbox_settle(sender->outbox, messages, count, sent);
	outbox_confirm(sender->outbox, kept);
	sender->handing = 0;
	if (outbox_progress(sender->outbox) > 0 || outbox_is_empty(sender->outbox)) {
		sender->progress_us = g_get_monotonic_time();
		sender->retry_ms = SENDER_RETRY_FIRST_MS;
	}
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
}

/* Room for a copy of the message behind so many octets of others; NULL: not this time. */
static guint8 *room_for(struct sender *sender, const struct message *message, size_t used)
{
	const size_t size = MAX(SENDER_COPIES, message->length);

	if (used > 0 && used + message->length > sender->copies_size)
		return NULL;
	if (size > sender->copies_size) {
		g_free(sender->copies);
		sender->copies = g_malloc(size);
		sender->copies_size = size;
	}
	return sender->copies + used;
}

/* The first of the messages, as many as get their numbers at a time; adds to sent how many were
 * handed over. */
static bool send_some(struct sender *sender, struct message *const *messages, guint count,
		      guint *sent, GError **error)
{
	struct transport_octets octets[BATCH];
	struct transport_batch batch = { .messages = octets };
	guint32 after[BATCH]; /* the session's number behind each */
	const struct message_time time = { .now_s = now_s(sender) };
	const bool as_it_is = sender->options.form->sequence == ENCODER_NO_SEQUENCE;
	guint32 sequence = sender->sequence;
	size_t used = 0;
	bool good;

	while (batch.count < count) {
		const struct message *message = messages[batch.count];
		guint8 *copy = as_it_is ? NULL : room_for(sender, message, used);

		if (!copy && !as_it_is)
			break;
		if (copy)
			message_number(message, sender->options.form, &sequence, &time, copy);
		octets[batch.count] =
			(struct transport_octets){ copy ? copy : message->octets, message->length };
		after[batch.count++] = sequence;
		used += message->length;
	}
	good = sender->options.transport->send(sender->transport, &batch, sender->stop, error);
	if (batch.sent > 0)
		sender->sequence = after[batch.sent - 1];
	*sent += batch.sent;
	return good;
}

static bool send_messages(struct sender *sender, struct message *messages[BATCH], guint count,
			  GError **error)
{
	bool good = !refresh_due(sender) || introduce(sender, messages[0], error);
	guint sent = 0;

	while (good && sent < count)
		good = send_some(sender, messages + sent, count - sent, &sent, error);
	sender->since_refresh += sent;
	settle_sent(sender, messages, count, sent);
	return good;
}

static void work(struct sender *sender)
{
	struct message *messages[BATCH];
	GError *error = NULL;
	guint count;
	guint most;

	if (!is_alive(sender)) {
		/* Not at once, or one that always breaks it would be all there is to do. */
		rest_unconnected(sender);
		return;
	}
	if (!have_connection(sender))
		return;
	most = allowance(sender);
	if (most == 0) {
		g_usleep(PACE_REST_US);
		return;
	}
	count = take_waiting(sender, messages, most);
	if (sender->options.pace)
		sender->owed -= (guint64)count * G_USEC_PER_SEC;
	if (count == 0) {
		rest(sender, SENDER_LOOK_MS);
		return;
	}
	if (send_messages(sender, messages, count, &error)) {
		nap(sender);
		return;
	}
	note_error(sender, error);
	lose_connection(sender, false);
	rest_unconnected(sender);
}

/* --- the end --- */

/* Everything given was handed over. */
static bool is_handed_over(struct sender *sender)
{
	bool done;

	g_mutex_lock(&sender->mutex);
	done = sender->finishing && outbox_is_empty(sender->outbox);
	g_mutex_unlock(&sender->mutex);
	return done;
}

/* True: the collector has everything, or there is nothing more to find out. */
static bool is_arrived(struct sender *sender)
{
	const struct transport_ops *transport = sender->options.transport;

	if (!sender->connected)
		return outbox_is_confirmed(sender->outbox);
	/* A session without flows is well-formed. */
	if (!sender->introduced && !introduce(sender, NULL, NULL))
		return outbox_is_confirmed(sender->outbox);
	if (!transport->finish)
		return transport->unconfirmed(sender->transport) == 0;
	if (!sender->ending)
		transport->finish(sender->transport);
	sender->ending = true;
	return !is_alive(sender) && is_handed_over(sender);
}

static void end(struct sender *sender, bool arrived)
{
	g_mutex_lock(&sender->mutex);
	sender->lost = outbox_end(sender->outbox, arrived);
	outbox_close_spool(sender->outbox);
	sender->over = true;
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
}

gpointer sender_main(gpointer data)
{
	struct sender *sender = data;
	const struct transport_ops *transport = sender->options.transport;
	bool arrived = false;

	inherit(sender);
	while (!arrived && !g_cancellable_is_cancelled(sender->stop)) {
		if (!is_handed_over(sender)) {
			work(sender);
			continue;
		}
		arrived = is_arrived(sender);
		if (!arrived)
			rest(sender, LOOK_SOON_MS);
	}
	/* The collector did not close, but its system has acknowledged everything. */
	if (!arrived && sender->connected && is_handed_over(sender))
		arrived = transport->unconfirmed(sender->transport) == 0;
	end(sender, arrived);
	transport->disconnect(sender->transport);
	return NULL;
}
