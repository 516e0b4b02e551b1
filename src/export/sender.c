/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages pass through two queues:
 *
 *	sender_put ──► waiting ──► (handed to the transport) ──► kept ──► forgotten
 *
 * Over a stream, what was handed over may still be lost with the connection: the last octets of it
 * are kept, and sent again when the connection broke. When the collector closed it in order with
 * nothing on the way, it has read everything, and nothing is sent again. */
#include "export/sender.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"

/* Messages to hand over at a time. */
#define BATCH	       64
/* What a collector's kernel may have taken without its process having read it. */
#define KEPT_OCTETS    (4u << 20)
#define RETRY_FIRST_MS 250
#define RETRY_MOST_MS  30000
#define LOOK_MS	       1000
/* A pace is kept by bursts of a hundredth of a second at most. */
#define PACE_BURSTS    100
#define PACE_REST_US   1000
/* Who waits for room gives up hope when there was no connection for so long. */
#define HOPE_US	       (30 * G_USEC_PER_SEC)

struct sender {
	struct sender_options options;
	char *url;
	struct transport *transport;
	GPtrArray *introduction; /* of struct message */
	GThread *thread;
	GCancellable *stop;

	GMutex mutex; /* over what follows */
	GCond changed;
	GQueue waiting; /* of struct message */
	guint64 waiting_octets;
	guint handing; /* messages the thread has in hand */
	bool finishing;
	bool over; /* the thread has ended */
	bool connected;
	gint64 lost_us; /* since when there is no connection */
	struct export_counts counts;
	struct export_counts given; /* records and messages, with what begins sessions */
	struct export_counts told;  /* a copy for who asks */

	/* The thread's own. */
	GQueue kept; /* of struct message */
	guint64 kept_octets;
	guint32 sequence; /* of the session */
	guint since_refresh;
	gint64 refreshed_us;
	bool introduced;
	bool begun; /* introduced once: that was counted before */
	bool complained;
	gint64 paced_us;
	guint64 owed; /* millionths of messages that may go */
	guint retry_ms;
	GError *error; /* the last of connecting or sending */
};

/* --- the account --- */

static void count_out(struct export_counts *counts, const struct message *message)
{
	counts->flows += message->flows.flows;
	counts->packets += message->flows.packets;
	counts->octets += message->flows.octets;
	counts->records += message_flow_records(message);
}

static void count_lost(struct sender *sender, const struct tally *lost)
{
	sender->counts.failed_flows += lost->flows;
	sender->counts.failed_packets += lost->packets;
	sender->counts.failed_octets += lost->octets;
}

static void count_overflow(struct sender *sender, const struct tally *lost)
{
	sender->counts.overflow_flows += lost->flows;
	sender->counts.overflow_packets += lost->packets;
	sender->counts.overflow_octets += lost->octets;
}

/* What was counted as out is not, after all. */
static void count_back(struct sender *sender, const struct message *message)
{
	sender->counts.flows -= message->flows.flows;
	sender->counts.packets -= message->flows.packets;
	sender->counts.octets -= message->flows.octets;
	sender->counts.records -= message_flow_records(message);
	count_lost(sender, &message->flows);
}

/* What a message will have before it when it is given now: nothing overtakes. */
struct export_counts sender_given(struct sender *sender)
{
	struct export_counts given;

	g_mutex_lock(&sender->mutex);
	given = sender->counts;
	given.records = sender->given.records;
	given.messages = sender->given.messages;
	given.message_octets = sender->given.message_octets;
	g_mutex_unlock(&sender->mutex);
	return given;
}

static void count_given(struct sender *sender, const struct message *message)
{
	sender->given.records += message_flow_records(message);
	sender->given.messages++;
	sender->given.message_octets += message->length;
}

static void count_introduction(struct sender *sender)
{
	g_mutex_lock(&sender->mutex);
	for (guint i = 0; i < sender->introduction->len; i++)
		count_given(sender, g_ptr_array_index(sender->introduction, i));
	g_mutex_unlock(&sender->mutex);
}

