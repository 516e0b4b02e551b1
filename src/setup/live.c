/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of the data put together for interfaces: hooks -> flow cache in the kernel -> scan ->
 * destinations. This thread takes records from the ring and writes them; a thread a CPU scans. What
 * was taken leaves the ring when the destinations have it, so that a process that takes this one's
 * place finds the rest. */
#include "setup/live.h"

#include <string.h>

#include "base/log.h"
#include "capture/grace.h"
#include "capture/kernel_needs.h"
#include "capture/links.h"
#include "capture/scan.h"
#include "setup/live_cache.h"
#include "setup/live_control.h"
#include "setup/live_join.h"
#include "setup/live_metrics.h"
#include "setup/live_names.h"
#include "setup/live_other.h"
#include "setup/live_packet.h"
#include "setup/live_rights.h"
#include "setup/live_status.h"
#include "setup/statistics.h"
#include "setup/stop.h"

#define WAIT_MS	     100
#define WAIT_BUSY_MS 5 /* while somebody asks */
#define PERIOD_MS    1000
/* Records to take before looking at something else. */
#define TURN	     1024

struct live {
	const struct live_options *options;
	struct live_options own; /* those, and what has changed of them */
	struct fanout *fanout;
	struct live_cache cache;
	struct scan *scan;
	struct links *links;
	struct live_names *names;
	struct places *places;
	struct flow_batch *batch;
	struct live_join *join;		/* of the records of the cache */
	struct live_join *taking;	/* of those being taken */
	size_t record_octets;		/* of those being taken */
	struct instance_totals earlier; /* what processes before this one did */
	struct account_flows handed;	/* to the destinations since the last commit */
	guint64 flows;			/* in the cache, where it was left */
	struct statistics statistics;
	struct live_control *control;
	struct live_status status;
	bool attaching; /* the hooks may feed these tables */
	GError *first;
};

static void note_error(struct live *live, GError *error)
{
	/* The end of the run, which tells the first, may be a year away. */
	if (error && live->control && !live->first)
		log_say(LOG_LEVEL_ERROR, "%s", error->message);
	if (!live->first)
		live->first = g_steal_pointer(&error);
	log_error(error);
}

static void write_batch(struct live *live)
{
	struct account_flows *handed = &live->handed;
	GError *error = NULL;

	if (live->batch->count == 0)
		return;
	for (size_t i = 0; i < live->batch->count; i++)
		account_flows_add(handed, &live->batch->records[i].flow);
	if (live->cache.instance)
		instance_intend(live->cache.instance, handed);
	live_names_enrich(live->names, live->batch);
	places_enrich(live->places, live->fanout, live->batch);
	live_view_take(live->options->view, live->batch);
	live_metrics_take(live->options->metrics, live->batch);
	if (!fanout_write(live->fanout, live->batch, &error))
		note_error(live, error);
	live->batch->count = 0;
}

static void on_record(void *data, const void *octets, size_t length, guint64 position)
{
	struct live *live = data;

	if (length >= live->record_octets)
		join_record(live_join_of(live->taking), octets, position);
}

/* A record whose parts have come, or that has none. */
static void on_whole(void *data, const struct flow_record *record)
{
	struct live *live = data;
	struct flow_record *copy = &live->batch->records[live->batch->count];

	memcpy(copy, record, live->record_octets);
	/* Tables that are given up may know less of a flow than those of the run. */
	memset((guint8 *)copy + live->record_octets, 0, sizeof(*copy) - live->record_octets);
	live_cache_to_wall_clock(&live->cache, &copy->flow);
	if (++live->batch->count == FLOW_BATCH_MAX)
		write_batch(live);
}

/* The destinations have what was taken from the rings: it makes room there. */
static void commit(void *data)
{
	struct live *live = data;
	struct kernel_ring *ring = kernel_meter_ring(live->cache.meter);
	struct kernel_ring *old = live->cache.old ? kernel_meter_ring(live->cache.old) : NULL;
	GError *error = NULL;

	write_batch(live);
	if (live->handed.flows > 0 && !fanout_flush(live->fanout, &error))
		note_error(live, error);
	if (live->handed.flows > 0 || live->cache.waiting)
		live_cache_commit(&live->cache, &live->earlier, live->fanout);
	live->handed = (struct account_flows){ 0 };
	kernel_ring_commit(ring);
	if (old)
		kernel_ring_commit(old);
	join_commit(live_join_of(live->taking));
}

