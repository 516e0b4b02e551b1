/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of the data put together for interfaces: hooks -> flow cache in the kernel -> scan ->
 * destinations. This thread takes records from the ring and writes them; a thread a CPU scans. */
#include "setup/live.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "capture/grace.h"
#include "capture/links.h"
#include "capture/native_meter.h"
#include "capture/scan.h"
#include "setup/live_packet.h"
#include "setup/stop.h"

#define WAIT_MS	  100
#define PERIOD_MS 1000
#define SETS_MIN  64

struct live {
	const struct live_options *options;
	struct fanout *fanout;
	struct kernel_meter *meter;
	struct scan *scan;
	struct links *links;
	struct flow_batch *batch;
	guint64 epoch_ns; /* between the kernel's clock and 1970 */
	guint32 sets;
	gint64 next_flush;
	GError *first;
};

static guint64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

/* Packet times are the kernel's monotonic clock. One difference serves the whole run, so that a
 * flow's records agree whatever becomes of the wall clock. */
static guint64 epoch_difference(void)
{
	guint64 before = clock_ns(CLOCK_MONOTONIC);
	guint64 wall = clock_ns(CLOCK_REALTIME);
	guint64 after = clock_ns(CLOCK_MONOTONIC);

	return wall - (before + (after - before) / 2);
}

static void note_error(struct live *live, GError *error)
{
	if (!error)
		return;
	if (live->first)
		log_error(error);
	else
		live->first = error;
}

static void write_batch(struct live *live)
{
	GError *error = NULL;

	if (live->batch->count == 0)
		return;
	live_view_take(live->options->view, live->batch);
	if (!fanout_write(live->fanout, live->batch, &error))
		note_error(live, error);
	live->batch->count = 0;
}

static void to_wall_clock(struct flow *flow, guint64 epoch_ns)
{
	flow->last_ns += epoch_ns;
	for (int i = 0; i < 2; i++) {
		struct flow_side *side = &flow->side[i];

		if (side->packets) {
			side->first_ns += epoch_ns;
			side->last_ns += epoch_ns;
		}
		if (side->whole)
			side->whole += epoch_ns;
	}
}

static void on_record(void *data, const struct flow_record *record)
{
	struct live *live = data;
	struct flow_record *copy = &live->batch->records[live->batch->count++];

	memcpy(copy, record, flow_record_size((enum flow_detail)record->detail));
	to_wall_clock(&copy->flow, live->epoch_ns);
	if (live->batch->count == FLOW_BATCH_MAX)
		write_batch(live);
}

static bool take_records(struct live *live, int wait_ms)
{
	GError *error = NULL;
	bool good = kernel_meter_wait(live->meter, wait_ms, on_record, live, &error);

	if (!good)
		note_error(live, error);
	write_batch(live);
	return good;
}

/* The tables of all CPUs together have room for twice the flows: a set is seldom full then. */
static guint32 sets_for(guint64 max_flows, int cpus)
{
	guint64 wanted = max_flows * 2 / SET_WAYS / (guint64)cpus;
	guint32 sets = SETS_MIN;

	while (sets < wanted && sets < 1u << 30)
		sets <<= 1;
	return sets;
}

static bool open_meter(struct live *live, GError **error)
{
	const struct live_options *options = live->options;
	struct native_options hash = { .seed = (guint64)g_random_int() << 32 | g_random_int() };
	struct kernel_options kernel = { .hook = KERNEL_HOOK_XDP,
					 .every_hook = true,
					 .ring_octets = options->ring_octets,
					 .drop = options->drop };

	hash.idle_ns = options->idle_timeout_ns;
	hash.active_ns = options->active_timeout_ns ? options->active_timeout_ns : G_MAXUINT64;
	hash.detail = options->detail >= 0 ? (enum flow_detail)options->detail
					   : fanout_detail(live->fanout);
	kernel.settings = native_settings(&hash);
	live->sets = sets_for(options->max_flows, (int)g_get_num_processors());
	kernel.sets = live->sets;
	live->meter = kernel_meter_new(&kernel, error);
	if (live->meter && !options->quiet)
		log_line("room for %" G_GUINT64_FORMAT " flows in %" G_GUINT64_FORMAT
			 " MiB of kernel memory (%d tables of %u sets)",
			 options->max_flows, kernel_meter_memory(live->meter) >> 20,
			 kernel_meter_cpus(live->meter), live->sets);
	return live->meter != NULL;
}