void sender_count_untold(struct sender *sender, const struct tally *untold)
{
	g_mutex_lock(&sender->mutex);
	sender->counts.untold_flows += untold->flows;
	sender->counts.untold_packets += untold->packets;
	sender->counts.untold_octets += untold->octets;
	g_mutex_unlock(&sender->mutex);
}

void sender_count_failed(struct sender *sender, const struct tally *failed)
{
	g_mutex_lock(&sender->mutex);
	count_lost(sender, failed);
	g_mutex_unlock(&sender->mutex);
}

const struct export_counts *sender_counts(struct sender *sender)
{
	g_mutex_lock(&sender->mutex);
	sender->told = sender->counts;
	g_mutex_unlock(&sender->mutex);
	return &sender->told;
}

/* --- what was handed over --- */

static void forget_kept(struct sender *sender)
{
	struct message *message;

	while ((message = g_queue_pop_head(&sender->kept)))
		message_unref(message);
	sender->kept_octets = 0;
}

static void keep(struct sender *sender, struct message *message)
{
	if (sender->options.transport->datagrams) {
		message_unref(message);
		return;
	}
	g_queue_push_tail(&sender->kept, message);
	sender->kept_octets += message->length;
	while (sender->kept_octets > KEPT_OCTETS && sender->kept.length > 1) {
		struct message *oldest = g_queue_pop_head(&sender->kept);

		sender->kept_octets -= oldest->length;
		message_unref(oldest);
	}
}

/* The connection broke: what may not have arrived waits again, before the rest. */
static void take_back_kept(struct sender *sender)
{
	struct message *message;

	g_mutex_lock(&sender->mutex);
	while ((message = g_queue_pop_tail(&sender->kept))) {
		sender->counts.flows -= message->flows.flows;
		sender->counts.packets -= message->flows.packets;
		sender->counts.octets -= message->flows.octets;
		sender->counts.records -= message_flow_records(message);
		sender->counts.repeated += message_flow_records(message);
		sender->waiting_octets += message->length;
		g_queue_push_head(&sender->waiting, message);
	}
	g_mutex_unlock(&sender->mutex);
	sender->kept_octets = 0;
}

/* --- sessions --- */

static void note_error(struct sender *sender, GError *error)
{
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		g_error_free(error); /* our own doing */
		return;
	}
	if (!sender->complained)
		log_line("destination \"%s\": %s; trying again", sender->url, error->message);
	sender->complained = true;
	g_clear_error(&sender->error);
	sender->error = error;
}

static void lose_connection(struct sender *sender, bool clean)
{
	sender->options.transport->disconnect(sender->transport);
	if (clean)
		forget_kept(sender);
	else
		take_back_kept(sender);
	g_mutex_lock(&sender->mutex);
	sender->connected = false;
	sender->lost_us = g_get_monotonic_time();
	g_mutex_unlock(&sender->mutex);
}

/* Waits for a change of the queue, or so long. */
static void rest(struct sender *sender, guint wait_ms)
{
	gint64 until = g_get_monotonic_time() + (gint64)wait_ms * 1000;

	g_mutex_lock(&sender->mutex);
	if (!sender->finishing)
		g_cond_wait_until(&sender->changed, &sender->mutex, until);
	g_mutex_unlock(&sender->mutex);
}

/* Not woken by messages: there is no use in trying sooner. */
static void rest_unconnected(struct sender *sender)
{
	gint64 until = g_get_monotonic_time() + (gint64)sender->retry_ms * 1000;

	g_mutex_lock(&sender->mutex);
	while (!g_cancellable_is_cancelled(sender->stop) &&
	       g_cond_wait_until(&sender->changed, &sender->mutex, until))
		;
	g_mutex_unlock(&sender->mutex);
	sender->retry_ms = MIN(sender->retry_ms * 2, RETRY_MOST_MS);
}

