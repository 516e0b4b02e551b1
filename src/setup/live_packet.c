/* SPDX-License-Identifier: BSD-2-Clause */
/* Live without BPF: packet sockets -> native meter -> destinations. */
#include "setup/live_packet.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/af_packet.h"
#include "capture/link_strip.h"
#include "capture/native_meter.h"
#include "capture/sieve.h"
#include "capture/table.h"
#include "setup/copies.h"
#include "setup/live_control.h"
#include "setup/live_names.h"
#include "setup/live_rights.h"
#include "setup/live_status.h"
#include "setup/statistics.h"
#include "setup/stop.h"

#define BATCH	     256
#define WAIT_MS	     100
#define WAIT_BUSY_MS 5 /* while somebody asks */
#define RETRY_NS     FLOW_SECOND_NS
#define REST_MS	     10
#define RESTS_MAX    1000
#define FLOWS_MAX    FLOW_TABLE_MAX_FLOWS

struct socket {
	const char *interface;
	struct af_packet *packet;
	bool away; /* the interface is down or gone: tried again now and then */
	guint64 retry_ns;
	guint64 taken; /* frames */
	guint64 kept;  /* by the kernel, at the end */
};

struct live_packet {
	const struct live_options *options;
	struct live_options own; /* those, and what has changed of them */
	struct fanout *fanout;
	struct live_names *names;
	struct places *places;
	struct sieve *sieve;
	struct native_meter *meter;
	struct account *account;
	struct socket *sockets;
	guint count;
	gint64 next_flush;
	struct statistics statistics;
	enum flow_detail detail;
	struct live_control *control;
	struct live_status status;
	GError *first;
	struct frame frames[BATCH];
};

static void note_error(struct live_packet *live, GError *error)
{
	if (live->first) {
		log_error(error);
		return;
	}
	/* The end of the run, which tells it, may be a year away. */
	if (live->control)
		log_say(LOG_LEVEL_ERROR, "%s", error->message);
	live->first = error;
}

static void on_batch(void *data, struct flow_batch *batch)
{
	struct live_packet *live = data;
	GError *error = NULL;

	live_names_enrich(live->names, batch);
	places_enrich(live->places, live->fanout, batch);
	live_view_take(live->options->view, batch);
	live_metrics_take(live->options->metrics, batch);
	if (!fanout_write(live->fanout, batch, &error))
		note_error(live, error);
}

static bool open_sockets(struct live_packet *live, GError **error)
{
	static const enum af_packet_direction directions[] = {
		[ATTACH_IN] = AF_PACKET_IN,
		[ATTACH_OUT] = AF_PACKET_OUT,
		[ATTACH_BOTH] = AF_PACKET_BOTH,
	};
	const struct af_packet_options packet = {
		.ring_bytes = live->options->ring_octets,
		.promiscuous = live->options->attach.promiscuous,
		.direction = directions[live->options->attach.direction],
	};

	for (guint i = 0; i < live->count; i++) {
		struct socket *socket = &live->sockets[i];

		socket->interface = live->options->interfaces[i];
		socket->packet = af_packet_open(socket->interface, &packet, error);
		if (!socket->packet)
			return false;
		if (!live->options->quiet)
			log_about(LOG_LEVEL_INFO, "interface", socket->interface,
				  "%s: metering at a packet socket", socket->interface);
	}
	return true;
}

static bool open_meter(struct live_packet *live, GError **error)
{
	const struct live_options *options = live->options;
	const struct native_options native = {
		.idle_ns = options->idle_timeout_ns,
		.active_ns = options->active_timeout_ns ? options->active_timeout_ns : G_MAXUINT64,
		.max_flows = (guint32)MIN(options->max_flows, FLOWS_MAX),
		.detail = options->detail >= 0 ? (enum flow_detail)options->detail
					       : fanout_detail(live->fanout),
		.sample = options->export.sampling,
		.tunnels = options->tunnels,
		.sample_random = options->export.random_sampling,
		.seed = (guint64)g_random_int() << 32 | g_random_int(),
		.sink = on_batch,
		.data = live,
	};

	live->account->max_flows = native.max_flows;
	live->detail = native.detail;
	live->account->memory_octets = flow_table_memory(native.max_flows, native.detail);
	live->meter = native_meter_new(&native, error);
	return live->meter != NULL;
}

/* Said once when it goes and once when it comes back. */
static void interface_left(struct socket *socket, GError *error)
{
	if (!socket->away)
		log_about(LOG_LEVEL_WARNING, "interface", socket->interface,
			  "%s; waiting for it to come back", error->message);
	g_error_free(error);
	socket->away = true;
	socket->retry_ns = clock_wall_ns() + RETRY_NS;
}

