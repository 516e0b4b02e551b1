/* SPDX-License-Identifier: BSD-2-Clause */
/* The destinations of a run, side by side: none knows of the others, so one that fails leaves them
 * alone. */
#include "export/fanout.h"

#include "base/error.h"
#include "base/log.h"
#include "export/destination.h"
#include "export/destination_check.h"
#include "export/share.h"
#include "export/way.h"

/* Datagrams a second of a replay, unless the user says. */
#define REPLAY_PACE 10000
/* How long a flush waits for collectors to take what waits for them. */
#define FLUSH_MS    100
/* Destinations of a run. */
#define FANOUT_MOST 256

struct fanout {
	GArray *ways;		 /* in the user's order */
	GPtrArray *destinations; /* files, of struct destination */
	GPtrArray *streams;	 /* to collectors, of struct stream */
	GPtrArray *senders;
	enum fanout_policy policy;
	size_t active;		 /* of FANOUT_FAILOVER: who gets the flows */
	struct flow_batch *part; /* what one destination gets of a batch */
};

/* Whether the place the destination writes to is free: NULL, or why it is not. */
static const char *occupied(const struct fanout *fanout, const struct destination *destination,
			    const struct export_options *options)
{
	for (guint i = 0; i < fanout->destinations->len; i++) {
		if (destination_same(g_ptr_array_index(fanout->destinations, i), destination))
			return "another destination writes there; give each a place of its own";
	}
	for (size_t i = 0; options->keep != NULL && options->keep[i] != NULL; i++) {
		if (destination_is(destination, options->keep[i]))
			return "that file is what is being read; name another";
	}
	if (options->account != NULL && destination_is(destination, options->account))
		return "the account goes to that file; name another";
	return NULL;
}

static bool add_file(struct fanout *fanout, struct way *way, const struct export_options *options,
		     GError **error)
{
	const char *label = way_label(way);
	struct destination *destination = destination_new(way->url, label, options, error);
	const char *reason;

	if (destination == NULL)
		return false;
	reason = occupied(fanout, destination, options);
	if (reason != NULL) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "destination \"%s\": %s", label,
			    reason);
		destination_free(destination);
		return false;
	}
	g_ptr_array_add(fanout->destinations, destination);
	way->file = destination;
	return true;
}

static struct stream *stream_for(struct fanout *fanout, const struct stream_options *options,
				 GError **error)
{
	struct stream *stream;

	/* Where they share the flows, each has other records. */
	for (guint i = 0; i < fanout->streams->len && fanout->policy == FANOUT_ALL; i++) {
		stream = g_ptr_array_index(fanout->streams, i);
		if (stream_is(stream, options))
			return stream;
	}
	stream = stream_new(options, error);
	if (stream)
		g_ptr_array_add(fanout->streams, stream);
	return stream;
}

/* A capture is read faster than any collector takes datagrams; traffic has a pace of its own. */
static guint64 pace_of(const struct destination_url *url, const struct export_options *options)
{
	if (url->pace != G_MAXUINT64)
		return url->pace;
	return options->patient && url->transport->datagrams ? REPLAY_PACE : 0;
}

/* With others, a run has its use without this one. */
static bool is_strict(const struct export_options *options)
{
	return options->strict && options->to[0] && !options->to[1];
}

static bool add_collector(struct fanout *fanout, struct way *way, const struct destination_url *url,
			  const struct export_options *options, GError **error)
{
	const struct stream_options form = {
		.form = url->ops,
		.template_name = destination_template(url, options),
		.direction = options->direction,
		.pen = options->pen,
		.domain = url->has_domain ? url->domain : options->domain,
		.sampling = options->sampling,
		.random_sampling = options->random_sampling,
		.message_max = url->mtu ? url->mtu : url->transport->message_max,
		.message_grows = !url->mtu,
	};
	const struct sender_options place = {
		.url = way_label(way),
		.form = url->ops,
		.transport = url->transport,
		.place = {
			.host = url->host,
			.port = url->port,
			.timeout_s = (guint)url->timeout_s,
			.ca = url->ca,
			.cert = url->cert,
			.key = url->key,
			.name = url->name,
			.renew_s = (guint)url->renew_s,
		},
		.queue_octets = url->queue_octets,
		.refresh_s = (guint)url->refresh_s,
		.refresh_messages = (guint)url->refresh_messages,
		.pace = pace_of(url, options),
		.linger_s = (guint)url->linger_s,
		.clock_ns = options->clock_ns,
		.patient = options->patient,
		.strict = is_strict(options),
		.shared = fanout->policy != FANOUT_ALL,
		.spool = url->spool,
		.spool_octets = url->spool_octets,
	};
	struct stream *stream = stream_for(fanout, &form, error);
	struct sender *sender;

	if (!stream)
		return false;
	sender = sender_new(&place, stream_introduction(stream), error);
	if (!sender)
		return false;
	g_ptr_array_add(fanout->senders, sender);
	stream_add(stream, sender);
	way->sender = sender;
	way->stream = stream;
	return true;
}

