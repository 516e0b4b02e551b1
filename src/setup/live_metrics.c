/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers of a run, as samples of metrics/metrics.def. */
#include "setup/live_metrics.h"

#include "base/clock.h"
#include "base/error.h"
#include "metrics/flow_tally.h"
#include "metrics/server.h"
#include "setup/live_control.h"
#include "setup/live_health.h"
#include "setup/live_look.h"

struct live_metrics {
	struct metrics_server *server;
	struct flow_tally *tally;
	struct live_health health;
	guint64 start_ns;
	/* The most that was told of what the account may take back: of several destinations, it is
	 * that of the one which got the least. */
	struct account_flows exported;
	struct account_drops dropped[ACCOUNT_DROP_REASONS];
};

/* Who asks for TLS or a token believes that something is served. */
bool live_metrics_is_of_use(const struct options *options, enum option_id id, GError **error)
{
	const struct option_value *value = &options->values[id];

	const bool given = option_rows[id].type == OPTION_TYPE_FLAG
				   ? value->number
				   : value->origin != OPTION_NOT_GIVEN;

	if (!given || options->values[OPTION_METRICS].text)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "--%s: nothing is served without --metrics; give that as well, or leave this "
		    "out",
		    option_rows[id].name);
	return false;
}

static bool nothing_else_given(const struct options *options, GError **error)
{
	return live_metrics_is_of_use(options, OPTION_METRICS_OPEN, error) &&
	       live_metrics_is_of_use(options, OPTION_METRICS_CERT, error) &&
	       live_metrics_is_of_use(options, OPTION_METRICS_KEY, error) &&
	       live_metrics_is_of_use(options, OPTION_METRICS_TOKEN_FILE, error);
}

bool live_metrics_open(const struct options *options, struct live_metrics **ret_metrics,
		       GError **error)
{
	const struct option_value *values = options->values;
	struct metrics_server *server;

	*ret_metrics = NULL;
	if (!values[OPTION_METRICS].text)
		return nothing_else_given(options, error);
	server = metrics_server_new(
		&(struct metrics_options){
			.address = values[OPTION_METRICS].text,
			.open = values[OPTION_METRICS_OPEN].number,
			.certificate = values[OPTION_METRICS_CERT].text,
			.key = values[OPTION_METRICS_KEY].text,
			.token_file = values[OPTION_METRICS_TOKEN_FILE].text,
		},
		error);
	if (!server)
		return false;
	*ret_metrics = g_new0(struct live_metrics, 1);
	(*ret_metrics)->server = server;
	(*ret_metrics)->tally = flow_tally_new();
	(*ret_metrics)->start_ns = clock_wall_ns();
	return true;
}

void live_metrics_free(struct live_metrics *metrics)
{
	if (!metrics)
		return;
	metrics_server_free(metrics->server);
	flow_tally_free(metrics->tally);
	g_free(metrics);
}

void live_metrics_start(struct live_metrics *metrics)
{
	if (metrics)
		metrics_server_start(metrics->server);
}

void live_metrics_take(struct live_metrics *metrics, const struct flow_batch *batch)
{
	if (metrics)
		flow_tally_take(metrics->tally, batch);
}

void live_metrics_end(struct live_metrics *metrics)
{
	if (metrics)
		metrics_server_end(metrics->server);
}

/* --- the account --- */

struct number {
	enum metric_id id;
	guint64 value;
};

static void add_numbers(struct metrics_page *page, const struct number *numbers, gsize count)
{
	for (gsize i = 0; i < count; i++)
		metrics_add(page, numbers[i].id, METRIC_NO_LABEL, numbers[i].value);
}

static void keep_flows(struct account_flows *most, struct account_flows *now)
{
	most->flows = now->flows = MAX(most->flows, now->flows);
	most->records = now->records = MAX(most->records, now->records);
	most->packets = now->packets = MAX(most->packets, now->packets);
	most->octets = now->octets = MAX(most->octets, now->octets);
}

static void keep_drops(struct account_drops *most, struct account_drops *now)
{
	most->records = now->records = MAX(most->records, now->records);
	most->packets = now->packets = MAX(most->packets, now->packets);
	most->octets = now->octets = MAX(most->octets, now->octets);
}

/* A counter never goes back. */
static void keep(struct live_metrics *metrics, struct account *account)
{
	keep_flows(&metrics->exported, &account->exported);
	for (int i = 0; i < ACCOUNT_DROP_REASONS; i++)
		keep_drops(&metrics->dropped[i], &account->dropped[i]);
}

