/* SPDX-License-Identifier: BSD-2-Clause */
/* The account is exact: a flow is written when the system took the octets of its last record, and
 * failed when it was given but is not in the file. As octets wait in the encoder and in the
 * writer, flows wait with them:
 *
 *	told ──► held, open (in the encoder) ──► buffered (in the writer) ──► counts.flows
 *
 * The encoder says at each call of the sink how many records the octets hold, and so, as the
 * number of records of a flow is known, which flows are now in the writer. */
#include "export/destination.h"

#include <string.h>

#include "base/error.h"
#include "export/destination_url.h"
#include "export/file_writer.h"
#include "export/ledger.h"

#define TEMPLATE_DEFAULT "standard"

struct destination {
	char *url;
	char *path;
	struct record_template *layout;
	struct encoder *encoder;
	struct ledger ledger;
	struct file_writer *writer;
	bool over; /* failed, or finished */
	struct export_counts counts;

	struct tally told;	  /* flows given to the encoder */
	struct tally buffered;	  /* flows in the writer */
	guint64 buffered_through; /* records that were made when the writer last got octets */
};

static bool drain(struct destination *destination, GError **error)
{
	struct export_counts *counts = &destination->counts;

	if (!file_writer_drain(destination->writer, error))
		return false;
	counts->flows += destination->buffered.flows;
	counts->packets += destination->buffered.packets;
	counts->octets += destination->buffered.octets;
	counts->records = destination->buffered_through;
	destination->buffered = (struct tally){ 0 };
	return true;
}

/* What the encoder calls with finished octets. */
static bool take(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct destination *destination = data;

	if (!file_writer_fits(destination->writer, length) && !drain(destination, error))
		return false;
	destination->buffered_through = destination->ledger.made;
	ledger_settle(&destination->ledger, &destination->buffered);
	return file_writer_add(destination->writer, octets, length, error);
}

static const char *template_of(const struct destination_url *url,
			       const struct export_options *options)
{
	if (url->template_name != NULL)
		return url->template_name;
	if (options->template_name != NULL)
		return options->template_name;
	return url->ops->template_name != NULL ? url->ops->template_name : TEMPLATE_DEFAULT;
}

static bool open_encoder(struct destination *destination, const struct destination_url *url,
			 const struct export_options *options, GError **error)
{
	destination->layout =
		record_template_load(template_of(url, options), options->direction, error);
	if (destination->layout == NULL)
		return false;
	destination->encoder = url->ops->open(
		&(struct encoder_options){
			.record_template = destination->layout,
			.pen = options->pen,
			.domain = url->has_domain ? url->domain : options->domain,
			.message_max = url->mtu,
		},
		take, destination, error);
	destination->ledger = (struct ledger){
		.ops = url->ops,
		.encoder = destination->encoder,
		.layout = destination->layout,
	};
	return destination->encoder != NULL;
}

struct destination *destination_new(const char *url, const struct export_options *options,
				    GError **error)
{
	struct destination_url parsed;
	struct destination *destination;

	if (!destination_url_parse(url, &parsed, error))
		return NULL;
	destination = g_new0(struct destination, 1);
	destination->url = g_strdup(url);
	destination->counts.url = destination->url;
	destination->path = g_steal_pointer(&parsed.path);
	if (open_encoder(destination, &parsed, options, error)) {
		destination->writer = file_writer_open(destination->path, error);
		if (destination->writer == NULL)
			g_prefix_error(error, "destination \"%s\": ", url);
	}
	destination_url_clear(&parsed);
	if (destination->writer == NULL)
		g_clear_pointer(&destination, destination_free);
	return destination;
}

void destination_free(struct destination *destination)
{
	if (destination == NULL)
		return;
	if (destination->encoder != NULL)
		destination->ledger.ops->free(destination->encoder);
	file_writer_free(destination->writer);
	record_template_free(destination->layout);
	g_free(destination->path);
	g_free(destination->url);
	g_free(destination);
}

bool destination_is(const struct destination *destination, const char *path)
{
	return file_writer_is(destination->writer, path);
}

bool destination_same(const struct destination *a, const struct destination *b)
{
	return g_str_equal(a->path, b->path) || file_writer_same(a->writer, b->writer);
}

enum flow_detail destination_detail(const struct destination *destination)
{
	return destination->layout->detail;
}

bool destination_start(struct destination *destination, GError **error)
{
	if (file_writer_start(destination->writer, error))
		return true;
	g_prefix_error(error, "destination \"%s\": ", destination->url);
	return false;
}

/* Everything given and not written has failed, now and from now on. */
static bool give_up(struct destination *destination, GError **error)
{
	struct export_counts *counts = &destination->counts;

	destination->over = true;
	file_writer_abandon(destination->writer);
	counts->failed_flows = destination->told.flows - counts->flows;
	counts->failed_packets = destination->told.packets - counts->packets;
	counts->failed_octets = destination->told.octets - counts->octets;
	g_prefix_error(error, "destination \"%s\": ", destination->url);
	if (error != NULL && *error != NULL) {
		char *message =
			g_strconcat((*error)->message, "; it is left out from here on", NULL);

		g_free((*error)->message);
		(*error)->message = message;
	}
	return false;
}

static void count(struct destination *destination, const struct flow_batch *batch)
{
	struct export_counts *counts = &destination->counts;
	struct tally told = { 0 };
	struct tally untold = { 0 };

	ledger_sort(&destination->ledger, batch, &told, &untold);
	counts->untold_flows += untold.flows;
	counts->untold_packets += untold.packets;
	counts->untold_octets += untold.octets;
	if (destination->over) {
		counts->failed_flows += told.flows;
		counts->failed_packets += told.packets;
		counts->failed_octets += told.octets;
	}
	tally_move(&destination->told, &told);
}

static bool flush(struct destination *destination, GError **error)
{
	return destination->ledger.ops->flush(destination->encoder, error) &&
	       drain(destination, error);
}

bool destination_write(struct destination *destination, const struct flow_batch *batch,
		       GError **error)
{
	count(destination, batch);
	if (destination->over)
		return true;
	if (!ledger_encode(&destination->ledger, destination->encoder, batch, error))
		return give_up(destination, error);
	if (file_writer_is_terminal(destination->writer) && !flush(destination, error))
		return give_up(destination, error);
	return true;
}

/* Before the first flow an encoder would tell its templates at a time it does not know yet. */
bool destination_flush(struct destination *destination, GError **error)
{
	if (destination->over || destination->told.flows == 0)
		return true;
	return flush(destination, error) || give_up(destination, error);
}

bool destination_finish(struct destination *destination, GError **error)
{
	struct export_counts *counts = &destination->counts;

	if (destination->over)
		return true;
	if (!flush(destination, error) || !file_writer_close(destination->writer, error))
		return give_up(destination, error);
	destination->over = true;
	/* Nothing waits anywhere any more. */
	counts->flows = destination->told.flows;
	counts->packets = destination->told.packets;
	counts->octets = destination->told.octets;
	counts->records = destination->ledger.made;
	return true;
}

const struct export_counts *destination_counts(const struct destination *destination)
{
	return &destination->counts;
}