/* Takes what is in the ring, up to a turn or an eighth of it: the rest must not wait for room. */
static bool take_turn(struct live *live, struct kernel_meter *meter)
{
	struct kernel_ring *ring = kernel_meter_ring(meter);

	live->record_octets = flow_record_size(kernel_meter_detail(meter));
	live_join_tick(live->taking);
	kernel_ring_read(ring, TURN, on_record, live);
	if (kernel_ring_held(ring) < kernel_ring_octets(ring) / 8 && kernel_ring_has_more(ring))
		return true;
	commit(live);
	return kernel_ring_has_more(ring);
}

static bool take_records(struct live *live, int wait_ms)
{
	struct kernel_ring *ring = kernel_meter_ring(live->cache.meter);
	GError *error = NULL;

	if (!kernel_ring_has_more(ring) && !kernel_ring_wait(ring, wait_ms, &error)) {
		note_error(live, error);
		return false;
	}
	take_turn(live, live->cache.meter);
	return true;
}

/* Brings everything out of tables that no packet comes to any more. */
static void empty_tables(struct live *live, struct kernel_meter *meter, struct scan *scan)
{
	GError *error = NULL;

	scan_finish(scan);
	while (!scan_done(scan)) {
		if (!take_turn(live, meter))
			g_usleep(1000);
	}
	if (!scan_free(scan, &error))
		note_error(live, error);
	while (take_turn(live, meter))
		;
	join_flush(live_join_of(live->taking));
	commit(live);
}

static struct live_join *open_join(struct live *live, struct kernel_meter *meter,
				   const char *folder, GError **error)
{
	const struct live_join_options options = {
		.meter = meter,
		.folder = folder,
		.idle_ns = live->options->idle_timeout_ns,
		.active_ns = live->options->active_timeout_ns,
		.max_flows = live->options->max_flows,
		.commits = live->cache.instance ? instance_commits(live->cache.instance) : NULL,
		.sink = on_whole,
		.data = live,
	};

	return live_join_new(&options, error);
}

/* Before this process hands anything over: what another version of weir left. */
static void drain_other(struct live *live)
{
	if (!live->cache.instance)
		return;
	live_other_drain(live->cache.instance, live->options);
	live->earlier = *instance_totals(live->cache.instance);
}

/* Packets go to the new tables now: those of another shape are drained and given up. */
static void drain_old(struct live *live)
{
	struct kernel_meter *old = live->cache.old;
	struct instance_shape shape;
	struct meter_counts counts;
	GError *error = NULL;

	if (!old)
		return;
	if (!grace_wait(&error)) {
		note_error(live, error);
		return; /* the next process tries again */
	}
	live->taking =
		open_join(live, old, instance_old_tables(live->cache.instance, &shape), &error);
	if (!live->taking) {
		live->taking = live->join;
		note_error(live, error);
		return;
	}
	empty_tables(live, old, scan_start(old, live->cache.old_sets, PERIOD_MS));
	live_join_free(live->taking);
	live->taking = live->join;
	if (!kernel_meter_counts(old, &counts, &error)) {
		note_error(live, error);
		return;
	}
	instance_forget_old(live->cache.instance, &counts);
	live->earlier.gone = instance_totals(live->cache.instance)->gone;
	live->earlier.forgotten = instance_totals(live->cache.instance)->forgotten;
	kernel_meter_free(g_steal_pointer(&live->cache.old));
}

static void settle_account(void *data, struct account *account)
{
	const struct live *live = data;

	live_cache_settle(&live->cache, &live->earlier, account);
	account_add_fanout(account, live->fanout);
	live_cache_seen(&live->cache, &live->earlier, live_names_table(live->names), account);
	places_settle(live->places, account);
}

