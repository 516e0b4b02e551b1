/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files through the meter of weir replay. At their own speed, or a multiple of it, records
 * are cut by the view's interval, so that flows show while they last. */
#include "base/error.h"
#include "setup/pipeline.h"
#include "setup/report.h"
#include "setup/stage_options.h"
#include "setup/top/top_source.h"
#include "top/reading.h"

#define TELL_US	    (G_USEC_PER_SEC / 5)
#define LATE_US	    G_USEC_PER_SEC	 /* and the time is taken anew: the view was paused */
#define SILENCE_US  (5 * G_USEC_PER_SEC) /* nobody waits longer for the next packet */
#define PACED_BATCH 16

struct capture {
	struct top_desk *desk;
	guint64 speed; /* 0: as fast as it goes */
	guint64 turn_ns;
	gint64 told_us;

	/* Where in time it is: packets of origin_ns are due at origin_us. */
	guint64 origin_ns;
	gint64 origin_us;
	guint64 now_ns;

	guint64 turn_end_ns;
	guint64 amounts[TOP_KINDS]; /* in this turn */
};

/* --- pace --- */

static void set_origin(struct capture *capture, guint64 time_ns)
{
	capture->origin_ns = time_ns;
	capture->origin_us = g_get_monotonic_time();
}

static gint64 due_us(const struct capture *capture, guint64 time_ns)
{
	if (time_ns <= capture->origin_ns)
		return 0;
	return capture->origin_us +
	       (gint64)((time_ns - capture->origin_ns) / 1000 / capture->speed);
}

/* False: nobody looks any more. */
static bool wait_for(struct capture *capture, guint64 time_ns)
{
	gint64 due;

	if (!capture->speed)
		return top_desk_wait(capture->desk, 0);
	if (!capture->origin_us)
		set_origin(capture, time_ns);
	due = due_us(capture, time_ns);
	if (due > g_get_monotonic_time() + SILENCE_US) {
		set_origin(capture, time_ns);
		due = capture->origin_us += SILENCE_US;
	}
	if (!top_desk_wait(capture->desk, due))
		return false;
	if (due && g_get_monotonic_time() > due + LATE_US)
		set_origin(capture, time_ns);
	return true;
}

/* --- turns, where there is a pace --- */

static void end_turn(struct capture *capture)
{
	top_history_push(&capture->desk->history, capture->amounts);
	top_model_turn(capture->desk->model, capture->turn_ns);
	for (int kind = 0; kind < TOP_KINDS; kind++)
		capture->amounts[kind] = 0;
	capture->turn_end_ns += capture->turn_ns;
}

static void end_turns(struct capture *capture, guint64 time_ns)
{
	guint64 bins = 0;

	if (!capture->turn_end_ns)
		capture->turn_end_ns = time_ns + capture->turn_ns;
	/* More than the graph shows need not be told of a long silence. */
	for (; time_ns >= capture->turn_end_ns && bins < TOP_BINS; bins++)
		end_turn(capture);
	if (time_ns >= capture->turn_end_ns)
		capture->turn_end_ns = time_ns + capture->turn_ns;
}

static void count(struct capture *capture, enum top_kind kind, guint64 time_ns, guint64 amount)
{
	if (capture->speed)
		capture->amounts[kind] += amount;
	else
		top_history_add(&capture->desk->history, kind, time_ns, amount);
}

/* --- what the replay tells --- */

static bool on_frames(void *data, const struct frame *frames, size_t frames_count)
{
	struct capture *capture = data;

	if (frames_count == 0)
		return true;
	if (!wait_for(capture, frames[0].time_ns))
		return false;
	top_desk_lock(capture->desk);
	for (size_t i = 0; i < frames_count; i++) {
		capture->now_ns = MAX(capture->now_ns, frames[i].time_ns);
		if (capture->speed)
			end_turns(capture, capture->now_ns);
		count(capture, TOP_OCTETS, frames[i].time_ns, frames[i].length);
		count(capture, TOP_PACKETS, frames[i].time_ns, 1);
	}
	top_desk_unlock(capture->desk, false);
	return true;
}

