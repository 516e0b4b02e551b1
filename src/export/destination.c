/* SPDX-License-Identifier: BSD-2-Clause */
/* The account is exact: a flow is written when the system took the octets of its last record, and
 * failed when it was given but is not in the file. As octets wait in the encoder and in the
 * writer, flows wait with them:
 *
 *	told ──► held, open (in the encoder) ──► buffered (in the writer) ──► counts.flows
 *
 * The encoder says at each call of the sink how many records the octets hold, and so, as the
 * number of records of a flow is known, which flows are now in the writer.
 *
 * With rotation every file is a session of its own, with an encoder of its own: templates come
 * first, and sequence numbers begin anew. A file is begun with its first flow, so none is empty. */
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "export/counts.h"
#include "export/destination_check.h"
#include "export/destination_parts.h"
#include "export/statistics.h"

static bool drain(struct destination *destination, GError **error)
{
	struct export_counts *counts = &destination->counts;

	if (!destination_is_there(destination, error) ||
	    !file_writer_drain(destination->writer, error))
		return false;
	if (destination->waiting)
		destination_has_written(destination);
	destination->waiting = false;
	counts->flows += destination->buffered.flows;
	counts->packets += destination->buffered.packets;
	counts->octets += destination->buffered.octets;
	counts->records += destination->buffered_through - destination->written_through;
	destination->written_through = destination->buffered_through;
	tally_move(&destination->written, &destination->buffered);
	return true;
}

/* Where the file goes on after another encoder, so do its numbers. */
static bool add(struct destination *destination, const guint8 *octets, size_t length,
		GError **error)
{
	const struct encoder_ops *ops = destination->ledger.ops;
	g_autofree guint8 *numbered = NULL;

	if (ops->sequence == ENCODER_NO_SEQUENCE || destination->sequence_base == 0)
		return file_writer_add(destination->writer, octets, length, error);
	numbered = g_memdup2(octets, length);
	store_be32(numbered + ops->sequence_at,
		   load_be32(octets + ops->sequence_at) + destination->sequence_base);
	return file_writer_add(destination->writer, numbered, length, error);
}

/* Where the file goes on if what waits cannot be written. */
static void note_first(struct destination *destination, const guint8 *octets)
{
	const struct encoder_ops *ops = destination->ledger.ops;

	if (destination->waiting)
		return;
	destination->waiting = true;
	if (ops->sequence != ENCODER_NO_SEQUENCE)
		destination->waiting_sequence =
			load_be32(octets + ops->sequence_at) + destination->sequence_base;
}

/* What the encoder calls with finished octets. */
static bool take(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct destination *destination = data;

	if (destination->next_sequence) {
		if (*destination->next_sequence == G_MAXUINT32)
			*destination->next_sequence =
				load_be32(octets + destination->ledger.ops->sequence_at);
		return true;
	}
	if (!file_writer_fits(destination->writer, length) && !drain(destination, error))
		return false;
	note_first(destination, octets);
	destination->counts.messages++;
	destination->counts.message_octets += length;
	destination->buffered_through = destination->ledger.made;
	ledger_settle(&destination->ledger, &destination->buffered);
	return add(destination, octets, length, error);
}

/* A new encoder, and the account of its file. */
bool destination_renew(struct destination *destination, const struct encoder_ops *ops,
		       GError **error)
{
	struct encoder *encoder = ops->open(&destination->form, take, destination, error);

	if (encoder == NULL)
		return false;
	if (destination->encoder != NULL)
		ops->free(destination->encoder);
	destination->encoder = encoder;
	destination->ledger =
		(struct ledger){ .ops = ops, .encoder = encoder, .layout = destination->layout };
	destination->told = destination->buffered = destination->written = (struct tally){ 0 };
	destination->buffered_through = destination->written_through = 0;
	return true;
}

static bool open_encoder(struct destination *destination, const struct destination_url *url,
			 const struct export_options *options, GError **error)
{
	destination->layout =
		record_template_load(destination_template(url, options), options->direction, error);
	if (destination->layout == NULL)
		return false;
	destination->form = (struct encoder_options){
		.record_template = destination->layout,
		.pen = options->pen,
		.domain = url->has_domain ? url->domain : options->domain,
		.sampling = options->sampling,
		.random_sampling = options->random_sampling,
		.message_max = url->mtu,
	};
	return destination_renew(destination, url->ops, error);
}

static bool open_output(struct destination *destination, const struct destination_url *url,
			GError **error)
{
	destination->rotation = (struct rotation){
		.period_ns = url->rotate_ns,
		.octets = url->rotate_octets,
	};
	if (url->rotate_ns != 0 || url->rotate_octets != 0) {
		destination->series =
			file_series_new(destination->url, destination->path, url->gzip);
		destination->run = g_new(struct flow_batch, 1);
		return true;
	}
	destination->made = access(destination->path, F_OK) != 0;
	destination->writer = file_writer_open(destination->path, url->gzip, error);
	if (destination->writer == NULL)
		g_prefix_error(error, "destination \"%s\": ", destination->url);
	return destination->writer != NULL;
}

