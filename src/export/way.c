/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/way.h"

#include "base/log.h"

struct way *way_new(const char *url, const char *name)
{
	struct way *way = g_new0(struct way, 1);

	way->url = g_strdup(url);
	way->name = name && *name ? g_strdup(name) : NULL;
	return way;
}

void way_free(struct way *way)
{
	if (!way)
		return;
	sender_free(way->sender);
	destination_free(way->file);
	past_unref(way->before);
	past_unref(way->as_past);
	g_free(way->url);
	g_free(way->name);
	g_free(way->recipe);
	g_free(way->spool);
	g_free(way);
}

struct export_state way_state(const struct way *way)
{
	return way->sender ? sender_state(way->sender)
			   : (struct export_state){ .healthy = way_is_healthy(way) };
}

bool way_is_healthy(const struct way *way)
{
	return way->sender ? sender_is_healthy(way->sender)
			   : !way->file || destination_is_healthy(way->file);
}

bool way_has_returned(struct way *way)
{
	const bool was_away = way->away;

	way->away = !way_is_healthy(way);
	return was_away && !way->away;
}

bool way_write(struct way *way, const struct flow_batch *batch, GError **error)
{
	if (batch->count == 0)
		return true;
	return way->file ? destination_write(way->file, batch, error)
			 : stream_write(way->stream, batch, error);
}

void way_move(struct way *from, struct way *to)
{
	g_autoptr(GPtrArray) messages = sender_steal(from->sender);

	for (guint i = 0; i < messages->len; i++) {
		struct message *message = g_ptr_array_index(messages, i);

		from->elsewhere.flows += message->flows.flows;
		from->elsewhere.packets += message->flows.packets;
		from->elsewhere.octets += message->flows.octets;
		to->elsewhere.flows -= message->flows.flows;
		to->elsewhere.packets -= message->flows.packets;
		to->elsewhere.octets -= message->flows.octets;
		sender_put(to->sender, message);
	}
	sender_wake(to->sender);
}

const struct export_counts *way_counts(struct way *way)
{
	way->told = way->file ? *destination_counts(way->file) : *sender_counts(way->sender);
	counts_subtract(&way->told, &way->base);
	way->told.url = way->url;
	way->told.name = way->name;
	way->told.elsewhere_flows = way->elsewhere.flows;
	way->told.elsewhere_packets = way->elsewhere.packets;
	way->told.elsewhere_octets = way->elsewhere.octets;
	way->told.absent_flows = way->absent.flows;
	way->told.absent_packets = way->absent.packets;
	way->told.absent_octets = way->absent.octets;
	return &way->told;
}

struct export_counts way_snapshot(struct way *way, const struct tally *handed)
{
	struct export_counts counts = *way_counts(way);

	if (way->sender)
		counts.records = sender_given(way->sender).records;
	counts.flows = handed->flows - way->absent.flows - way->elsewhere.flows -
		       counts.overflow_flows - counts.failed_flows - counts.untold_flows -
		       counts.spooled_flows;
	counts.packets = handed->packets - way->absent.packets - way->elsewhere.packets -
			 counts.overflow_packets - counts.failed_packets - counts.untold_packets -
			 counts.spooled_packets;
	counts.octets = handed->octets - way->absent.octets - way->elsewhere.octets -
			counts.overflow_octets - counts.failed_octets - counts.untold_octets -
			counts.spooled_octets;
	return counts;
}

struct past *way_leave(struct way *way)
{
	if (way->sender)
		sender_end(way->sender);
	if (!way->as_past)
		way->as_past = past_new(way->before, way_counts(way));
	return way->as_past;
}

void way_hurry(struct way *way)
{
	g_autoptr(GError) error = NULL;

	way->hurried = true;
	if (way->file)
		destination_finish(way->file, &error);
	else
		sender_hurry(way->sender, &error);
	if (error)
		log_say(LOG_LEVEL_ERROR, "%s", error->message);
}

void way_hand_over(struct way *way)
{
	way->hands_over = way->sender && sender_hand_over(way->sender);
	if (!way->hands_over)
		way_hurry(way);
}

bool way_has_left(struct way *way)
{
	const bool left = way->file || sender_is_over(way->sender);

	past_set(way->as_past, way_counts(way));
	return left;
}

void way_end(struct way *way)
{
	const struct export_counts *counts;
	g_autoptr(GError) error = NULL;

	if (way->file)
		destination_finish(way->file, &error);
	else
		sender_finish(way->sender, &error);
	if (error)
		log_say(LOG_LEVEL_ERROR, "%s", error->message);
	counts = way_counts(way);
	log_about(LOG_LEVEL_INFO, "destination", way_label(way),
		  "destination \"%s\": ended, with %" G_GUINT64_FORMAT
		  " flows in %" G_GUINT64_FORMAT " records, %" G_GUINT64_FORMAT " lost",
		  way_label(way), counts->flows, counts->records,
		  counts->overflow_flows + counts->failed_flows + counts->untold_flows);
	past_set(way->as_past, counts);
	past_settle(way->as_past);
}
