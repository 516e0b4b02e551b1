/* SPDX-License-Identifier: BSD-2-Clause */
/* The destinations of a run, side by side: none knows of the others, so one that fails leaves them
 * alone. */
#include "base/error.h"
#include "base/log.h"
#include "export/fanout_parts.h"
#include "export/share.h"

/* How long a flush waits for collectors to take what waits for them. */
#define FLUSH_MS 100

enum flow_detail fanout_detail(const struct fanout *fanout)
{
	enum flow_detail detail = FLOW_DETAIL_BASIC;

	for (guint i = 0; i < fanout->ways->len; i++) {
		const struct way *way = fanout_way(fanout, i);

		if (way->file)
			detail = MAX(detail, destination_detail(way->file));
	}
	for (guint i = 0; i < fanout->streams->len; i++)
		detail = MAX(detail, stream_detail(g_ptr_array_index(fanout->streams, i)));
	return detail;
}

bool fanout_wants_places(const struct fanout *fanout)
{
	for (guint i = 0; i < fanout->ways->len; i++) {
		const struct way *way = fanout_way(fanout, i);

		if (way->file && destination_layout(way->file)->places)
			return true;
	}
	for (guint i = 0; i < fanout->streams->len; i++) {
		if (stream_layout(g_ptr_array_index(fanout->streams, i))->places)
			return true;
	}
	return false;
}

/* Keeps the first error; the others are told here, since nobody else will. */
static void collect(GError **first, GError *error)
{
	if (error == NULL)
		return;
	if (*first == NULL) {
		*first = error;
		return;
	}
	log_say(LOG_LEVEL_ERROR, "%s", error->message);
	g_error_free(error);
}

static bool report(GError *first, GError **error)
{
	if (first == NULL)
		return true;
	g_propagate_error(error, first);
	return false;
}

static void look_at_health(const struct fanout *fanout, bool healthy[FANOUT_MOST])
{
	for (size_t i = 0; i < fanout->ways->len; i++)
		healthy[i] = way_is_healthy(fanout_way(fanout, i));
}

/* Somebody healthy who sends messages of the same octets. */
static struct way *substitute(const struct fanout *fanout, const struct way *away)
{
	for (size_t i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

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
		struct way *away = fanout_way(fanout, i);
		struct way *to =
			!away->sender || way_is_healthy(away) ? NULL : substitute(fanout, away);
		g_autoptr(GError) error = NULL;

		if (!to)
			continue;
		if (!stream_flush(away->stream, &error))
			log_say(LOG_LEVEL_ERROR, "%s", error->message);
		way_move(away, to);
	}
}

/* A run may be over before it is known who is there. */
static void rescue_last(struct fanout *fanout)
{
	for (size_t i = 0; i < fanout->ways->len && fanout->policy != FANOUT_ALL; i++) {
		if (fanout_way(fanout, i)->sender)
			sender_reached(fanout_way(fanout, i)->sender, NULL);
	}
	rescue(fanout);
	for (size_t i = 0; i < fanout->ways->len && fanout->policy != FANOUT_ALL; i++) {
		struct way *way = fanout_way(fanout, i);
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
	struct way *way = fanout_way(fanout, number);

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

/* What waits for a collector can only go to another of the same form; so where there is time, it is
 * known who is there before anybody is given anything. */
static void ask_all(struct fanout *fanout)
{
	for (guint i = 0; i < fanout->ways->len && fanout->patient && !fanout->asked; i++) {
		if (fanout_way(fanout, i)->sender)
			sender_reached(fanout_way(fanout, i)->sender, NULL);
	}
	fanout->asked = true;
}

static bool write_shares(struct fanout *fanout, const struct flow_batch *batch, GError **error)
{
	bool healthy[FANOUT_MOST];
	size_t owners[FLOW_BATCH_MAX];
	GError *first = NULL;

	ask_all(fanout);
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

	for (size_t i = 0; i < batch->count; i++)
		tally_flow(&fanout->handed, &batch->records[i].flow);
	if (fanout->policy != FANOUT_ALL)
		return write_shares(fanout, batch, error);

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		GError *one = NULL;

		if (way->file)
			destination_write(way->file, batch, &one);
		collect(&first, one);
	}
	for (guint i = 0; i < fanout->streams->len; i++) {
		GError *one = NULL;

		stream_write(g_ptr_array_index(fanout->streams, i), batch, &one);
		collect(&first, one);
	}
	return report(first, error);
}

enum whom {
	WHO_HAS_LEFT,
	WHO_HANDS_OVER,
	EVERYBODY,
};

static bool is_one_of(enum whom whom, struct way *way)
{
	if (whom == WHO_HANDS_OVER)
		return way->hands_over;
	return way_has_left(way) || whom == EVERYBODY;
}

/* Those that were taken out of the configuration, in the order in which they were: one may inherit
 * from another. */
static void look_after_leaving(struct fanout *fanout, enum whom whom)
{
	for (guint i = 0; i < fanout->leaving->len;) {
		struct way *way = g_ptr_array_index(fanout->leaving, i);

		if (!is_one_of(whom, way)) {
			i++;
			continue;
		}
		way_end(way);
		g_ptr_array_remove_index(fanout->leaving, i);
	}
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

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		GError *one = NULL;

		if (way->file)
			destination_flush(way->file, &one);
		collect(&first, one);
	}
	flush_streams(fanout, &first);
	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

		if (way->sender)
			sender_flush(way->sender, FLUSH_MS);
	}
	return report(first, error);
}