static void show(struct live *live)
{
	struct account account = { 0 };

	if (!live_view_due(live->options->view))
		return;
	settle_account(live, &account);
	account_guess_cache(&account);
	live_view_draw(live->options->view, &account);
	account_clear(&account);
}

static void tick(struct live *live)
{
	GError *error = NULL;

	if (!fanout_tick(live->fanout, &error))
		note_error(live, error);
	log_tick();
}

/* What was taken from the ring is out before it is told how much that was. */
static void tell_statistics(struct live *live)
{
	struct account account = { 0 };
	GError *error = NULL;

	commit(live);
	settle_account(live, &account);
	if (!statistics_tell(&live->statistics, live->fanout, &account,
			     live_names_table(live->names), &error))
		note_error(live, error);
	account_clear(&account);
}

static void run(struct live *live)
{
	int wait_ms = WAIT_MS;

	while (!live->options->ending && !stop_wanted() && !scan_failed(live->scan)) {
		if (!take_records(live, wait_ms))
			return;
		wait_ms = live_control_turn(live->control) ? WAIT_BUSY_MS : WAIT_MS;
		tick(live);
		live_status_turn(&live->status, scan_seen_us(live->scan));
		links_watch(live->links);
		live_names_look(live->names);
		places_tick(live->places);
		if (statistics_due(&live->statistics, live->fanout))
			tell_statistics(live);
		show(live);
	}
}

/* A service that is told to end is going to be back: the kernel meters on. */
static bool is_to_be_left(const struct live *live)
{
	return live->cache.instance && live->options->instance_given && stop_was_term();
}

/* Not what comes meanwhile: under a flood that would never end. */
static void take_what_is_there(struct live *live)
{
	const struct kernel_ring *ring = kernel_meter_ring(live->cache.meter);
	guint64 until = kernel_ring_position(ring) + kernel_ring_octets(ring);

	while (take_turn(live, live->cache.meter) && kernel_ring_position(ring) < until)
		;
	commit(live);
}

static void leave(struct live *live)
{
	GError *error = NULL;

	links_leave(g_steal_pointer(&live->links));
	live->flows = scan_flows(live->scan) + join_counts(live_join_of(live->join)).waiting;
	if (!scan_free(g_steal_pointer(&live->scan), &error))
		note_error(live, error);
	take_what_is_there(live);
	if (!live->options->quiet)
		log_line("instance %s: the kernel meters on; 'weir run --instance %s ...' goes on "
			 "from here, 'weir stop %s' ends it",
			 live->options->instance, live->options->instance, live->options->instance);
}

/* Programs that were running when the hooks were taken off have ended after a grace period; then
 * nobody but the scan touches the tables, and what it leaves behind is nothing. */
static void end(struct live *live)
{
	GError *error = NULL;

	if (live->options->ending)
		attach_clear(instance_folder(live->cache.instance), NULL);
	else if (!links_free(g_steal_pointer(&live->links), &error))
		note_error(live, g_steal_pointer(&error));
	if (!grace_wait(&error))
		note_error(live, error);
	drain_old(live);
	empty_tables(live, live->cache.meter, g_steal_pointer(&live->scan));
}

static void look(void *data, struct live_look *ret_look)
{
	const struct live *live = data;

	live_cache_look(&live->cache, ret_look);
	ret_look->join = join_counts(live_join_of(live->join));
	ret_look->flows = scan_flows(live->scan) + ret_look->join.waiting;
	ret_look->scanned_us = scan_seen_us(live->scan);
	ret_look->away = links_away(live->links);
	ret_look->names = live_names_table(live->names);
	ret_look->places = live->places;
}

static struct live_control *open_control(struct live *live)
{
	return live_control_new(&(struct live_parts){
		.options = live->options,
		.fanout = live->fanout,
		.statistics = &live->statistics,
		.detail = kernel_meter_detail(live->cache.meter),
		.cache = &live->cache,
		.scan = live->scan,
		.join = live->join,
		.names = live->names,
		.places = live->places,
		.notify = live->status.notify,
		.commit = commit,
		.settle = settle_account,
		.look = look,
		.tune = { &live->own, &live->cache, &live->links, live->join, NULL, NULL },
		.data = live,
	});
}