static bool have_connection(struct sender *sender)
{
	GError *error = NULL;

	if (sender->connected)
		return true;
	if (!sender->options.transport->connect(sender->transport, sender->stop, &error)) {
		note_error(sender, error);
		rest_unconnected(sender);
		return false;
	}
	if (sender->complained)
		log_line("destination \"%s\": reached again", sender->url);
	sender->complained = false;
	sender->retry_ms = RETRY_FIRST_MS;
	if (sender->options.transport->sessions)
		sender->sequence = 0;
	sender->introduced = false;
	g_mutex_lock(&sender->mutex);
	sender->connected = true;
	g_cond_broadcast(&sender->changed);
	g_mutex_unlock(&sender->mutex);
	return true;
}

/* --- sending --- */

/* The message with its place in the session; octets are the caller's to free. */
static struct transport_octets numbered(struct sender *sender, const struct message *message,
					const guint8 *time_from)
{
	const struct encoder_ops *form = sender->options.form;
	guint8 *octets = g_memdup2(message->octets, message->length);

	if (form->sequence != ENCODER_NO_SEQUENCE)
		store_be32(octets + form->sequence_at, sender->sequence);
	sender->sequence +=
		form->sequence == ENCODER_COUNTS_RECORDS ? (guint32)message->records : 1;
	if (time_from && form->time_at)
		memcpy(octets + form->time_at, time_from + form->time_at, 4);
	return (struct transport_octets){ octets, message->length };
}

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

/* first: the message that follows, whose time the introduction takes. */
static bool introduce(struct sender *sender, const struct message *first, GError **error)
{
	if (!refresh_due(sender))
		return true;
	for (guint i = 0; i < sender->introduction->len; i++) {
		struct transport_octets one =
			numbered(sender, g_ptr_array_index(sender->introduction, i),
				 first ? first->octets : NULL);
		guint sent;
		bool good = sender->options.transport->send(sender->transport, &one, 1,
							    sender->stop, &sent, error);

		g_free((guint8 *)one.octets);
		if (!good)
			return false;
	}
	if (sender->begun)
		count_introduction(sender);
	sender->begun = true;
	sender->introduced = true;
	sender->since_refresh = 0;
	sender->refreshed_us = g_get_monotonic_time();
	return true;
}

/* How many messages may go now: what has not been used for a moment is gone. */
static guint allowance(struct sender *sender)
{
	gint64 now = g_get_monotonic_time();
	guint64 pace = sender->options.pace;
	guint64 most = MAX(pace / PACE_BURSTS, 1);

	if (pace == 0)
		return BATCH;
	sender->owed += (guint64)(now - sender->paced_us) * pace;
	sender->owed = MIN(sender->owed, most * G_USEC_PER_SEC);
	sender->paced_us = now;
	return (guint)MIN(sender->owed / G_USEC_PER_SEC, BATCH);
}

static guint take_waiting(struct sender *sender, struct message *messages[BATCH], guint most)
{
	guint count = 0;

	g_mutex_lock(&sender->mutex);
	while (count < most && sender->waiting.length > 0) {
		messages[count] = g_queue_pop_head(&sender->waiting);
		sender->waiting_octets -= messages[count]->length;
		count++;
	}
	sender->handing = count;
	g_cond_broadcast(&sender->changed);
	g_mutex_unlock(&sender->mutex);
	return count;
}

/* Those that were not sent wait again, in their order. */
static void settle_sent(struct sender *sender, struct message *messages[BATCH], guint count,
			guint sent)
{
	g_mutex_lock(&sender->mutex);
	for (guint i = 0; i < sent; i++)
		count_out(&sender->counts, messages[i]);
	for (guint i = count; i > sent; i--) {
		sender->waiting_octets += messages[i - 1]->length;
		g_queue_push_head(&sender->waiting, messages[i - 1]);
	}
	sender->handing = 0;
	g_cond_broadcast(&sender->changed);
	g_mutex_unlock(&sender->mutex);
	for (guint i = 0; i < sent; i++)
		keep(sender, messages[i]);
}

