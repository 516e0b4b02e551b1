/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of the data put together: capture files -> native meter -> destinations. */
#include "setup/pipeline.h"

#include "base/error.h"
#include "base/log.h"
#include "capture/capture_file.h"
#include "capture/link_strip.h"
#include "capture/native_meter.h"
#include "capture/sieve.h"
#include "capture/table.h"
#include "enrich/interface.h"
#include "setup/copies.h"
#include "setup/statistics.h"
#include "setup/stop.h"

#define BATCH_MAX 1024

struct pipeline {
	const struct replay_options *options;
	struct fanout *fanout;
	struct native_meter *meter;
	struct sieve *sieve;
	struct account *account;
	const char *path; /* of the file being read */
	struct interface_names *names;
	struct places *places;
	GArray *numbers; /* guint16: of the file's interfaces, from 1, in the run */
	bool renumbered; /* some number is not the file's own */
	struct statistics statistics;
	GError *first; /* the first thing that went wrong, said at the end */
	bool begun;
	bool left;		      /* whoever looked on has seen enough */
	struct account_flows watched; /* given to them */
	struct frame frames[BATCH_MAX];
};

/* The first error is the run's; a second one must be said here, or nobody would hear of it. */
static void note_error(struct pipeline *line, GError *error)
{
	if (!error)
		return;
	if (line->first)
		log_error(error);
	else
		line->first = error;
}

static void give_watch(struct pipeline *line, struct flow_batch *batch)
{
	places_look(line->places, batch);
	line->options->watch->flows(line->options->watch->data, batch);
	for (size_t i = 0; i < batch->count; i++) {
		line->watched.packets += flow_packets(&batch->records[i].flow);
		line->watched.octets += flow_octets(&batch->records[i].flow);
	}
	line->watched.flows += batch->count;
	line->watched.records += batch->count;
}

static void on_batch(void *data, struct flow_batch *batch)
{
	struct pipeline *line = data;
	GError *error = NULL;

	interface_names_enrich(line->names, batch);
	places_enrich(line->places, line->fanout, batch);
	if (line->options->watch)
		give_watch(line, batch);
	if (!fanout_write(line->fanout, batch, &error))
		note_error(line, error);
}

static guint64 native_seed(const struct replay_options *options)
{
	if (options->seed_given)
		return options->seed;
	return (guint64)g_random_int() << 32 | g_random_int();
}

static bool open_meter(struct pipeline *line, GError **error)
{
	const struct replay_options *options = line->options;
	struct native_options native = {
		.idle_ns = options->idle_timeout_ns,
		.active_ns = options->active_timeout_ns ? options->active_timeout_ns : G_MAXUINT64,
		.max_flows = (guint32)options->max_flows,
		.detail = options->detail >= 0 ? (enum flow_detail)options->detail
					       : fanout_detail(line->fanout),
		.circumstances = FLOW_FILE_CLOCK,
		.sample = options->export.sampling,
		.tunnels = options->tunnels,
		.sample_random = options->export.random_sampling,
		.seed = native_seed(options),
		.sink = on_batch,
		.data = line,
	};

	line->account->max_flows = options->max_flows;
	line->account->memory_octets = flow_table_memory(native.max_flows, native.detail);
	line->meter = native_meter_new(&native, error);
	return line->meter != NULL;
}

/* A file describes its interfaces before their packets, but not all of them at its start. */
static void number_interfaces(struct pipeline *line, const struct capture_file *file)
{
	for (guint i = line->numbers->len; i <= capture_file_interfaces(file); i++) {
		guint16 number = interface_names_number(line->names, (guint16)i,
							capture_file_interface_name(file, i));

		g_array_append_val(line->numbers, number);
		line->renumbered |= number != i;
	}
}

static void renumber(struct pipeline *line, size_t count)
{
	for (size_t i = 0; i < count; i++)
		line->frames[i].iface =
			g_array_index(line->numbers, guint16, line->frames[i].iface);
}

static void take_frames(struct pipeline *line, const struct capture_file *file, size_t count)
{
	struct account_seen *seen = &line->account->seen;

	seen->packets += count;
	for (size_t i = 0; i < count; i++)
		seen->frame_octets += line->frames[i].length;
	for (size_t i = 0; i < count; i++)
		statistics_packet(&line->statistics, line->frames[i].time_ns);
	number_interfaces(line, file);
	if (line->renumbered)
		renumber(line, count);
	count = sieve_frames(line->sieve, line->frames, count);
	if (line->options->watch &&
	    !line->options->watch->frames(line->options->watch->data, line->frames, count))
		line->left = true;
	native_meter_frames(line->meter, line->frames, count);
}

static bool is_over(const struct pipeline *line)
{
	return line->left || stop_wanted();
}

