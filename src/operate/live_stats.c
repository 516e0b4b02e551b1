/* SPDX-License-Identifier: BSD-2-Clause */
#include "operate/live_stats.h"

#include <unistd.h>

#include "base/json.h"
#include "capture/native_meter.h"
#include "capture/scan.h"
#include "operate/version.h"
#include "setup/live_cache.h"
#include "setup/live_join.h"

/* What grows. */
enum grower {
	SEEN_PACKETS,
	SEEN_OCTETS,
	METERED_PACKETS,
	METERED_OCTETS,
	SET_ASIDE_PACKETS,
	EXPORTED_FLOWS,
	EXPORTED_RECORDS,
	DROPPED_RECORDS,
	GROWERS,
};

static const char *const growers[GROWERS] = {
	[SEEN_PACKETS] = "seenPackets",		 [SEEN_OCTETS] = "seenOctets",
	[METERED_PACKETS] = "meteredPackets",	 [METERED_OCTETS] = "meteredOctets",
	[SET_ASIDE_PACKETS] = "setAsidePackets", [EXPORTED_FLOWS] = "exportedFlows",
	[EXPORTED_RECORDS] = "exportedRecords",	 [DROPPED_RECORDS] = "droppedRecords",
};

struct sample {
	gint64 at_us;
	guint64 grown[GROWERS];
};

struct live_stats {
	const struct live_parts *parts;
	GDateTime *since;
	struct sample before; /* the last but one second */
	struct sample last;
};

/* --- rates --- */

static struct sample sample_of(const struct account *account)
{
	struct sample sample = { .at_us = g_get_monotonic_time() };

	sample.grown[SEEN_PACKETS] = account->seen.packets;
	sample.grown[SEEN_OCTETS] = account->seen.frame_octets;
	sample.grown[METERED_PACKETS] = account->metered.packets;
	sample.grown[METERED_OCTETS] = account->metered.octets;
	for (int i = METER_OK + 1; i < METER_VERDICTS; i++)
		sample.grown[SET_ASIDE_PACKETS] += account->set_aside[i].packets;
	sample.grown[EXPORTED_FLOWS] = account->exported.flows;
	sample.grown[EXPORTED_RECORDS] = account->exported.records;
	for (int i = 0; i < ACCOUNT_DROP_REASONS; i++)
		sample.grown[DROPPED_RECORDS] += account->dropped[i].records;
	return sample;
}

static struct sample take_sample(const struct live_stats *stats)
{
	struct account account = { 0 };
	struct sample sample;

	stats->parts->settle(stats->parts->data, &account);
	sample = sample_of(&account);
	account_clear(&account);
	return sample;
}

struct live_stats *live_stats_new(const struct live_parts *parts)
{
	struct live_stats *stats = g_new0(struct live_stats, 1);

	stats->parts = parts;
	stats->since = g_date_time_new_now_utc();
	return stats;
}

void live_stats_free(struct live_stats *stats)
{
	if (!stats)
		return;
	g_date_time_unref(stats->since);
	g_free(stats);
}

void live_stats_turn(struct live_stats *stats)
{
	if (stats->last.at_us && g_get_monotonic_time() - stats->last.at_us < G_USEC_PER_SEC)
		return;
	stats->before = stats->last;
	stats->last = take_sample(stats);
	/* What processes before this one did came in no second of this one. */
	if (!stats->before.at_us)
		stats->before = stats->last;
}

static double seconds_since(const struct live_stats *stats, const struct sample *now)
{
	return (double)MAX(now->at_us - stats->before.at_us, 1) / G_USEC_PER_SEC;
}

static double rate(const struct live_stats *stats, const struct sample *now, enum grower what)
{
	/* A destination that has gone may take its counts with it. */
	const guint64 before = MIN(stats->before.grown[what], now->grown[what]);

	if (!stats->before.at_us)
		return 0;
	return (double)(now->grown[what] - before) / seconds_since(stats, now);
}

/* --- the account, as it stands --- */

static struct account account_now(const struct live_stats *stats)
{
	const struct live_parts *parts = stats->parts;
	struct account account = { 0 };

