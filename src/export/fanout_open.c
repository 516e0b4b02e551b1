/* SPDX-License-Identifier: BSD-2-Clause */
/* How destinations come to be: what the user wrote becomes ways. */
#include "base/error.h"
#include "base/text_file.h"
#include "export/destination_check.h"
#include "export/encoder.h"
#include "export/fanout_parts.h"

/* Datagrams a second of a replay, unless the user says. */
#define REPLAY_PACE 10000
/* Ranges of template ids, beside the first. */
#define ID_RANGES   ((65536 - 256) / ENCODER_IDS - 1)

/* --- what the user wrote --- */

static const char *name_of(const struct export_options *options, size_t number)
{
	return options->names ? options->names[number] : "";
}

static const char *label_of(const struct export_options *options, size_t number)
{
	const char *name = name_of(options, number);

	return *name ? name : options->to[number];
}

/* A template's file may be written anew under its name. */
static char *template_sum(const char *name)
{
	gsize length;
	g_autofree char *text = text_file_read(name, &length, NULL);

	return text ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length)
		    : g_strdup("");
}

char *fanout_recipe(const struct export_options *options, size_t number, GError **error)
{
	struct destination_url url;
	g_autofree char *sum = NULL;
	char *recipe;

	if (!destination_url_parse_as(options->to[number], label_of(options, number), &url, NULL,
				      error))
		return NULL;
	sum = template_sum(destination_template(&url, options));
	recipe = g_strdup_printf("%s\n%s\n%s\n%s\n%d\n%u\n%u\n%d", options->to[number],
				 name_of(options, number), destination_template(&url, options), sum,
				 options->direction, options->pen,
				 url.has_domain ? url.domain : options->domain,
				 url.transport && options->policy != FANOUT_ALL);
	destination_url_clear(&url);
	return recipe;
}

/* --- files --- */

/* Whether the place the destination writes to is free: NULL, or why it is not. */
static bool is_path(const struct destination *destination, const char *path)
{
	return path != NULL && destination_is(destination, path);
}

static const char *occupied(const GPtrArray *others, const struct destination *destination,
			    const struct export_options *options)
{
	for (guint i = 0; i < others->len; i++) {
		const struct way *other = g_ptr_array_index(others, i);

		if (other->file && destination_same(other->file, destination))
			return "another destination writes there; give each a place of its own";
	}
	for (size_t i = 0; options->keep != NULL && options->keep[i] != NULL; i++) {
		if (destination_is(destination, options->keep[i]))
			return "that file is what is being read; name another";
	}
	if (is_path(destination, options->config) || is_path(destination, options->template_name))
		return "that file is what this run is told to do by; name another";
	if (is_path(destination, options->log))
		return "the log goes to that file; name another";
	if (is_path(destination, options->account))
		return "the account goes to that file; name another";
	return NULL;
}

static bool open_file(struct way *way, const GPtrArray *others,
		      const struct export_options *options, GError **error)
{
	const char *reason;

	way->file = destination_new(way->url, way_label(way), options, error);
	if (!way->file)
		return false;
	reason = occupied(others, way->file, options);
	if (reason)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "destination \"%s\": %s",
			    way_label(way), reason);
	return !reason;
}

struct way *fanout_open(const GPtrArray *others, const struct export_options *options,
			size_t number, GError **error)
{
	struct way *way = way_new(options->to[number], name_of(options, number));
	struct destination_url url;
	bool good;

	way->recipe = fanout_recipe(options, number, error);
	if (!way->recipe ||
	    !destination_url_parse_as(way->url, way_label(way), &url, NULL, error)) {
		way_free(way);
		return NULL;
	}
	if (url.spool)
		way->spool = g_strdup_printf("%s\n%s+%s %s %u", url.spool, url.ops->scheme,
					     url.transport->name, url.host, url.port);
	good = url.transport || open_file(way, others, options, error);
	destination_url_clear(&url);
	if (!good)
		g_clear_pointer(&way, way_free);
	return way;
}

/* --- collectors --- */

/* Where a new session is none to the collector, it may remember the templates: what it is told from
 * now on has ids of its own, the same whenever it is the same. */