static void tell_progress(struct pipeline *line, const struct capture_file *file)
{
	const struct replay_options *options = line->options;
	const struct replay_watch *watch = options->watch;

	if (options->progress)
		options->progress(options->progress_data, line->path, capture_file_offset(file),
				  capture_file_size(file), line->account->seen.packets);
	if (watch)
		watch->progress(watch->data, &(struct replay_state){
						     .offset = capture_file_offset(file),
						     .size = capture_file_size(file),
						     .seen = line->account->seen.packets,
						     .counts = native_meter_counts(line->meter),
					     });
}

static bool replay_file(struct pipeline *line, const char *path, GError **error)
{
	const struct replay_options *options = line->options;
	struct capture_file *file = capture_file_open(path, error);
	int count = 0;

	if (!file)
		return false;
	line->path = path;
	if (options->begin && !line->begun)
		options->begin(line->account);
	line->begun = true;
	g_array_set_size(line->numbers, 1); /* there is no interface 0 */
	line->renumbered = false;
	while (!is_over(line) &&
	       (count = capture_file_read(file, line->frames, options->batch, error)) > 0) {
		take_frames(line, file, (size_t)count);
		tell_progress(line, file);
	}
	capture_file_free(file);
	return count >= 0;
}

static void tell_statistics(struct pipeline *line)
{
	struct account account = { 0 };
	GError *error = NULL;

	account_add_counts(&account, native_meter_counts(line->meter));
	account_add_counts(&account, sieve_counts(line->sieve));
	if (!statistics_tell(&line->statistics, line->fanout, &account, line->names, &error))
		note_error(line, error);
}

static void settle_account(struct pipeline *line)
{
	struct account *account = line->account;
	guint count;
	const struct dedup_pair *copies = sieve_copies(line->sieve, &count);

	account_add_counts(account, native_meter_counts(line->meter));
	account_add_counts(account, sieve_counts(line->sieve));
	copies_settle(account, copies, count, line->names);
	account->in_cache.flows = native_meter_flows(line->meter);
	account_add_fanout(account, line->fanout);
	if (fanout_count(line->fanout) == 0)
		account->exported = line->watched;
	places_settle(line->places, account);
}

static void replay_files(struct pipeline *line)
{
	GError *error = NULL;

	stop_watch(0);
	for (const char *const *path = line->options->files; *path && !is_over(line); path++) {
		if (replay_file(line, *path, &error))
			continue;
		line->account->damaged |= g_error_matches(error, WEIR_ERROR, WEIR_ERROR_DAMAGED);
		note_error(line, g_steal_pointer(&error));
	}
	if (stop_wanted())
		note_error(line, g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED,
						     "stopped by a signal; the records and the "
						     "account are of what was read until then"));
	native_meter_finish(line->meter);
	tell_statistics(line);
	if (!fanout_finish(line->fanout, &error))
		note_error(line, error);
	settle_account(line);
}

static void on_unread(void *data, guint16 linktype)
{
	const struct pipeline *line = data;
	g_autofree char *what = link_strip_describe(linktype);

	if (!line->options->quiet)
		log_warning("%s: link type %s is not read; its packets are set aside as linkType",
			    line->path, what);
}

static void on_unfit(void *data, guint16 linktype, const char *reason)
{
	const struct pipeline *line = data;
	g_autofree char *what = link_strip_describe(linktype);

	if (!line->options->quiet)
		log_warning("%s: no packet of link type %s matches the filter: %s", line->path,
			    what, reason);
}

static bool open_line(struct pipeline *line, GError **error)
{
	const struct sieve_options sieve = { .filter = line->options->filter,
					     .dedup = line->options->dedup,
					     .unread = on_unread,
					     .unfit = on_unfit,
					     .data = line };
	struct export_options export = line->options->export;

	export.keep = line->options->files;
	line->sieve = sieve_new(&sieve, error);
	if (!line->sieve)
		return false;
	line->places = places_new(&line->options->places, error);
	if (!line->places)
		return false;
	line->statistics.places = line->places;
	line->fanout = fanout_new(&export, error);
	return line->fanout && open_meter(line, error);
}

bool replay_run(const struct replay_options *options, struct account *ret_account, GError **error)
{
	struct pipeline *line = g_new0(struct pipeline, 1);
	bool good;

	line->options = options;
	line->account = ret_account;
	line->names = interface_names_new();
	line->statistics = statistics_replay();
	line->numbers = g_array_new(FALSE, TRUE, sizeof(guint16));
	good = open_line(line, error);
	if (good)
		replay_files(line);
	native_meter_free(line->meter);
	sieve_free(line->sieve);
	fanout_free(line->fanout);
	g_array_unref(line->numbers);
	interface_names_free(line->names);
	places_free(line->places);
	if (line->first) {
		g_propagate_error(error, line->first);
		good = false;
	}
	g_free(line);
	return good;
}
