/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/sender.h"

#include "base/error.h"
#include "base/gio_classes.h"
#include "base/log.h"
#include "export/sender_parts.h"

/* Who waits for room gives up hope after so many times the collector's time-out. */
#define HOPE		 3
/* More than a batch of records ever has. */
#define SHARED_OCTETS	 (4u << 20)
/* For the end in order of a session whose spool another inherits; what may wait for that, beside
 * the queue. */
#define HAND_OVER_S	 5
#define HAND_OVER_OCTETS (64u << 20)

static bool is_reachable(const struct sender *sender)
{
	return sender->connected || !sender->tried;
}

static bool has_hope(const struct sender *sender)
{
	return g_get_monotonic_time() - sender->progress_us <
	       HOPE * (gint64)sender->options.place.timeout_s * G_USEC_PER_SEC;
}

static guint64 more_octets(const struct sender *sender)
{
	if (sender->inherits)
		return HAND_OVER_OCTETS;
	/* What waits for one that is away is about to go to others. */
	return sender->options.shared && !is_reachable(sender) ? SHARED_OCTETS : 0;
}

static bool try_put(struct sender *sender, struct message *message)
{
	const guint64 more = more_octets(sender);

	outbox_limit(sender->outbox, sender->options.queue_octets + more);
	return outbox_put(sender->outbox, message);
}

/* The thread may not have heard yet of what takes the room. */
static void wait_for_room(struct sender *sender)
{
	sender_announce(sender);
	sender_await(sender, g_get_monotonic_time() + SENDER_LOOK_MS * 1000);
}

void sender_put(struct sender *sender, struct message *message)
{
	bool taken = false;

	g_mutex_lock(&sender->mutex);
	if (outbox_is_empty(sender->outbox))
		sender->progress_us = g_get_monotonic_time();
	while (!sender->over && !(taken = try_put(sender, message)) && sender->options.patient &&
	       has_hope(sender))
		wait_for_room(sender);
	if (taken) {
		counts_sent(&sender->given, message);
		if (sender->napping && outbox_is_filling(sender->outbox))
			sender_announce(sender);
	} else if (sender->over) {
		counts_failed(outbox_counts(sender->outbox), &message->flows);
	} else {
		counts_overflow(outbox_counts(sender->outbox), &message->flows);
	}
	g_mutex_unlock(&sender->mutex);
}

void sender_wake(struct sender *sender)
{
	g_mutex_lock(&sender->mutex);
	if (!sender->napping && !outbox_is_empty(sender->outbox))
		sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
}

GPtrArray *sender_steal(struct sender *sender)
{
	GPtrArray *stolen;

	g_mutex_lock(&sender->mutex);
	stolen = outbox_steal(sender->outbox);
	g_mutex_unlock(&sender->mutex);
	return stolen;
}

bool sender_is_healthy(struct sender *sender)
{
	bool healthy;

	g_mutex_lock(&sender->mutex);
	healthy = is_reachable(sender) && !sender->finishing;
	g_mutex_unlock(&sender->mutex);
	return healthy;
}

struct export_state sender_state(struct sender *sender)
{
	struct export_state state;

	g_mutex_lock(&sender->mutex);
	state = (struct export_state){
		.healthy = is_reachable(sender) && !sender->finishing,
		.connects = sender->connects,
		.queued_octets = outbox_octets(sender->outbox),
		.queue_octets = sender->options.queue_octets,
	};
	g_mutex_unlock(&sender->mutex);
	return state;
}

bool sender_reached(struct sender *sender, GError **error)
{
	bool reached;

	g_mutex_lock(&sender->mutex);
	while (!sender->tried)
		sender_await(sender, g_get_monotonic_time() + SENDER_LOOK_MS * 1000);
	reached = !sender->error;
	if (!reached)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "destination \"%s\": %s",
			    sender->url, sender->error->message);
	g_mutex_unlock(&sender->mutex);
	return reached;
}