static void try_again(struct socket *socket)
{
	GError *error = NULL;

	if (clock_wall_ns() < socket->retry_ns)
		return;
	if (!af_packet_reopen(socket->packet, &error)) {
		interface_left(socket, error);
		return;
	}
	log_about(LOG_LEVEL_INFO, "interface", socket->interface, "%s: back, metering goes on",
		  socket->interface);
	socket->away = false;
}

static void take_frames(struct live_packet *live, struct socket *socket)
{
	struct account_seen *seen = &live->account->seen;
	GError *error = NULL;
	int count;

	while ((count = af_packet_read(socket->packet, live->frames, BATCH, &error)) > 0) {
		socket->taken += (guint64)count;
		seen->packets += (guint64)count;
		for (int i = 0; i < count; i++)
			seen->frame_octets += live->frames[i].length;
		native_meter_frames(live->meter, live->frames,
				    sieve_frames(live->sieve, live->frames, (size_t)count));
	}
	if (count < 0)
		interface_left(socket, error);
}

static void wait_for_frames(struct live_packet *live, int wait_ms)
{
	g_autofree struct pollfd *fds = g_new0(struct pollfd, live->count);

	for (guint i = 0; i < live->count; i++) {
		fds[i].fd = live->sockets[i].away ? -1 : af_packet_fd(live->sockets[i].packet);
		fds[i].events = POLLIN;
	}
	poll(fds, live->count, wait_ms);
}

static void settle_account(const struct live_packet *live, struct account *account)
{
	guint count;
	const struct dedup_pair *copies = sieve_copies(live->sieve, &count);

	copies_settle(account, copies, count, live_names_table(live->names));
	account_add_counts(account, native_meter_counts(live->meter));
	account_add_counts(account, sieve_counts(live->sieve));
	account_add_fanout(account, live->fanout);
	places_settle(live->places, account);
}

static void flush(struct live_packet *live)
{
	gint64 now = g_get_monotonic_time();
	GError *error = NULL;

	if (!fanout_tick(live->fanout, &error))
		note_error(live, g_steal_pointer(&error));
	if (now < live->next_flush)
		return;
	live->next_flush = now + LIVE_FLUSH_US;
	log_tick();
	if (!fanout_flush(live->fanout, &error))
		note_error(live, error);
}

static void tell_statistics(struct live_packet *live)
{
	struct account account = { 0 };
	GError *error = NULL;

	account.set_aside[METER_LOST] = live->account->set_aside[METER_LOST];
	settle_account(live, &account);
	if (!statistics_tell(&live->statistics, live->fanout, &account,
			     live_names_table(live->names), &error))
		note_error(live, error);
	account_clear(&account);
}

static void show(struct live_packet *live)
{
	struct account account = { .seen = live->account->seen };

	if (!live_view_due(live->options->view))
		return;
	settle_account(live, &account);
	account_guess_cache(&account);
	account.in_cache.flows = native_meter_flows(live->meter);
	live_view_draw(live->options->view, &account);
	account_clear(&account);
}

/* What the rings had no room for came, too. */
static void add_lost(const struct live_packet *live, struct account *account)
{
	struct account_packets *lost = &account->set_aside[METER_LOST];

	for (guint i = 0; i < live->count; i++) {
		struct af_packet_counts counts;

		if (!live->sockets[i].packet ||
		    !af_packet_counts(live->sockets[i].packet, &counts, NULL))
			continue;
		counts.lost += live->sockets[i].kept;
		lost->packets += counts.drops + counts.lost;
		account->seen.packets += counts.drops + counts.lost;
	}
}

static void on_settle(void *data, struct account *ret_account)
{
	const struct live_packet *live = data;

	ret_account->seen = live->account->seen;
	ret_account->max_flows = live->account->max_flows;
	ret_account->memory_octets = live->account->memory_octets;
	add_lost(live, ret_account);
	settle_account(live, ret_account);
}

static void look(void *data, struct live_look *ret_look)
{
	const struct live_packet *live = data;

	ret_look->flows = native_meter_flows(live->meter);
	ret_look->names = live_names_table(live->names);
	ret_look->places = live->places;
	for (guint i = 0; i < MIN(live->count, 64); i++)
		ret_look->away |= (guint64)live->sockets[i].away << i;
}

static struct live_control *open_control(struct live_packet *live)
{
	return live_control_new(&(struct live_parts){
		.options = live->options,
		.fanout = live->fanout,
		.statistics = &live->statistics,
		.detail = live->detail,
		.meter = live->meter,
		.names = live->names,
		.places = live->places,
		.notify = live->status.notify,
		.settle = on_settle,
		.look = look,
		.tune = { .options = &live->own, .meter = live->meter, .sieve = live->sieve },
		.data = live,
	});
}