static bool add(struct fanout *fanout, size_t number, const struct export_options *options,
		GError **error)
{
	const char *name = options->names ? options->names[number] : "";
	struct way way = { .url = g_strdup(options->to[number]),
			   .name = *name ? g_strdup(name) : NULL };
	struct destination_url url;
	bool good = destination_url_parse_as(way.url, way_label(&way), &url, NULL, error);

	if (good) {
		good = url.transport ? add_collector(fanout, &way, &url, options, error)
				     : add_file(fanout, &way, options, error);
		destination_url_clear(&url);
	}
	if (good)
		g_array_append_val(fanout->ways, way);
	else
		way_clear(&way);
	return good;
}

/* No file is emptied before everything that can be wrong with the options has been looked at. */
static bool add_all(struct fanout *fanout, const struct export_options *options, GError **error)
{
	if (g_strv_length((char **)options->to) > FANOUT_MOST) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "more than %d destinations; take fewer", FANOUT_MOST);
		return false;
	}
	for (size_t i = 0; options->to[i] != NULL; i++) {
		if (!add(fanout, i, options, error))
			return false;
	}
	for (guint i = 0; i < fanout->destinations->len; i++) {
		if (!destination_start(g_ptr_array_index(fanout->destinations, i), error))
			return false;
	}
	if (is_strict(options) && fanout->senders->len == 1)
		return sender_reached(g_ptr_array_index(fanout->senders, 0), error);
	return true;
}

static void clear_way(gpointer way)
{
	way_clear(way);
}

static void free_destination(gpointer destination)
{
	destination_free(destination);
}

static void free_stream(gpointer stream)
{
	stream_free(stream);
}

static void free_sender(gpointer sender)
{
	sender_free(sender);
}

struct fanout *fanout_new(const struct export_options *options, GError **error)
{
	struct fanout *fanout = g_new0(struct fanout, 1);

	fanout->policy = options->policy;
	fanout->part = g_new(struct flow_batch, 1);
	fanout->ways = g_array_new(FALSE, FALSE, sizeof(struct way));
	g_array_set_clear_func(fanout->ways, clear_way);
	fanout->destinations = g_ptr_array_new_with_free_func(free_destination);
	fanout->streams = g_ptr_array_new_with_free_func(free_stream);
	fanout->senders = g_ptr_array_new_with_free_func(free_sender);
	if (!add_all(fanout, options, error)) {
		fanout_free(fanout);
		return NULL;
	}
	return fanout;
}

void fanout_free(struct fanout *fanout)
{
	if (fanout == NULL)
		return;
	g_ptr_array_free(fanout->senders, TRUE);
	g_ptr_array_free(fanout->streams, TRUE);
	g_ptr_array_free(fanout->destinations, TRUE);
	g_array_free(fanout->ways, TRUE);
	g_free(fanout->part);
	g_free(fanout);
}

enum flow_detail fanout_detail(const struct fanout *fanout)
{
	enum flow_detail detail = FLOW_DETAIL_BASIC;

	for (guint i = 0; i < fanout->destinations->len; i++)
		detail =
			MAX(detail, destination_detail(g_ptr_array_index(fanout->destinations, i)));
	for (guint i = 0; i < fanout->streams->len; i++)
		detail = MAX(detail, stream_detail(g_ptr_array_index(fanout->streams, i)));
	return detail;
}

bool fanout_wants_places(const struct fanout *fanout)
{
	for (guint i = 0; i < fanout->destinations->len; i++) {
		if (destination_layout(g_ptr_array_index(fanout->destinations, i))->places)
			return true;
	}
	for (guint i = 0; i < fanout->streams->len; i++) {
		if (stream_layout(g_ptr_array_index(fanout->streams, i))->places)
			return true;
	}
	return false;
}

/* Keeps the first error. */
static void collect(GError **first, GError *error)
{
	if (error == NULL)
		return;
	if (*first == NULL)
		*first = error;
	else
		g_error_free(error);
}

static bool report(GError *first, GError **error)
{
	if (first == NULL)
		return true;
	g_propagate_error(error, first);
	return false;
}

static struct way *way_at(const struct fanout *fanout, size_t index)
{
	return &g_array_index(fanout->ways, struct way, index);
}

static void look_at_health(const struct fanout *fanout, bool healthy[FANOUT_MOST])
{
	for (size_t i = 0; i < fanout->ways->len; i++)
		healthy[i] = way_is_healthy(way_at(fanout, i));
}

/* Somebody healthy who sends messages of the same octets. */
static struct way *substitute(const struct fanout *fanout, const struct way *away)
{
	for (size_t i = 0; i < fanout->ways->len; i++) {
		struct way *way = way_at(fanout, i);

		if (way != away && way->sender && stream_equal(way->stream, away->stream) &&
		    sender_is_healthy(way->sender))
			return way;
	}
	return NULL;
}

/* Where flows go to one destination, what waits for one that is away goes to another. */
static void rescue(struct fanout *fanout)
{
	for (size_t i = 0; i < fanout->ways->len && fanout->policy != FANOUT_ALL; i++) {
		struct way *away = way_at(fanout, i);
		struct way *to = way_is_healthy(away) ? NULL : substitute(fanout, away);
		g_autoptr(GError) error = NULL;

		if (!to)
			continue;
		if (!stream_flush(away->stream, &error))
			log_line("%s", error->message);
		way_move(away, to);
	}
}