void sender_count_introduction(struct sender *sender)
{
	g_mutex_lock(&sender->mutex);
	for (guint i = 0; i < sender->introduction->len; i++)
		counts_sent(&sender->given, g_ptr_array_index(sender->introduction, i));
	g_mutex_unlock(&sender->mutex);
}

void sender_count_untold(struct sender *sender, const struct tally *untold)
{
	g_mutex_lock(&sender->mutex);
	counts_untold(outbox_counts(sender->outbox), untold);
	g_mutex_unlock(&sender->mutex);
}

void sender_count_failed(struct sender *sender, const struct tally *failed)
{
	g_mutex_lock(&sender->mutex);
	counts_failed(outbox_counts(sender->outbox), failed);
	g_mutex_unlock(&sender->mutex);
}

const struct export_counts *sender_counts(struct sender *sender)
{
	g_mutex_lock(&sender->mutex);
	sender->told = *outbox_counts(sender->outbox);
	g_mutex_unlock(&sender->mutex);
	sender->told.url = sender->url;
	return &sender->told;
}

struct export_counts sender_given(struct sender *sender)
{
	const struct export_counts *counts = outbox_counts(sender->outbox);
	struct export_counts given;

	g_mutex_lock(&sender->mutex);
	given = *counts;
	given.records = sender->given.records;
	given.messages = sender->given.messages;
	given.message_octets = sender->given.message_octets;
	g_mutex_unlock(&sender->mutex);
	given.url = sender->url;
	return given;
}

void sender_flush(struct sender *sender, guint wait_ms)
{
	gint64 until = g_get_monotonic_time() + (gint64)wait_ms * 1000;

	g_mutex_lock(&sender->mutex);
	if (sender->napping)
		sender_announce(sender);
	/* One that was waited for in vain is not waited for again before it has caught up. */
	while (sender->connected && !sender->behind &&
	       (!outbox_is_empty(sender->outbox) || sender->handing > 0))
		sender->behind = !sender_await(sender, until);
	if (outbox_is_empty(sender->outbox) && sender->handing == 0)
		sender->behind = false;
	g_mutex_unlock(&sender->mutex);
}

/* The error of what did not arrive; false. */
static bool tell_loss(struct sender *sender, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "destination \"%s\": %s; %" G_GUINT64_FORMAT " flows did not get there",
		    sender->url, sender->error ? sender->error->message : "it took too long",
		    sender->lost);
	return false;
}

static void tell_spooled(struct sender *sender)
{
	guint64 flows = outbox_spooled(sender->outbox);

	if (flows > 0)
		log_about(LOG_LEVEL_INFO, "destination", sender->url,
			  "destination \"%s\": %" G_GUINT64_FORMAT
			  " flows stay in spool \"%s\", for the next run to send",
			  sender->url, flows, sender->options.spool);
}

void sender_end(struct sender *sender)
{
	if (sender->until_us != 0)
		return;
	sender->until_us =
		g_get_monotonic_time() + (gint64)sender->options.linger_s * G_USEC_PER_SEC;
	g_mutex_lock(&sender->mutex);
	sender->finishing = true;
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
}

bool sender_wait(struct sender *sender)
{
	bool over;

	g_mutex_lock(&sender->mutex);
	while (!sender->over && is_reachable(sender) && sender_await(sender, sender->until_us))
		;
	over = sender->over;
	g_mutex_unlock(&sender->mutex);
	return over;
}

bool sender_hurry(struct sender *sender, GError **error)
{
	sender_end(sender);
	sender->until_us = g_get_monotonic_time();
	return sender_finish(sender, error);
}

bool sender_hand_over(struct sender *sender)
{
	bool connected;

	sender_end(sender);
	sender->until_us = g_get_monotonic_time() + HAND_OVER_S * G_USEC_PER_SEC;
	g_mutex_lock(&sender->mutex);
	connected = sender->connected && !sender->over;
	g_mutex_unlock(&sender->mutex);
	return connected;
}