static void run(struct live_packet *live)
{
	bool busy = false;

	while (!stop_wanted()) {
		wait_for_frames(live, busy ? WAIT_BUSY_MS : WAIT_MS);
		busy = live_control_turn(live->control);
		for (guint i = 0; i < live->count; i++) {
			if (live->sockets[i].away)
				try_again(&live->sockets[i]);
			else
				take_frames(live, &live->sockets[i]);
		}
		live_names_look(live->names);
		places_tick(live->places);
		native_meter_tick(live->meter, clock_wall_ns());
		flush(live);
		if (statistics_due(&live->statistics, live->fanout))
			tell_statistics(live);
		live_status_turn(&live->status, g_get_monotonic_time());
		show(live);
	}
	notify_stopping(live->status.notify);
	live_control_free(g_steal_pointer(&live->control));
}

/* The kernel hands over the block it was filling when its time has come, not when it is asked. */
static void take_rest(struct live_packet *live, struct socket *socket)
{
	struct pollfd ready = { .fd = af_packet_fd(socket->packet), .events = POLLIN };
	struct af_packet_counts counts;

	for (int i = 0; i < RESTS_MAX && !socket->away; i++) {
		take_frames(live, socket);
		if (!af_packet_counts(socket->packet, &counts, NULL) ||
		    socket->taken >= counts.packets - counts.drops - counts.lost)
			return;
		poll(&ready, 1, REST_MS);
	}
	if (!socket->away && af_packet_counts(socket->packet, &counts, NULL))
		socket->kept = counts.packets - counts.drops - counts.lost - socket->taken;
}

/* What the ring still holds is taken; what it had no room for is accounted. */
static void finish(struct live_packet *live)
{
	GError *error = NULL;

	live_view_leave(live->options->view);
	for (guint i = 0; i < live->count; i++) {
		struct socket *socket = &live->sockets[i];

		if (!socket->away && af_packet_stop(socket->packet, NULL))
			take_rest(live, socket);
	}
	add_lost(live, live->account);
	native_meter_finish(live->meter);
	tell_statistics(live);
	if (!fanout_finish(live->fanout, &error))
		note_error(live, error);
}

static void free_live(struct live_packet *live)
{
	live_control_free(live->control);
	for (guint i = 0; i < live->count; i++)
		af_packet_free(live->sockets[i].packet);
	native_meter_free(live->meter);
	sieve_free(live->sieve);
	fanout_free(live->fanout);
	live_names_free(live->names);
	places_free(live->places);
	notify_free(live->status.notify);
	g_free(live->sockets);
	g_free(live);
}

static void on_unfit(void *data, guint16 linktype, const char *reason)
{
	g_autofree char *what = link_strip_describe(linktype);

	(void)data;
	log_warning("no packet of link type %s matches the filter: %s", what, reason);
}

bool live_packet_run(const struct live_options *options, struct account *ret_account,
		     GError **error)
{
	struct live_packet *live = g_new0(struct live_packet, 1);
	bool good;

	const struct sieve_options sieve = { .filter = options->filter,
					     .dedup = options->dedup,
					     .unfit = on_unfit };

	stop_watch(options->duration_ns);
	live->own = *options;
	live->own.export.beside = options->instance_given; /* as live_cache_fanout() has it */
	live->options = options = &live->own;
	live->status = (struct live_status){
		.notify = notify_new(), .options = options, .settle = on_settle, .data = live
	};
	live->account = ret_account;
	live->count = g_strv_length((char **)options->interfaces);
	live->sockets = g_new0(struct socket, live->count);
	live->statistics = statistics_live(options->statistics_ns);
	live->names = live_names_new(options->interfaces);
	live->places = places_new(&options->places, error);
	live->statistics.places = live->places;
	if (live->places && live_rights_settle(options, error))
		live->fanout = fanout_new(&options->export, error);
	live->sieve = live->fanout ? sieve_new(&sieve, error) : NULL;
	good = live->sieve && open_meter(live, error);
	if (good) {
		live->control = open_control(live);
		places_join(live->places, live_control_reload(live->control));
	}
	good = good && open_sockets(live, error);
	if (good) {
		notify_ready(live->status.notify);
		run(live);
		finish(live);
		settle_account(live, ret_account);
	}
	if (live->first) {
		g_propagate_error(error, live->first);
		good = false;
	}
	free_live(live);
	return good;
}