/* A run may be over before it is known who is there. */
static void rescue_last(struct fanout *fanout)
{
	for (size_t i = 0; i < fanout->ways->len && fanout->policy != FANOUT_ALL; i++) {
		if (way_at(fanout, i)->sender)
			sender_reached(way_at(fanout, i)->sender, NULL);
	}
	rescue(fanout);
	for (size_t i = 0; i < fanout->ways->len && fanout->policy != FANOUT_ALL; i++) {
		struct way *way = way_at(fanout, i);
		struct way *to;

		if (!way->sender)
			continue;
		sender_end(way->sender);
		if (sender_wait(way->sender))
			continue;
		to = substitute(fanout, way);
		if (to)
			way_move(way, to);
	}
}

/* What the way's number owns of the batch is written there; the rest is elsewhere for it. */
static bool write_part(struct fanout *fanout, const struct flow_batch *batch, const size_t *owners,
		       size_t number, GError **error)
{
	struct flow_batch *part = fanout->part;
	struct way *way = way_at(fanout, number);

	part->count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (owners[i] != number) {
			tally_flow(&way->elsewhere, &batch->records[i].flow);
			continue;
		}
		part->records[part->count] = batch->records[i];
		part->extras[part->count] = batch->extras[i];
		part->count++;
	}
	return way_write(way, part, error);
}

static bool write_shares(struct fanout *fanout, const struct flow_batch *batch, GError **error)
{
	bool healthy[FANOUT_MOST];
	size_t owners[FLOW_BATCH_MAX];
	GError *first = NULL;

	rescue(fanout);
	look_at_health(fanout, healthy);
	fanout->active = share_by_order(healthy, fanout->ways->len, fanout->active);
	for (size_t i = 0; i < batch->count; i++)
		owners[i] = fanout->policy == FANOUT_FAILOVER
				    ? fanout->active
				    : share_by_hash(&batch->records[i].flow.key, healthy,
						    fanout->ways->len);
	for (size_t i = 0; i < fanout->ways->len; i++) {
		GError *one = NULL;

		write_part(fanout, batch, owners, i, &one);
		collect(&first, one);
	}
	return report(first, error);
}

bool fanout_write(struct fanout *fanout, const struct flow_batch *batch, GError **error)
{
	GError *first = NULL;

	if (fanout->policy != FANOUT_ALL)
		return write_shares(fanout, batch, error);

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		destination_write(g_ptr_array_index(fanout->destinations, i), batch, &one);
		collect(&first, one);
	}
	for (guint i = 0; i < fanout->streams->len; i++) {
		GError *one = NULL;

		stream_write(g_ptr_array_index(fanout->streams, i), batch, &one);
		collect(&first, one);
	}
	return report(first, error);
}

static void flush_streams(struct fanout *fanout, GError **first)
{
	for (guint i = 0; i < fanout->streams->len; i++) {
		GError *one = NULL;

		stream_flush(g_ptr_array_index(fanout->streams, i), &one);
		collect(first, one);
	}
}

bool fanout_flush(struct fanout *fanout, GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		destination_flush(g_ptr_array_index(fanout->destinations, i), &one);
		collect(&first, one);
	}
	flush_streams(fanout, &first);
	for (guint i = 0; i < fanout->senders->len; i++)
		sender_flush(g_ptr_array_index(fanout->senders, i), FLUSH_MS);
	return report(first, error);
}

bool fanout_tick(struct fanout *fanout, GError **error)
{
	GError *first = NULL;

	rescue(fanout);

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		destination_tick(g_ptr_array_index(fanout->destinations, i), &one);
		collect(&first, one);
	}
	return report(first, error);
}

bool fanout_report(struct fanout *fanout, const struct export_statistics *statistics,
		   GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		destination_report(g_ptr_array_index(fanout->destinations, i), statistics, &one);
		collect(&first, one);
	}
	for (guint i = 0; i < fanout->streams->len; i++) {
		GError *one = NULL;

		stream_report(g_ptr_array_index(fanout->streams, i), statistics, &one);
		collect(&first, one);
	}
	return report(first, error);
}

bool fanout_finish(struct fanout *fanout, GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		destination_finish(g_ptr_array_index(fanout->destinations, i), &one);
		collect(&first, one);
	}
	flush_streams(fanout, &first);
	rescue_last(fanout);
	for (guint i = 0; i < fanout->senders->len; i++)
		sender_end(g_ptr_array_index(fanout->senders, i));
	for (guint i = 0; i < fanout->senders->len; i++) {
		GError *one = NULL;

		sender_finish(g_ptr_array_index(fanout->senders, i), &one);
		collect(&first, one);
	}
	return report(first, error);
}

size_t fanout_count(const struct fanout *fanout)
{
	return fanout->ways->len;
}

const struct export_counts *fanout_counts(const struct fanout *fanout, size_t index)
{
	struct way *way = &g_array_index(fanout->ways, struct way, index);

	g_assert(index < fanout->ways->len);
	return way_counts(way);
}