static bool open_live(struct live *live, GError **error)
{
	const struct live_options *options = live->options;
	struct links_options links;
	enum flow_detail detail;

	live->places = places_new(&options->places, error);
	if (!live->places || !kernel_check(error) ||
	    !live_cache_claim(&live->cache, options, error))
		return false;
	links = live_cache_links(&live->cache, options);
	links.tell = live_status_link;
	links.data = &live->status;
	if ((!options->ending && !links_check(&links, error)) ||
	    !live_rights_settle(options, error))
		return false;
	live->statistics = statistics_live(options->statistics_ns);
	live->statistics.places = live->places;
	live->names = live_names_new(live->options->interfaces);
	live->fanout = live_cache_fanout(&live->cache, options, error);
	if (!live->fanout)
		return false;
	detail = options->detail >= 0 ? (enum flow_detail)options->detail
				      : fanout_detail(live->fanout);
	if (!live_cache_open(&live->cache, options, detail, error))
		return false;
	if (live->cache.instance)
		live->earlier = *instance_totals(live->cache.instance);
	live->taking = live->join = open_join(
		live, live->cache.meter,
		live->cache.instance ? instance_tables(live->cache.instance) : NULL, error);
	if (!live->join || !scan_check(kernel_meter_cpus(live->cache.meter), error))
		return false;
	live_cache_tell(&live->cache, options);
	live->scan = scan_start(live->cache.meter, live->cache.shape.sets, PERIOD_MS);
	if (options->ending)
		return true;
	live->control = open_control(live);
	places_join(live->places, live_control_reload(live->control));
	live->attaching = true;
	live->links = links_new(live->cache.meter, &links, error);
	live->status.begun = true;
	return live->links != NULL;
}

static void conclude(struct live *live, struct account *ret_account)
{
	const bool left = is_to_be_left(live);
	GError *error = NULL;

	if (left)
		leave(live);
	else
		end(live);
	tell_statistics(live);
	if (!fanout_finish(live->fanout, &error))
		note_error(live, error);
	settle_account(live, ret_account);
	live_cache_commit(&live->cache, &live->earlier, live->fanout);
	if (left) {
		account_guess_cache(ret_account);
		ret_account->goes_on = false; /* all destinations have what this process had */
		ret_account->in_cache.flows = live->flows;
	} else {
		live_cache_end(&live->cache, live->options, ret_account);
	}
}

/* Where nothing was attached, nothing is worth keeping. Interfaces that an earlier process metered
 * may feed the new tables by now: then they stay, and the old ones, for the next process. */
static void give_up(struct live *live)
{
	scan_free(live->scan, NULL);
	if (live->cache.instance && !(live->attaching && instance_has_links(live->cache.instance)))
		instance_abandon(live->cache.instance);
}

bool live_run(const struct live_options *options, struct account *ret_account, GError **error)
{
	struct live live = {
		.own = *options,
		.options = &live.own,
		.status = { .options = options, .settle = settle_account, .data = &live }
	};
	bool good;

	if (options->attach.hook == ATTACH_PACKET)
		return live_packet_run(options, ret_account, error);
	if (!options->ending)
		live.status.notify = notify_new();
	live.batch = g_new0(struct flow_batch, 1);
	stop_watch(options->duration_ns);
	good = open_live(&live, error);
	if (good) {
		drain_other(&live);
		if (!options->ending) {
			drain_old(&live);
			notify_ready(live.status.notify);
		}
		run(&live);
		notify_stopping(live.status.notify);
		live_control_free(g_steal_pointer(&live.control));
		live_view_leave(options->view);
		conclude(&live, ret_account);
	} else {
		live_control_free(live.control);
		give_up(&live);
	}
	live_join_free(live.join);
	live_cache_close(&live.cache);
	fanout_free(live.fanout);
	live_names_free(live.names);
	places_free(live.places);
	notify_free(live.status.notify);
	g_free(live.batch);
	if (live.first) {
		g_propagate_error(error, live.first);
		good = false;
	}
	return good;
}