static void tell(void *data, const char *interface, const char *news)
{
	const struct live *live = data;

	if (live->links || !live->options->quiet)
		log_line("%s%s%s", interface ? interface : "", interface ? ": " : "", news);
}

static struct links_options links_options_of(struct live *live)
{
	return (struct links_options){
		.interfaces = live->options->interfaces,
		.attach = live->options->attach,
		.tell = tell,
		.data = live,
	};
}

static void settle_account(const struct live *live, struct account *account)
{
	struct meter_counts counts;

	if (!kernel_meter_counts(live->meter, &counts, NULL))
		return;
	account_add_counts(account, &counts);
	for (int v = METER_OK; v < METER_VERDICTS; v++) {
		account->seen.packets += counts.packets[v];
		account->seen.frame_octets += counts.frame_octets[v];
	}
	account->max_flows = live->options->max_flows;
	account->memory_octets = kernel_meter_memory(live->meter);
	for (size_t i = 0; i < fanout_count(live->fanout); i++)
		account_add_destination(account, fanout_counts(live->fanout, i));
}

/* Records do not wait for a full buffer: who reads along, or loses this process, has them. */
static void flush(struct live *live)
{
	gint64 now = g_get_monotonic_time();
	GError *error = NULL;

	if (now < live->next_flush)
		return;
	live->next_flush = now + LIVE_FLUSH_US;
	if (!fanout_flush(live->fanout, &error))
		note_error(live, error);
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

static void run(struct live *live)
{
	while (!stop_wanted()) {
		if (!take_records(live, WAIT_MS))
			return;
		links_watch(live->links);
		flush(live);
		show(live);
	}
}

/* Programs that were running when the hooks were taken off have ended after a grace period; then
 * nobody but the scan touches the tables, and what it leaves behind is nothing. */
static void finish(struct live *live)
{
	GError *error = NULL;

	live_view_leave(live->options->view);
	if (!links_free(g_steal_pointer(&live->links), &error))
		note_error(live, g_steal_pointer(&error));
	if (!grace_wait(&error))
		note_error(live, g_steal_pointer(&error));
	scan_finish(live->scan);
	while (!scan_done(live->scan)) {
		if (!take_records(live, 10))
			break;
	}
	if (!scan_free(g_steal_pointer(&live->scan), &error))
		note_error(live, g_steal_pointer(&error));
	if (!kernel_meter_drain(live->meter, on_record, live, &error))
		note_error(live, g_steal_pointer(&error));
	write_batch(live);
	if (!fanout_finish(live->fanout, &error))
		note_error(live, error);
}

static bool open_live(struct live *live, GError **error)
{
	const struct links_options links = links_options_of(live);

	if (!links_check(&links, error))
		return false;
	live->fanout = fanout_new(&live->options->export, error);
	if (!live->fanout || !open_meter(live, error))
		return false;
	live->epoch_ns = epoch_difference();
	live->scan = scan_start(live->meter, live->sets, PERIOD_MS);
	live->links = links_new(live->meter, &links, error);
	return live->links != NULL;
}

bool live_run(const struct live_options *options, struct account *ret_account, GError **error)
{
	struct live live = { .options = options };
	bool good;

	if (options->attach.hook == ATTACH_PACKET)
		return live_packet_run(options, ret_account, error);
	live.batch = g_new0(struct flow_batch, 1);
	stop_watch(options->duration_ns);
	good = open_live(&live, error);
	if (good) {
		run(&live);
		finish(&live);
		settle_account(&live, ret_account);
	}
	links_free(live.links, NULL);
	scan_free(live.scan, NULL);
	kernel_meter_free(live.meter);
	fanout_free(live.fanout);
	g_free(live.batch);
	if (live.first) {
		g_propagate_error(error, live.first);
		good = false;
	}
	return good;
}