/* What one has that still waits for its spool would be lost; the other's time is short. */
bool sender_is_over(struct sender *sender)
{
	bool over;
	bool inherits;

	g_mutex_lock(&sender->mutex);
	over = sender->over;
	inherits = sender->inherits;
	g_mutex_unlock(&sender->mutex);
	return over || (!inherits && g_get_monotonic_time() >= sender->until_us);
}

bool sender_finish(struct sender *sender, GError **error)
{
	if (!sender->thread)
		return true;
	sender_end(sender);
	g_mutex_lock(&sender->mutex);
	while (!sender->over && sender_await(sender, sender->until_us))
		;
	g_mutex_unlock(&sender->mutex);
	g_cancellable_cancel(sender->stop);
	g_mutex_lock(&sender->mutex);
	sender_announce(sender);
	g_mutex_unlock(&sender->mutex);
	g_thread_join(g_steal_pointer(&sender->thread));
	tell_spooled(sender);
	return sender->lost == 0 || tell_loss(sender, error);
}

static void unref_message(gpointer message)
{
	message_unref(message);
}

struct spool *sender_open_spool(const struct sender *sender, GError **error)
{
	const struct sender_options *options = &sender->options;

	return spool_open(
		&(struct spool_options){
			.folder = options->spool,
			.collector = sender->collector,
			.url = sender->url,
			.form = options->form,
			.introduction = sender->introduction,
			.size = options->spool_octets,
		},
		error);
}

static bool open_way(struct sender *sender, GError **error)
{
	const struct sender_options *options = &sender->options;
	const bool at_once = options->spool && !options->inherits;
	struct spool *spool = NULL;

	sender->transport = options->transport->open(&options->place, error);
	if (!sender->transport) {
		g_prefix_error(error, "destination \"%s\": ", sender->url);
		return false;
	}
	if (at_once) {
		spool = sender_open_spool(sender, error);
		if (!spool)
			return false;
	}
	sender->inherits = options->spool && options->inherits;
	sender->outbox = outbox_new(options->queue_octets, !options->transport->datagrams, spool);
	return true;
}

struct sender *sender_new(const struct sender_options *options, const GPtrArray *introduction,
			  GError **error)
{
	struct sender *sender = g_new0(struct sender, 1);

	gio_classes_make();
	sender->options = *options;
	sender->options.spool = g_strdup(options->spool);
	sender->url = g_strdup(options->url);
	sender->collector =
		g_strdup_printf("%s+%s://%s:%u", options->form->scheme, options->transport->name,
				options->place.host, options->place.port);
	sender->introduction = g_ptr_array_new_with_free_func(unref_message);
	for (guint i = 0; i < introduction->len; i++)
		g_ptr_array_add(sender->introduction,
				message_ref(g_ptr_array_index(introduction, i)));
	sender->stop = g_cancellable_new();
	g_mutex_init(&sender->mutex);
	g_cond_init(&sender->changed);
	sender->retry_ms = SENDER_RETRY_FIRST_MS;
	sender->progress_us = g_get_monotonic_time();
	if (!open_way(sender, error)) {
		sender_free(sender);
		return NULL;
	}
	sender_count_introduction(sender); /* it goes before whatever is given */
	sender->thread = g_thread_new("sender", sender_main, sender);
	return sender;
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	sender->options.linger_s = 0;
	sender_finish(sender, NULL);
	if (sender->transport)
		sender->options.transport->free(sender->transport);
	outbox_free(sender->outbox);
	g_ptr_array_unref(sender->introduction);
	g_object_unref(sender->stop);
	g_mutex_clear(&sender->mutex);
	g_cond_clear(&sender->changed);
	g_clear_error(&sender->error);
	g_free(sender->copies);
	g_free((char *)sender->options.spool);
	g_free(sender->collector);
	g_free(sender->url);
	g_free(sender);
}