static bool send_messages(struct sender *sender, struct message *messages[BATCH], guint count,
			  GError **error)
{
	struct transport_octets octets[BATCH];
	guint sent = 0;
	bool good = introduce(sender, messages[0], error);
	guint32 sequence = sender->sequence;

	if (good) {
		for (guint i = 0; i < count; i++)
			octets[i] = numbered(sender, messages[i], NULL);
		good = sender->options.transport->send(sender->transport, octets, count,
						       sender->stop, &sent, error);
		for (guint i = 0; i < count; i++)
			g_free((guint8 *)octets[i].octets);
	}
	if (sent < count) {
		sender->sequence = sequence;
		for (guint i = 0; i < sent; i++)
			sender->sequence += sender->options.form->sequence == ENCODER_COUNTS_RECORDS
						    ? (guint32)messages[i]->records
						    : 1;
	}
	sender->since_refresh += sent;
	settle_sent(sender, messages, count, sent);
	return good;
}

/* Looks whether the collector is still there; what it closed in order it has read. */
static bool is_alive(struct sender *sender)
{
	if (!sender->connected || sender->options.transport->is_alive(sender->transport))
		return true;
	lose_connection(sender, sender->options.transport->unconfirmed(sender->transport) == 0);
	return false;
}

static void work(struct sender *sender)
{
	struct message *messages[BATCH];
	GError *error = NULL;
	guint count;
	guint most;

	if (!is_alive(sender) || !have_connection(sender))
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
		rest(sender, LOOK_MS);
		return;
	}
	if (send_messages(sender, messages, count, &error))
		return;
	note_error(sender, error);
	lose_connection(sender, false);
	if (sender->options.transport->datagrams)
		rest_unconnected(sender);
}

/* Everything given was handed over, and nothing of it is on its way. */
static bool is_done(struct sender *sender)
{
	bool done;

	g_mutex_lock(&sender->mutex);
	done = sender->finishing && sender->waiting.length == 0;
	g_mutex_unlock(&sender->mutex);
	return done && (sender->kept.length == 0 ||
			sender->options.transport->unconfirmed(sender->transport) == 0);
}

/* What did not arrive, as far as is known, when there is no more time. */
static void give_up_rest(struct sender *sender, bool arrived)
{
	struct message *message;

	g_mutex_lock(&sender->mutex);
	while ((message = g_queue_pop_head(&sender->kept))) {
		if (!arrived)
			count_back(sender, message);
		message_unref(message);
	}
	while ((message = g_queue_pop_head(&sender->waiting))) {
		count_lost(sender, &message->flows);
		message_unref(message);
	}
	sender->waiting_octets = 0;
	sender->over = true;
	g_cond_broadcast(&sender->changed);
	g_mutex_unlock(&sender->mutex);
}

static gpointer sender_main(gpointer data)
{
	struct sender *sender = data;
	bool done = false;

	while (!g_cancellable_is_cancelled(sender->stop)) {
		done = is_done(sender);
		if (done)
			break;
		work(sender);
	}
	/* A session without flows is well-formed. */
	if (done && sender->connected && !sender->introduced)
		introduce(sender, NULL, NULL);
	give_up_rest(sender, done);
	sender->options.transport->disconnect(sender->transport);
	return NULL;
}

/* --- for who gives --- */

static bool has_hope(const struct sender *sender)
{
	return sender->connected || g_get_monotonic_time() - sender->lost_us < HOPE_US;
}

static bool has_room(struct sender *sender, const struct message *message)
{
	return sender->waiting.length == 0 ||
	       sender->waiting_octets + message->length <= sender->options.queue_octets;
}