static void on_flows(void *data, const struct flow_batch *batch)
{
	struct capture *capture = data;

	top_desk_lock(capture->desk);
	for (size_t i = 0; i < batch->count; i++) {
		const struct top_reading reading =
			top_reading_of_record(&batch->records[i], &batch->extras[i]);

		if (top_model_read(capture->desk->model, &reading))
			count(capture, TOP_FLOWS, reading.first_ns, 1);
	}
	top_desk_unlock(capture->desk, true);
}

static char *time_text(guint64 time_ns)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)(time_ns / 1000000000));

	return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

static void on_progress(void *data, const struct replay_state *state)
{
	struct capture *capture = data;
	struct top_account *account = &capture->desk->account;
	gint64 now = g_get_monotonic_time();
	g_autofree char *time = NULL;

	if (now < capture->told_us + TELL_US)
		return;
	capture->told_us = now;
	time = time_text(capture->now_ns);
	top_desk_lock(capture->desk);
	account->known = true;
	account->seen = state->seen;
	account->metered = state->counts->packets[METER_OK];
	account->set_aside = state->seen - account->metered;
	if (state->size)
		top_desk_say(capture->desk, false, "%s  %u %%", time,
			     (guint)((double)state->offset * 100 / (double)state->size));
	else
		top_desk_say(capture->desk, false, "%s", time);
	top_desk_unlock(capture->desk, true);
}

/* --- the end --- */

static void tell_account(struct top_account *told, const struct account *account)
{
	told->known = true;
	told->settled = true;
	told->balanced = account_balanced(account, NULL);
	told->seen = account->seen.packets;
	told->metered = account->metered.packets;
	told->set_aside = account->seen.packets - account->metered.packets;
	told->in_cache_flows = account->in_cache.flows;
}

static void tell_end(struct capture *capture, const struct account *account, const GError *error)
{
	struct top_desk *desk = capture->desk;

	top_desk_lock(desk);
	if (capture->speed)
		end_turn(capture);
	tell_account(&desk->account, account);
	if (error)
		top_desk_say(desk, true, "%s", error->message);
	else
		top_desk_say(desk, false, "all read");
	top_desk_unlock(desk, true);
}

static struct replay_options replay_options_of(const struct top_input *input,
					       const struct capture *capture)
{
	static const char *const nowhere[] = { NULL };
	const struct options *options = input->options;
	const struct option_value *values = options->values;
	struct export_options export = stage_export(options);
	struct places_options places = places_options_of(options);

	/* Most who look do not ask for places. */
	places.quiet = values[OPTION_GROUP].number != TOP_COUNTRIES &&
		       values[OPTION_GROUP].number != TOP_SYSTEMS;
	export.to = nowhere;
	export.names = NULL;
	return (struct replay_options){
		.files = input->files,
		.idle_timeout_ns = values[OPTION_IDLE_TIMEOUT].number,
		.active_timeout_ns =
			capture->speed ? capture->turn_ns : values[OPTION_ACTIVE_TIMEOUT].number,
		.max_flows = values[OPTION_MAX_FLOWS].number,
		.seed_given = false,
		.filter = values[OPTION_FILTER].text,
		.dedup = stage_dedup(options),
		.detail = FLOW_DETAIL_TCP,
		.batch = capture->speed ? PACED_BATCH : (guint)values[OPTION_BATCH].number,
		.quiet = true,
		.export = export,
		.places = places,
	};
}

bool top_capture_run(struct top_desk *desk, const struct top_input *input, GError **error)
{
	const struct option_value *values = input->options->values;
	struct capture capture = {
		.desk = desk,
		.speed = input->once ? 0 : values[OPTION_SPEED].number,
		.turn_ns = values[OPTION_INTERVAL].number,
	};
	const struct replay_watch watch = { &capture, on_frames, on_flows, on_progress };
	struct replay_options run;
	struct account account = { 0 };
	g_autoptr(GError) fault = NULL;

	if (capture.speed) {
		capture.turn_ns *= capture.speed;
		top_desk_lock(desk);
		desk->history = top_history_live(capture.turn_ns);
		top_desk_unlock(desk, false);
	}
	run = replay_options_of(input, &capture);
	run.watch = &watch;
	if (stage_tunnels(input->options, &run.tunnels, &fault))
		replay_run(&run, &account, &fault);
	tell_end(&capture, &account, fault);
	account_clear(&account);
	if (!fault)
		return true;
	g_propagate_error(error, g_steal_pointer(&fault));
	return false;
}