bool fanout_tick(struct fanout *fanout, GError **error)
{
	GError *first = NULL;

	rescue(fanout);
	look_after_leaving(fanout, WHO_HAS_LEFT);
	for (guint i = 0; i < fanout->ways->len; i++)
		fanout->returned |= way_has_returned(fanout_way(fanout, i));
	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		GError *one = NULL;

		if (way->file)
			destination_tick(way->file, &one);
		collect(&first, one);
	}
	return report(first, error);
}

bool fanout_has_returned(struct fanout *fanout)
{
	const bool returned = fanout->returned;

	fanout->returned = false;
	return returned;
}

bool fanout_report(struct fanout *fanout, const struct export_statistics *statistics,
		   GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		GError *one = NULL;

		if (way->file)
			destination_report(way->file, statistics, &one);
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

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		GError *one = NULL;

		if (way->file)
			destination_finish(way->file, &one);
		collect(&first, one);
	}
	flush_streams(fanout, &first);
	look_after_leaving(fanout, WHO_HANDS_OVER); /* before their heirs end */
	rescue_last(fanout);
	for (guint i = 0; i < fanout->ways->len; i++) {
		if (fanout_way(fanout, i)->sender)
			sender_end(fanout_way(fanout, i)->sender);
	}
	for (guint i = 0; i < fanout->ways->len; i++) {
		GError *one = NULL;

		if (fanout_way(fanout, i)->sender)
			sender_finish(fanout_way(fanout, i)->sender, &one);
		collect(&first, one);
	}
	look_after_leaving(fanout, EVERYBODY);
	return report(first, error);
}

size_t fanout_count(const struct fanout *fanout)
{
	return fanout->ways->len;
}

struct tally fanout_handed(const struct fanout *fanout)
{
	return fanout->handed;
}

struct export_state fanout_state(const struct fanout *fanout, size_t index)
{
	return way_state(fanout_way(fanout, index));
}

bool fanout_is_healthy(const struct fanout *fanout, size_t index)
{
	return way_is_healthy(fanout_way(fanout, index));
}

const struct export_counts *fanout_counts(const struct fanout *fanout, size_t index)
{
	struct way *way = fanout_way(fanout, index);

	g_assert(index < fanout->ways->len);
	for (guint i = 0; i < fanout->leaving->len; i++)
		way_has_left(g_ptr_array_index(fanout->leaving, i)); /* counts on */
	way_counts(way);
	way->told.shared = fanout->policy != FANOUT_ALL;
	return &way->told;
}

struct export_counts fanout_before(const struct fanout *fanout, size_t index)
{
	if (fanout->policy == FANOUT_ALL)
		return past_sum(fanout_way(fanout, index)->before);
	return past_sum(index == 0 ? fanout->common : NULL);
}