void sender_put(struct sender *sender, struct message *message)
{
	g_mutex_lock(&sender->mutex);
	while (sender->options.patient && !sender->over && !has_room(sender, message) &&
	       has_hope(sender))
		g_cond_wait_until(&sender->changed, &sender->mutex,
				  g_get_monotonic_time() + LOOK_MS * 1000);
	if (sender->over) {
		count_lost(sender, &message->flows);
	} else if (!has_room(sender, message)) {
		count_overflow(sender, &message->flows);
	} else {
		g_queue_push_tail(&sender->waiting, message_ref(message));
		sender->waiting_octets += message->length;
		count_given(sender, message);
		g_cond_broadcast(&sender->changed);
	}
	g_mutex_unlock(&sender->mutex);
}

void sender_flush(struct sender *sender, guint wait_ms)
{
	gint64 until = g_get_monotonic_time() + (gint64)wait_ms * 1000;

	g_mutex_lock(&sender->mutex);
	while (sender->connected && (sender->waiting.length > 0 || sender->handing > 0)) {
		if (!g_cond_wait_until(&sender->changed, &sender->mutex, until))
			break;
	}
	g_mutex_unlock(&sender->mutex);
}

/* The error of what did not arrive; false. */
static bool tell_loss(struct sender *sender, guint64 flows, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "destination \"%s\": %s; %" G_GUINT64_FORMAT " flows did not get there",
		    sender->url, sender->error ? sender->error->message : "it took too long",
		    flows);
	return false;
}

bool sender_finish(struct sender *sender, GError **error)
{
	gint64 until = g_get_monotonic_time() + sender->options.linger_s * G_USEC_PER_SEC;
	guint64 lost;

	if (!sender->thread)
		return true;
	g_mutex_lock(&sender->mutex);
	lost = sender->counts.failed_flows;
	sender->finishing = true;
	g_cond_broadcast(&sender->changed);
	while (!sender->over && g_cond_wait_until(&sender->changed, &sender->mutex, until))
		;
	g_mutex_unlock(&sender->mutex);
	g_cancellable_cancel(sender->stop);
	g_mutex_lock(&sender->mutex);
	g_cond_broadcast(&sender->changed);
	g_mutex_unlock(&sender->mutex);
	g_thread_join(g_steal_pointer(&sender->thread));
	lost = sender->counts.failed_flows - lost;
	return lost == 0 || tell_loss(sender, lost, error);
}

static void unref_message(gpointer message)
{
	message_unref(message);
}

struct sender *sender_new(const struct sender_options *options, const GPtrArray *introduction,
			  GError **error)
{
	struct transport *transport = options->transport->open(&options->place, error);
	struct sender *sender;

	if (!transport) {
		g_prefix_error(error, "destination \"%s\": ", options->url);
		return NULL;
	}
	sender = g_new0(struct sender, 1);
	sender->options = *options;
	sender->url = g_strdup(options->url);
	sender->counts.url = sender->url;
	sender->transport = transport;
	sender->introduction = g_ptr_array_new_with_free_func(unref_message);
	for (guint i = 0; i < introduction->len; i++)
		g_ptr_array_add(sender->introduction,
				message_ref(g_ptr_array_index(introduction, i)));
	sender->stop = g_cancellable_new();
	g_mutex_init(&sender->mutex);
	g_cond_init(&sender->changed);
	sender->retry_ms = RETRY_FIRST_MS;
	sender->lost_us = g_get_monotonic_time();
	count_introduction(sender); /* it goes before whatever is given */
	sender->thread = g_thread_new("sender", sender_main, sender);
	return sender;
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	sender->options.linger_s = 0;
	sender_finish(sender, NULL);
	sender->options.transport->free(sender->transport);
	g_ptr_array_unref(sender->introduction);
	g_object_unref(sender->stop);
	g_mutex_clear(&sender->mutex);
	g_cond_clear(&sender->changed);
	g_clear_error(&sender->error);
	g_free(sender->url);
	g_free(sender);
}