static void add_reasons(struct metrics_page *page, const struct account *account)
{
	for (int i = METER_OK + 1; i < METER_VERDICTS; i++) {
		const struct account_packets *row = &account->set_aside[i];
		const struct metric_labels label = METRIC_LABEL(account_set_aside_names[i].name);

		metrics_add(page, METRIC_ASIDE_PACKETS, label, row->packets);
		metrics_add(page, METRIC_ASIDE_BYTES, label, row->frame_octets);
	}
	for (int i = 0; i < ACCOUNT_DROP_REASONS; i++) {
		const struct account_drops *row = &account->dropped[i];
		const struct metric_labels label = METRIC_LABEL(account_drop_names[i].name);

		metrics_add(page, METRIC_DROPPED_FLOWS, label, row->records);
		metrics_add(page, METRIC_DROPPED_PACKETS, label, row->packets);
		metrics_add(page, METRIC_DROPPED_BYTES, label, row->octets);
	}
}

static void add_account(struct metrics_page *page, const struct account *account)
{
	const struct number numbers[] = {
		{ METRIC_SEEN_PACKETS, account->seen.packets },
		{ METRIC_SEEN_BYTES, account->seen.frame_octets },
		{ METRIC_METERED_PACKETS, account->metered.packets },
		{ METRIC_METERED_BYTES, account->metered.octets },
		{ METRIC_METERED_FRAMES, account->metered.frame_octets },
		{ METRIC_EXPORTED_FLOWS, account->exported.flows },
		{ METRIC_EXPORTED_RECORDS, account->exported.records },
		{ METRIC_EXPORTED_PACKETS, account->exported.packets },
		{ METRIC_EXPORTED_BYTES, account->exported.octets },
		{ METRIC_CACHE_PACKETS, account->in_cache.packets },
		{ METRIC_CACHE_BYTES, account->in_cache.octets },
		{ METRIC_SPOOLED_FLOWS, account->spooled.flows },
		{ METRIC_SPOOLED_PACKETS, account->spooled.packets },
		{ METRIC_SPOOLED_BYTES, account->spooled.octets },
		{ METRIC_DOUBT_FLOWS, account->in_doubt.flows },
		{ METRIC_DOUBT_PACKETS, account->in_doubt.packets },
		{ METRIC_TABLE_ROOM, account->max_flows },
		{ METRIC_TABLE_MEMORY, account->memory_octets },
		{ METRIC_EVICTED_FLOWS, account->evicted_flows },
		{ METRIC_EXTENDED_PACKETS, account->extended },
		{ METRIC_ORPHANS, account->orphans },
		{ METRIC_GEO_LOOKUPS, account->places_asked },
		{ METRIC_GEO_REMEMBERED, account->places_remembered },
		{ METRIC_GEO_RELOADS, account->places_reloads },
		{ METRIC_GEO_FAILURES, account->places_reload_failures },
	};

	add_numbers(page, numbers, G_N_ELEMENTS(numbers));
	add_reasons(page, account);
}

/* --- the run --- */

static void add_kernel(struct metrics_page *page, const struct live_look *look)
{
	const struct number numbers[] = {
		{ METRIC_RING_USED, look->ring_used },
		{ METRIC_RING_ROOM, look->ring_room },
		{ METRIC_JOIN_PARTS, look->join.parts },
		{ METRIC_JOIN_RECORDS, look->join.joined },
		{ METRIC_JOIN_ALONE, look->join.alone },
		{ METRIC_JOIN_WAITING, look->join.waiting },
	};

	if (look->ring_room > 0)
		add_numbers(page, numbers, G_N_ELEMENTS(numbers));
	if (look->scanned_us > 0)
		metrics_add_real(page, METRIC_SCAN_IDLE, METRIC_NO_LABEL,
				 (double)(g_get_monotonic_time() - look->scanned_us) /
					 G_USEC_PER_SEC);
}

static void add_run(struct metrics_page *page, const struct live_metrics *metrics,
		    const struct live_parts *parts, const struct live_look *look)
{
	static const char *const details[] = { "basic", "tcp", "full" };
	const struct live_options *options = parts->options;
	const struct geo *geo = places_geo(look->places);

	metrics_add(page, METRIC_BUILD, METRIC_LABEL(WEIR_VERSION), 1);
	metrics_add(page, METRIC_RUN, METRIC_PAIR(options->instance, details[parts->detail]), 1);
	metrics_add_real(page, METRIC_START, METRIC_NO_LABEL, (double)metrics->start_ns / 1e9);
	metrics_add(page, METRIC_TABLE_FLOWS, METRIC_NO_LABEL, look->flows);
	metrics_add(page, METRIC_GEO_DATABASES, METRIC_NO_LABEL, geo ? geo_databases(geo) : 0);
	for (guint i = 0; options->interfaces[i] && i < 64; i++)
		metrics_add(page, METRIC_INTERFACE_UP, METRIC_LABEL(options->interfaces[i]),
			    !(look->away >> i & 1));
}