static guint16 more_id(struct fanout *fanout, const struct destination_url *url,
		       const struct stream_options *form)
{
	char *place = g_strdup_printf("%s %u", url->host, url->port);
	const bool known = !g_hash_table_add(fanout->collectors, place);
	g_autofree char *key = NULL;
	guint number;

	if (!fanout->reloading || !known || url->transport->sessions)
		return 0;
	key = g_strdup_printf("%s\n%s\n%s\n%d\n%u\n%u\n%u", form->form->scheme, form->template_name,
			      form->template_sum, form->direction, form->pen, form->domain,
			      form->message_max);
	number = GPOINTER_TO_UINT(g_hash_table_lookup(fanout->forms, key));
	if (!number) {
		number = g_hash_table_size(fanout->forms) % ID_RANGES + 1;
		g_hash_table_insert(fanout->forms, g_steal_pointer(&key), GUINT_TO_POINTER(number));
	}
	return (guint16)(number * ENCODER_IDS);
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

void fanout_leave_stream(struct fanout *fanout, struct way *way)
{
	if (!way->stream)
		return;
	if (stream_remove(way->stream, way->sender) == 0)
		g_ptr_array_remove(fanout->streams, way->stream);
	way->stream = NULL;
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

static struct stream *open_stream(struct fanout *fanout, const struct destination_url *url,
				  const struct export_options *options, GError **error)
{
	g_autofree char *sum = template_sum(destination_template(url, options));
	struct stream_options form = {
		.form = url->ops,
		.template_name = destination_template(url, options),
		.template_sum = sum,
		.direction = options->direction,
		.pen = options->pen,
		.domain = url->has_domain ? url->domain : options->domain,
		.sampling = options->sampling,
		.random_sampling = options->random_sampling,
		.message_max = url->mtu ? url->mtu : url->transport->message_max,
		.message_grows = !url->mtu && !url->transport->message_most,
	};

	form.more_id = more_id(fanout, url, &form);
	return stream_for(fanout, &form, error);
}

static bool start_collector(struct fanout *fanout, struct way *way,
			    const struct destination_url *url, const struct export_options *options,
			    GError **error)
{
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
		.strict = is_strict(options) && !fanout->reloading,
		.shared = fanout->policy != FANOUT_ALL,
		.spool = url->spool,
		.spool_octets = url->spool_octets,
		.inherits = way->inherits,
	};

	way->stream = open_stream(fanout, url, options, error);
	if (!way->stream)
		return false;
	way->sender = sender_new(&place, stream_introduction(way->stream), error);
	if (way->sender)
		stream_add(way->stream, way->sender);
	else
		fanout_leave_stream(fanout, way);
	return way->sender;
}

bool fanout_start(struct fanout *fanout, struct way *way, const struct export_options *options,
		  GError **error)
{
	struct destination_url url;
	bool good;

	if (way->file)
		return destination_start(way->file, options->beside, error);
	if (!destination_url_parse_as(way->url, way_label(way), &url, NULL, error))
		return false;
	good = start_collector(fanout, way, &url, options, error);
	destination_url_clear(&url);
	return good;
}

/* --- all of them --- */

/* No file is emptied before everything that can be wrong with the options has been looked at. */
static bool add_all(struct fanout *fanout, const struct export_options *options, GError **error)
{
	const struct way *only;

	if (g_strv_length((char **)options->to) > FANOUT_MOST) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "more than %d destinations; take fewer", FANOUT_MOST);
		return false;
	}
	for (size_t i = 0; options->to[i] != NULL; i++) {
		struct way *way = fanout_open(fanout->ways, options, i, error);

		if (way == NULL)
			return false;
		g_ptr_array_add(fanout->ways, way);
		if (way->file == NULL && !fanout_start(fanout, way, options, error))
			return false;
	}
	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

		if (way->file != NULL && !fanout_start(fanout, way, options, error))
			return false;
	}
	only = fanout->ways->len == 1 ? fanout_way(fanout, 0) : NULL;
	if (only && only->sender && is_strict(options))
		return sender_reached(only->sender, error);
	return true;
}

static void free_way(gpointer way)
{
	way_free(way);
}

static void free_stream(gpointer stream)
{
	stream_free(stream);
}

struct fanout *fanout_new(const struct export_options *options, GError **error)
{
	struct fanout *fanout = g_new0(struct fanout, 1);

	fanout->policy = options->policy;
	fanout->patient = options->patient;
	fanout->part = g_new(struct flow_batch, 1);
	fanout->ways = g_ptr_array_new_with_free_func(free_way);
	fanout->leaving = g_ptr_array_new_with_free_func(free_way);
	fanout->streams = g_ptr_array_new_with_free_func(free_stream);
	fanout->collectors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fanout->forms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
	g_ptr_array_unref(fanout->leaving);
	g_ptr_array_unref(fanout->ways);
	g_ptr_array_unref(fanout->streams);
	g_hash_table_unref(fanout->collectors);
	g_hash_table_unref(fanout->forms);
	past_unref(fanout->common);
	g_free(fanout->part);
	g_free(fanout);
}