struct destination *destination_new(const char *url, const char *label,
				    const struct export_options *options, GError **error)
{
	struct destination_url parsed;
	struct destination *destination;
	bool good;

	if (!destination_url_parse_as(url, label, &parsed, NULL, error))
		return NULL;
	destination = g_new0(struct destination, 1);
	destination->url = g_strdup(label);
	destination->counts.url = destination->url;
	destination->clock_ns = options->clock_ns;
	destination->retry_ms = DESTINATION_RETRY_MS;
	destination->path = g_steal_pointer(&parsed.path);
	destination->gzip = parsed.gzip;
	good = open_encoder(destination, &parsed, options, error) &&
	       open_output(destination, &parsed, error);
	destination_url_clear(&parsed);
	if (!good)
		g_clear_pointer(&destination, destination_free);
	return destination;
}

void destination_free(struct destination *destination)
{
	if (destination == NULL)
		return;
	if (destination->encoder != NULL)
		destination->ledger.ops->free(destination->encoder);
	if (destination->series == NULL)
		file_writer_free(destination->writer);
	/* It never came to be. */
	if (destination->writer != NULL && destination->made && !destination->started)
		unlink(destination->path);
	file_series_free(destination->series);
	record_template_free(destination->layout);
	g_free(destination->run);
	g_free(destination->path);
	g_free(destination->url);
	g_free(destination);
}

/* Of the files of a series, none was there before. */
bool destination_is(const struct destination *destination, const char *path)
{
	return destination->series == NULL && file_writer_is(destination->writer, path);
}

bool destination_writes(const struct destination *destination, const char *path)
{
	if (destination->series != NULL)
		return false;
	return g_str_equal(destination->path, path) ||
	       (!g_str_equal(path, "-") && destination_is(destination, path));
}

bool destination_same(const struct destination *a, const struct destination *b)
{
	if (a->series != NULL || b->series != NULL)
		return g_str_equal(a->path, b->path);
	return g_str_equal(a->path, b->path) || file_writer_same(a->writer, b->writer);
}

enum flow_detail destination_detail(const struct destination *destination)
{
	return destination->layout->detail;
}

const struct record_template *destination_layout(const struct destination *destination)
{
	return destination->layout;
}

static bool start_file(struct destination *destination, bool beside, GError **error)
{
	g_autofree char *kept = NULL;

	if (!beside)
		return file_writer_start(destination->writer, error);
	if (!file_writer_start_beside(destination->writer, destination->path, &kept, error))
		return false;
	if (kept)
		log_line("destination \"%s\": what an earlier process wrote there is in %s now",
			 destination->url, kept);
	return true;
}

bool destination_start(struct destination *destination, bool beside, GError **error)
{
	destination->started = true;
	if (destination->series != NULL ? file_series_prepare(destination->series, error)
					: start_file(destination, beside, error))
		return true;
	g_prefix_error(error, "destination \"%s\": ", destination->url);
	return false;
}

static bool flush(struct destination *destination, GError **error)
{
	return destination->ledger.ops->flush(destination->encoder, error) &&
	       drain(destination, error);
}

static bool end_file(struct destination *destination, GError **error)
{
	GError *fault = NULL;
	bool ended;

	/* It was begun to see whether it can be. */
	if (destination->told.flows == 0) {
		file_series_abandon(destination->series, false);
		destination->writer = NULL;
		destination->waiting = false;
		return destination_renew(destination, destination->ledger.ops, &fault) ||
		       destination_give_up(destination, fault, error);
	}
	if (!flush(destination, &fault))
		return destination_give_up(destination, fault, error);
	ended = file_series_end(destination->series, &fault);
	destination->writer = NULL;
	if (!ended)
		destination_take_back(destination);
	if (!ended || !destination_renew(destination, destination->ledger.ops, &fault))
		return destination_give_up(destination, fault, error);
	destination->told_failure = false;
	return true;
}

/* To the file of the time that the clock is in. */
static bool turn(struct destination *destination, GError **error)
{
	struct rotation *rotation = &destination->rotation;
	bool good = true;

	if (!rotation_over(rotation, rotation->clock_ns))
		return true;
	if (destination->writer != NULL)
		good = end_file(destination, error);
	rotation_turn(rotation);
	if (!destination->down)
		return good;
	if (destination->clock_ns == NULL)
		destination->down = false;
	else
		destination->retry_us = 0;
	return destination_look(destination, NULL) && good;
}

static bool begin_file(struct destination *destination, GError **error)
{
	if (destination->writer == NULL)
		destination->writer = file_series_begin(
			destination->series, rotation_seconds(&destination->rotation), error);
	return destination->writer != NULL;
}

/* Flows that become records; the others are counted. */
static struct tally count(struct destination *destination, const struct flow_batch *batch)
{
	struct export_counts *counts = &destination->counts;
	struct tally told = { 0 };
	struct tally untold = { 0 };

	ledger_sort(&destination->ledger, batch, &told, &untold);
	counts->untold_flows += untold.flows;
	counts->untold_packets += untold.packets;
	counts->untold_octets += untold.octets;
	return told;
}

