/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/print.h"

#include <json-glib/json-glib.h>

#include "base/json.h"
#include "top/amount.h"

static guint rows_of(const struct top_table *table, guint limit)
{
	return limit ? MIN(limit, table->count) : table->count;
}

static void print_line(const struct top_sums *sums, const char *name, FILE *to)
{
	const struct top_counts *all = &sums->all;

	fprintf(to,
		"%14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT
		" %11" G_GUINT64_FORMAT " %11" G_GUINT64_FORMAT " %11" G_GUINT64_FORMAT
		" %9" G_GUINT64_FORMAT " %7" G_GUINT64_FORMAT " %8" G_GUINT64_FORMAT "  %s\n",
		top_octets(all), all->octets[TOP_FORTH], all->octets[TOP_BACK], top_packets(all),
		all->packets[TOP_FORTH], all->packets[TOP_BACK], sums->flows,
		top_retransmitted(all), top_rtt_us(sums), name);
}

void top_print_table(const struct top_table *table, const struct top_query *query, guint limit,
		     FILE *to)
{
	const struct top_group_row *group = &top_groups[query->group];

	fprintf(to, "%14s %14s %14s %11s %11s %11s %9s %7s %8s  %s\n", "OCTETS", "SENT", "RECEIVED",
		"PACKETS", "SENT", "RECEIVED", "FLOWS", "RETR", "RTT_US", group->heading);
	for (guint i = 0; i < rows_of(table, limit); i++) {
		const struct top_row *row = &table->rows[i];
		g_autofree char *label = group->label(&row->key, row->as_name);

		print_line(&row->sums, label, to);
	}
	if (table->rest.flows + top_packets(&table->rest.all) > 0)
		print_line(&table->rest, "(others)", to);
	print_line(&table->total, "total", to);
}

/* --- JSON --- */

static void add_sums(JsonBuilder *json, const struct top_sums *sums)
{
	const struct top_counts *all = &sums->all;

	json_put_count(json, "octets", top_octets(all));
	json_put_count(json, "octetsSent", all->octets[TOP_FORTH]);
	json_put_count(json, "octetsReceived", all->octets[TOP_BACK]);
	json_put_count(json, "packets", top_packets(all));
	json_put_count(json, "packetsSent", all->packets[TOP_FORTH]);
	json_put_count(json, "packetsReceived", all->packets[TOP_BACK]);
	json_put_count(json, "flows", sums->flows);
	if (sums->tcp_flows)
		json_put_count(json, "retransmittedPackets", top_retransmitted(all));
	if (sums->rtt_flows)
		json_put_count(json, "rttMicroseconds", top_rtt_us(sums));
}

static void add_named(JsonBuilder *json, const char *name, const struct top_sums *sums)
{
	json_begin_group(json, name);
	add_sums(json, sums);
	json_builder_end_object(json);
}

static void add_word(JsonBuilder *json, const char *name, const char *word)
{
	json_builder_set_member_name(json, name);
	json_builder_add_string_value(json, word);
}

static void add_rows(JsonBuilder *json, const struct top_table *table,
		     const struct top_query *query, guint limit)
{
	const struct top_group_row *group = &top_groups[query->group];

	json_begin_list(json, "rows");
	for (guint i = 0; i < rows_of(table, limit); i++) {
		const struct top_row *row = &table->rows[i];
		g_autofree char *label = group->label(&row->key, row->as_name);

		json_builder_begin_object(json);
		add_word(json, group->word, label);
		add_sums(json, &row->sums);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

void top_print_json(const struct top_table *table, const struct top_query *query, guint limit,
		    FILE *to)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	add_word(json, "group", top_groups[query->group].word);
	add_word(json, "sort", top_sorts[query->sort].word);
	add_rows(json, table, query, limit);
	add_named(json, "others", &table->rest);
	add_named(json, "total", &table->total);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = json_to_string(root, FALSE);
	fprintf(to, "%s\n", text);
}