	parts->settle(parts->data, &account);
	account_guess_cache(&account);
	if (parts->cache)
		account.in_cache.flows =
			scan_flows(parts->scan) + join_counts(live_join_of(parts->join)).waiting;
	else
		account.in_cache.flows = native_meter_flows(parts->meter);
	return account;
}

static void add_who(const struct live_stats *stats, JsonBuilder *json)
{
	g_autofree char *since = g_date_time_format(stats->since, "%Y-%m-%dT%H:%M:%SZ");

	json_put_text(json, "instance", stats->parts->options->instance);
	json_put_count(json, "process", (guint64)getpid());
	json_put_text(json, "version", weir_version());
	json_put_text(json, "since", since);
}

/* How a destination is now; a file has no queue. */
static void add_state(const struct export_state *state, JsonObject *row)
{
	JsonObject *queue;

	json_object_set_boolean_member(row, "healthy", state->healthy);
	if (state->queue_octets == 0)
		return;
	queue = json_object_new();
	json_object_set_int_member(queue, "octets", (gint64)state->queued_octets);
	json_object_set_int_member(queue, "maxOctets", (gint64)state->queue_octets);
	json_object_set_object_member(row, "queue", queue);
}

static void add_states(const struct live_stats *stats, JsonObject *account)
{
	JsonArray *rows = json_object_get_array_member(account, "destinations");

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		const struct export_state state = fanout_state(stats->parts->fanout, i);

		add_state(&state, json_array_get_object_element(rows, i));
	}
}

static void add_account(const struct live_stats *stats, const struct account *account,
			JsonBuilder *json)
{
	g_autofree char *text = account_to_json(account);
	g_autoptr(JsonNode) root = json_from_string(text, NULL);
	JsonObject *object = json_node_get_object(root);
	g_autoptr(GList) members = json_object_get_members(object);

	add_states(stats, object);
	for (const GList *member = members; member; member = member->next) {
		json_builder_set_member_name(json, member->data);
		json_builder_add_value(
			json, json_node_copy(json_object_get_member(object, member->data)));
	}
}

static void add_rates(const struct live_stats *stats, const struct sample *now, JsonBuilder *json)
{
	json_begin_group(json, "rates");
	json_builder_set_member_name(json, "seconds");
	json_builder_add_double_value(json, seconds_since(stats, now));
	for (int i = 0; i < GROWERS; i++) {
		json_builder_set_member_name(json, growers[i]);
		json_builder_add_double_value(json, rate(stats, now, (enum grower)i));
	}
	json_builder_end_object(json);
}

static void add_ring(const struct live_stats *stats, JsonBuilder *json)
{
	const struct kernel_ring *ring;

	if (!stats->parts->cache)
		return;
	ring = kernel_meter_ring(stats->parts->cache->meter);
	json_begin_group(json, "ring");
	json_put_count(json, "octets", kernel_ring_octets(ring));
	json_put_count(json, "heldOctets", kernel_ring_held(ring));
	json_put_count(json, "waitingOctets", kernel_ring_end(ring) - kernel_ring_position(ring));
	json_builder_end_object(json);
}

void live_stats_tell(const struct live_stats *stats, JsonBuilder *answer)
{
	struct account account = account_now(stats);
	const struct sample now = sample_of(&account);
	g_autoptr(GDateTime) at = g_date_time_new_now_utc();
	g_autofree char *text = g_date_time_format_iso8601(at);

	add_who(stats, answer);
	json_put_text(answer, "at", text);
	add_account(stats, &account, answer);
	add_rates(stats, &now, answer);
	add_ring(stats, answer);
	account_clear(&account);
}

/* --- for people --- */

/* In the kernel every CPU has a table of its own. */
static void put_table(const struct live_stats *stats, const struct account *account, GString *lines)
{
	g_string_append_printf(
		lines,
		"%-13s %14" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " %s, %" G_GUINT64_FORMAT
		" MiB\n",
		"table", account->in_cache.flows, account->max_flows,
		stats->parts->cache ? "entries (a flow has one on each CPU it came over)" : "flows",
		account->memory_octets >> 20);
}