/* Flows of one file. */
static bool write_run(struct destination *destination, const struct flow_batch *batch,
		      GError **error)
{
	struct tally told = count(destination, batch);
	GError *fault = NULL;

	if (destination->over || destination->down) {
		counts_failed(&destination->counts, &told);
		return true;
	}
	if (told.flows == 0)
		return true;
	tally_move(&destination->told, &told);
	if (!begin_file(destination, &fault) ||
	    !ledger_encode(&destination->ledger, destination->encoder, batch, &fault))
		return destination_give_up(destination, fault, error);
	if (rotation_full(&destination->rotation, file_writer_size(destination->writer)))
		return end_file(destination, error);
	if (file_writer_is_terminal(destination->writer) && !flush(destination, &fault))
		return destination_give_up(destination, fault, error);
	return true;
}

/* Time, as it is when the flow goes out. */
static guint64 clock_at(const struct destination *destination, const struct flow *flow)
{
	if (destination->clock_ns != NULL)
		return destination->rotation.clock_ns;
	return MAX(destination->rotation.clock_ns, flow_last_ns(flow));
}

/* How many flows from the first on go into the file. A file may be full after any one of them, and
 * that must not depend on how many come at a time. */
static size_t run_length(struct destination *destination, const struct flow_batch *batch,
			 size_t first)
{
	struct rotation *rotation = &destination->rotation;
	size_t next = first + 1;

	for (; rotation->octets == 0 && next < batch->count; next++) {
		guint64 clock_ns = clock_at(destination, &batch->records[next].flow);

		if (rotation_over(rotation, clock_ns))
			break;
		rotation->clock_ns = clock_ns;
	}
	return next - first;
}

static bool write_copy(struct destination *destination, const struct flow_batch *batch,
		       size_t first, size_t length, GError **error)
{
	struct flow_batch *run = destination->run;

	run->count = length;
	memcpy(run->records, batch->records + first, length * sizeof(*run->records));
	memcpy(run->extras, batch->extras + first, length * sizeof(*run->extras));
	return write_run(destination, run, error);
}

/* Keeps the first error. */
static bool note(bool good, GError *fault, GError **error)
{
	if (fault == NULL)
		return good;
	if (error == NULL || *error != NULL)
		g_error_free(fault);
	else
		g_propagate_error(error, fault);
	return false;
}

static bool write_series(struct destination *destination, const struct flow_batch *batch,
			 GError **error)
{
	struct rotation *rotation = &destination->rotation;
	bool good = true;
	size_t length;

	if (destination->clock_ns != NULL)
		rotation->clock_ns = destination->clock_ns();
	for (size_t first = 0; first < batch->count; first += length) {
		GError *fault = NULL;

		rotation->clock_ns = clock_at(destination, &batch->records[first].flow);
		turn(destination, &fault);
		good = note(good, g_steal_pointer(&fault), error);
		length = run_length(destination, batch, first);
		if (length == batch->count)
			write_run(destination, batch, &fault);
		else
			write_copy(destination, batch, first, length, &fault);
		good = note(good, fault, error);
	}
	return good;
}

bool destination_write(struct destination *destination, const struct flow_batch *batch,
		       GError **error)
{
	return destination->series != NULL ? write_series(destination, batch, error)
					   : write_run(destination, batch, error);
}

bool destination_tick(struct destination *destination, GError **error)
{
	if (destination->clock_ns == NULL || destination->over)
		return true;
	if (destination->series != NULL) {
		destination->rotation.clock_ns = destination->clock_ns();
		if (!turn(destination, error))
			return false;
	}
	return destination_look(destination, error);
}

/* Before the first flow an encoder would tell its templates at a time it does not know yet. */
bool destination_flush(struct destination *destination, GError **error)
{
	GError *fault = NULL;

	if (destination->over || destination->told.flows == 0)
		return true;
	return flush(destination, &fault) || destination_give_up(destination, fault, error);
}

bool destination_report(struct destination *destination, const struct export_statistics *statistics,
			GError **error)
{
	const struct encoder_ops *ops = destination->ledger.ops;
	const struct export_report report = { statistics, &destination->counts };
	guint64 options = 0;
	GError *fault = NULL;

	if (!ops->report || destination->over || destination->down || !destination->writer)
		return true;
	if ((destination->told.flows == 0 || flush(destination, &fault)) &&
	    ops->report(destination->encoder, &report, &options, &fault) &&
	    drain(destination, &fault))
		return true;
	return destination_give_up(destination, fault, error);
}

bool destination_finish(struct destination *destination, GError **error)
{
	GError *fault = NULL;
	bool good = true;

	if (destination->over)
		return true;
	if (destination->down)
		destination_mend(destination);
	else if (destination->series == NULL)
		good = (flush(destination, &fault) &&
			file_writer_close(destination->writer, &fault)) ||
		       destination_give_up(destination, fault, error);
	else if (destination->writer != NULL)
		good = end_file(destination, error);
	destination->over = true;
	return good;
}

const struct export_counts *destination_counts(const struct destination *destination)
{
	return &destination->counts;
}