static void add_destination(struct metrics_page *page, const char *label,
			    const struct export_counts *counts)
{
	const struct number numbers[] = {
		{ METRIC_DESTINATION_FLOWS, counts->flows },
		{ METRIC_DESTINATION_RECORDS, counts->records },
		{ METRIC_DESTINATION_PACKETS, counts->packets },
		{ METRIC_DESTINATION_BYTES, counts->octets },
		{ METRIC_DESTINATION_MESSAGES, counts->messages },
		{ METRIC_DESTINATION_MESSAGE_BYTES, counts->message_octets },
		{ METRIC_DESTINATION_REPEATED, counts->repeated },
		{ METRIC_DESTINATION_RECOVERED, counts->recovered },
		{ METRIC_DESTINATION_SPOOL, counts->spooled_flows },
	};
	const struct {
		enum account_drop reason;
		guint64 flows;
		guint64 packets;
	} drops[] = {
		{ ACCOUNT_OVERFLOW, counts->overflow_flows, counts->overflow_packets },
		{ ACCOUNT_FAILED, counts->failed_flows, counts->failed_packets },
		{ ACCOUNT_UNTOLD, counts->untold_flows, counts->untold_packets },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		metrics_add(page, numbers[i].id, METRIC_LABEL(label), numbers[i].value);
	for (gsize i = 0; i < G_N_ELEMENTS(drops); i++) {
		const char *reason = account_drop_names[drops[i].reason].name;

		metrics_add(page, METRIC_DESTINATION_DROPPED_FLOWS, METRIC_PAIR(label, reason),
			    drops[i].flows);
		metrics_add(page, METRIC_DESTINATION_DROPPED_PACKETS, METRIC_PAIR(label, reason),
			    drops[i].packets);
	}
}

static void add_state(struct metrics_page *page, const char *name, struct export_state state)
{
	const struct metric_labels label = METRIC_LABEL(name);

	metrics_add(page, METRIC_DESTINATION_UP, label, state.healthy);
	if (state.queue_octets == 0)
		return;
	metrics_add(page, METRIC_DESTINATION_CONNECTS, label, state.connects);
	metrics_add(page, METRIC_DESTINATION_QUEUE, label, state.queued_octets);
	metrics_add(page, METRIC_DESTINATION_QUEUE_ROOM, label, state.queue_octets);
}

static void add_destinations(struct metrics_page *page, const struct fanout *fanout)
{
	g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < fanout_count(fanout); i++) {
		const struct export_counts *counts = fanout_counts(fanout, i);
		const char *name = counts->name ? counts->name : counts->url;
		char *label = g_strdup(name);

		/* A name may be another's URL. */
		for (guint k = 2; g_hash_table_contains(labels, label); k++) {
			g_free(label);
			label = g_strdup_printf("%s#%u", name, k);
		}
		g_hash_table_add(labels, label);
		add_destination(page, label, counts);
		add_state(page, label, fanout_state(fanout, i));
	}
}

static const char *name_of(void *data, guint16 iface)
{
	const struct flow_interface *interface = interface_names_find(data, iface, G_MAXUINT64);

	return interface ? interface->name.octets : NULL; /* which end with a zero */
}

static struct metrics_page *page_of(const struct live_metrics *metrics,
				    const struct live_parts *parts, const struct live_look *look,
				    const struct account *account)
{
	struct metrics_page *page = metrics_page_new();

	add_run(page, metrics, parts, look);
	add_account(page, account);
	add_kernel(page, look);
	add_destinations(page, parts->fanout);
	flow_tally_tell(metrics->tally, page, name_of, (void *)(guintptr)look->names);
	return page;
}

void live_metrics_turn(struct live_metrics *metrics, const struct live_parts *parts, guint reloads,
		       guint failed)
{
	struct live_look look = { 0 };
	struct account account = { 0 };
	struct metrics_page *page;

	if (!metrics || !metrics_server_turn(metrics->server))
		return;
	parts->settle(parts->data, &account);
	/* What is told is written down for the next process: its counters begin there or later. */
	if (parts->commit)
		parts->commit(parts->data);
	keep(metrics, &account);
	account_guess_cache(&account);
	parts->look(parts->data, &look);
	page = page_of(metrics, parts, &look, &account);
	metrics_add(page, METRIC_RELOADS, METRIC_LABEL("done"), reloads);
	metrics_add(page, METRIC_RELOADS, METRIC_LABEL("failed"), failed);
	metrics_server_publish(metrics->server, page,
			       live_health_of(&metrics->health, parts, &look, &account));
	account_clear(&account);
}
