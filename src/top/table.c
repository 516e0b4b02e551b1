/* SPDX-License-Identifier: BSD-2-Clause */
/* Made anew for every look: what is asked changes as fast as what there is. */
#include "top/table.h"

#include <string.h>

#include "top/filter.h"

bool top_key_equal(const struct top_key *a, const struct top_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
	return top_key_equal(a, b);
}

static guint key_hash(gconstpointer key)
{
	guint64 words[sizeof(struct top_key) / sizeof(guint64)];
	guint64 hash = 0;

	G_STATIC_ASSERT(sizeof(words) == sizeof(struct top_key));
	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		hash = (hash ^ words[i]) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	return (guint)(hash >> 32);
}

/* --- which flows --- */

static bool fits(const struct top_entry *entry, const struct top_condition *condition)
{
	struct top_key keys[2];
	enum top_way ways[2];
	guint count = top_groups[condition->group].keys(entry, keys, ways);

	for (guint i = 0; i < count; i++) {
		if (top_key_equal(&keys[i], &condition->key))
			return true;
	}
	return false;
}

static bool wanted(struct top_entry *entry, const struct top_query *query)
{
	for (guint i = 0; i < query->conditions_count; i++) {
		if (!fits(entry, &query->conditions[i]))
			return false;
	}
	if (!query->filter)
		return true;
	if (entry->filter != top_filter_number(query->filter)) {
		entry->filter = top_filter_number(query->filter);
		entry->taken = top_filter_takes(query->filter, &entry->flow);
	}
	return entry->taken;
}

/* --- which row --- */

static struct top_counts turned(const struct top_counts *counts)
{
	return (struct top_counts){
		.packets = { counts->packets[TOP_BACK], counts->packets[TOP_FORTH] },
		.octets = { counts->octets[TOP_BACK], counts->octets[TOP_FORTH] },
		.retransmitted = { counts->retransmitted[TOP_BACK],
				   counts->retransmitted[TOP_FORTH] },
	};
}

static void drop_back(struct top_counts *counts)
{
	counts->packets[TOP_BACK] = 0;
	counts->octets[TOP_BACK] = 0;
	counts->retransmitted[TOP_BACK] = 0;
}

static struct top_sums sums_of(const struct top_entry *entry, enum top_way way, bool one_way)
{
	struct top_sums sums = entry->sums;

	if (way == TOP_BACK) {
		sums.all = turned(&sums.all);
		sums.last = turned(&sums.last);
	}
	if (one_way) {
		drop_back(&sums.all);
		drop_back(&sums.last);
	}
	return sums;
}

struct maker {
	const struct top_group_row *group;
	GArray *rows;	   /* of struct top_row */
	GHashTable *index; /* struct top_key -> place in rows + 1; keys are the index's own */
};

static struct top_row *row_of(struct maker *maker, const struct top_key *key)
{
	guint place = GPOINTER_TO_UINT(g_hash_table_lookup(maker->index, key));
	const struct top_row fresh = { .key = *key };

	if (place)
		return &g_array_index(maker->rows, struct top_row, place - 1);
	g_array_append_val(maker->rows, fresh);
	g_hash_table_insert(maker->index, g_memdup2(key, sizeof(*key)),
			    GUINT_TO_POINTER(maker->rows->len));
	return &g_array_index(maker->rows, struct top_row, maker->rows->len - 1);
}

static void add_entry(struct maker *maker, const struct top_entry *entry)
{
	struct top_key keys[2];
	enum top_way ways[2];
	guint count = maker->group->keys(entry, keys, ways);

	for (guint i = 0; i < count; i++) {
		const struct top_sums sums = sums_of(entry, ways[i], maker->group->one_way);
		struct top_row *row = row_of(maker, &keys[i]);

		top_sums_add(&row->sums, &sums);
		if (!row->as_name)
			row->as_name = entry->flow.end[ways[i]].as_name;
	}
}

/* --- in which order --- */

double top_sort_value(enum top_sort sort, const struct top_sums *sums)
{
	switch (sort) {
	case TOP_BY_PACKETS:
		return (double)top_packets(&sums->all);
	case TOP_BY_FLOWS:
		return (double)sums->flows;
	case TOP_BY_RETRANSMISSIONS:
		return (double)top_retransmitted(&sums->all);
	case TOP_BY_RTT:
		return sums->rtt_flows ? (double)sums->rtt_sum_us / (double)sums->rtt_flows : 0;
	case TOP_BY_RATE:
		return (double)top_octets(&sums->last);
	default:
		return (double)top_octets(&sums->all);
	}
}

/* Among equals the larger first, then always in one order, so that rows do not jump. */
static int compare(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct top_row *left = a;
	const struct top_row *right = b;
	const struct top_query *query = data;
	double one = top_sort_value(query->sort, &left->sums);
	double other = top_sort_value(query->sort, &right->sums);

	if (one == other) {
		one = top_sort_value(TOP_BY_OCTETS, &left->sums);
		other = top_sort_value(TOP_BY_OCTETS, &right->sums);
	}
	if (one == other)
		return memcmp(&left->key, &right->key, sizeof(left->key));
	return (one < other) == query->ascending ? -1 : 1;
}

/* Packets that turned out to be in a flow came in an earlier turn: of others there were none. */
static void drop_negative(struct top_counts *counts)
{
	for (int way = 0; way < 2; way++) {
		if ((gint64)counts->packets[way] < 0)
			counts->packets[way] = 0;
		if ((gint64)counts->octets[way] < 0)
			counts->octets[way] = 0;
	}
}

struct top_table *top_table_new(struct top_model *model, const struct top_query *query)
{
	struct top_table *table = g_new0(struct top_table, 1);
	struct maker maker = {
		.group = &top_groups[query->group],
		.rows = g_array_new(FALSE, TRUE, sizeof(struct top_row)),
		.index = g_hash_table_new_full(key_hash, key_equal, g_free, NULL),
	};

	for (guint i = 0; i < top_model_entries(model); i++) {
		struct top_entry *entry = top_model_entry(model, i);

		if (!wanted(entry, query))
			continue;
		top_sums_add(&table->total, &entry->sums);
		add_entry(&maker, entry);
	}
	if (query->conditions_count == 0 && !query->filter) {
		table->rest = *top_model_rest(model);
		top_sums_add(&table->total, &table->rest);
		drop_negative(&table->rest.last);
	}
	g_hash_table_unref(maker.index);
	g_array_sort_with_data(maker.rows, compare, (gpointer)query);
	table->count = maker.rows->len;
	table->rows = (struct top_row *)(gpointer)g_array_free(maker.rows, FALSE);
	return table;
}

void top_table_free(struct top_table *table)
{
	if (!table)
		return;
	g_free(table->rows);
	g_free(table);
}

guint top_table_find(const struct top_table *table, const struct top_key *key)
{
	guint i = 0;

	while (i < table->count && !top_key_equal(&table->rows[i].key, key))
		i++;
	return i;
}