static void put_queues(const struct live_stats *stats, GString *lines)
{
	const struct fanout *fanout = stats->parts->fanout;

	for (size_t i = 0; i < fanout_count(fanout); i++) {
		const struct export_state state = fanout_state(fanout, i);
		const struct export_counts *counts = fanout_counts(fanout, i);

		if (state.queue_octets > 0)
			g_string_append_printf(lines,
					       "%-13s %14" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
					       " octets wait for %s\n",
					       "queue", state.queued_octets, state.queue_octets,
					       counts->name ? counts->name : counts->url);
	}
}

static void put_ring(const struct live_stats *stats, GString *lines)
{
	const struct kernel_ring *ring;

	if (!stats->parts->cache)
		return;
	ring = kernel_meter_ring(stats->parts->cache->meter);
	g_string_append_printf(
		lines, "%-13s %14" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " octets wait\n",
		"ring", kernel_ring_end(ring) - kernel_ring_position(ring) + kernel_ring_held(ring),
		kernel_ring_octets(ring));
}

static void put_rates(const struct live_stats *stats, const struct sample *now, GString *lines)
{
	g_string_append_printf(lines, "%-13s %14.1f %16.1f %16.1f  metered %.1f, set aside %.1f\n",
			       "a second", rate(stats, now, SEEN_PACKETS),
			       rate(stats, now, SEEN_OCTETS), rate(stats, now, METERED_OCTETS),
			       rate(stats, now, METERED_PACKETS),
			       rate(stats, now, SET_ASIDE_PACKETS));
	g_string_append_printf(lines, "%-13s %14.1f flows, %.1f records, %.1f dropped\n",
			       "exported", rate(stats, now, EXPORTED_FLOWS),
			       rate(stats, now, EXPORTED_RECORDS),
			       rate(stats, now, DROPPED_RECORDS));
}

GString *live_stats_text(const struct live_stats *stats)
{
	struct account account = account_now(stats);
	const struct sample now = sample_of(&account);
	GString *lines = g_string_new(NULL);
	g_autofree char *text = NULL;

	put_table(stats, &account, lines);
	put_ring(stats, lines);
	put_queues(stats, lines);
	put_rates(stats, &now, lines);
	/* Entries of tables are no flows: the line of the table has them. */
	if (stats->parts->cache)
		account.in_cache.flows = 0;
	text = account_to_text(&account);
	g_string_prepend(lines, text);
	account_clear(&account);
	return lines;
}

/* --- status --- */

static void add_destinations(const struct live_stats *stats, JsonBuilder *json)
{
	const struct fanout *fanout = stats->parts->fanout;

	json_begin_list(json, "destinations");
	for (size_t i = 0; i < fanout_count(fanout); i++) {
		const struct export_counts *counts = fanout_counts(fanout, i);

		json_builder_begin_object(json);
		if (counts->name)
			json_put_text(json, "name", counts->name);
		json_put_text(json, "url", counts->url);
		json_builder_set_member_name(json, "healthy");
		json_builder_add_boolean_value(json, fanout_is_healthy(fanout, i));
		json_put_count(json, "flows", counts->flows);
		json_put_count(json, "records", counts->records);
		json_put_count(json, "lostFlows",
			       counts->overflow_flows + counts->failed_flows +
				       counts->untold_flows);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

void live_stats_status(const struct live_stats *stats, JsonBuilder *answer)
{
	const struct live_options *options = stats->parts->options;
	struct account account = { 0 };

	add_who(stats, answer);
	json_begin_list(answer, "interfaces");
	for (const char *const *name = options->interfaces; *name; name++)
		json_builder_add_string_value(answer, *name);
	json_builder_end_array(answer);
	stats->parts->settle(stats->parts->data, &account);
	json_put_count(answer, "seenPackets", account.seen.packets);
	json_put_count(answer, "meteredPackets", account.metered.packets);
	json_put_count(answer, "exportedFlows", account.exported.flows);
	account_clear(&account);
	add_destinations(stats, answer);
}
