/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries lie in one array, found by a hash table. When the array is full, the half of them with
 * the fewest octets goes on as coarser entries: flows to one service, then all between two hosts,
 * then the rest. What is large stays as it is, and what is many, as from a scanner, stays with
 * its host. A flow that comes on after that begins as an entry of its own again, and is counted
 * as another flow. */
#include "top/model.h"

#include <string.h>

struct top_model {
	guint room;
	guint used;
	struct top_entry *entries;
	GHashTable *index; /* of struct top_entry */
	struct top_sums rest;
	struct top_counts rest_fresh;
	struct top_counts lost; /* of the rest, what no flow is known of */
	struct top_counts read;
	guint64 turn;
	guint64 turn_ns;
};

/* --- entries as keys --- */

static guint mix(guint hash, const void *octets, size_t size)
{
	const guint8 *at = octets;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 16777619u;
	return hash;
}

static guint entry_hash(gconstpointer key)
{
	const struct top_entry *entry = key;
	const struct top_flow *flow = &entry->flow;
	guint hash = 2166136261u ^ (guint)entry->grain;

	if (entry->grain == TOP_GRAIN_FLOW)
		return g_int64_hash(&flow->id);
	for (int i = 0; i < 2; i++)
		hash = mix(hash, flow->end[i].address, sizeof(flow->end[i].address));
	hash = mix(hash, &flow->end[TOP_BACK].port, sizeof(flow->end[TOP_BACK].port));
	return mix(hash, &flow->proto, sizeof(flow->proto));
}

static gboolean entry_equal(gconstpointer a, gconstpointer b)
{
	const struct top_entry *left = a;
	const struct top_entry *right = b;

	if (left->grain != right->grain)
		return false;
	if (left->grain == TOP_GRAIN_FLOW)
		return left->flow.id == right->flow.id;
	for (int i = 0; i < 2; i++) {
		const struct top_end *one = &left->flow.end[i];
		const struct top_end *other = &right->flow.end[i];

		if (one->port != other->port || one->interface != other->interface ||
		    memcmp(one->address, other->address, sizeof(one->address)) != 0)
			return false;
	}
	return left->flow.proto == right->flow.proto;
}

/* --- sums --- */

void top_sums_add(struct top_sums *sum, const struct top_sums *more)
{
	sum->flows += more->flows;
	sum->tcp_flows += more->tcp_flows;
	sum->rtt_flows += more->rtt_flows;
	sum->rtt_sum_us += more->rtt_sum_us;
	top_counts_add(&sum->all, &more->all);
	top_counts_add(&sum->last, &more->last);
}

/* What an entry had in an earlier turn becomes its rate, or is over. */
static void settle(const struct top_model *model, struct top_entry *entry)
{
	static const struct top_counts none;

	if (entry->turn == model->turn)
		return;
	entry->sums.last = entry->turn + 1 == model->turn ? entry->fresh : none;
	entry->fresh = none;
	entry->turn = model->turn;
}

static guint64 growth(guint64 now, guint64 before)
{
	return now > before ? now - before : 0;
}

/* Counts of a record only grow. Where several CPUs have parts of it, one may have left, and what
 * the others have is then told as another record, older than the last reading: less than was
 * counted, of which nothing is counted again, and which grows from there. Retransmissions are what
 * is known of a whole; without its other part they may be none, and come again. */
static struct top_counts progress(struct top_entry *entry, const struct top_reading *reading)
{
	struct top_counts more = { 0 };
	struct top_counts *before = &entry->record;

	if (entry->which != reading->record && !reading->old)
		memset(before, 0, sizeof(*before));
	for (int way = 0; way < 2; way++) {
		const struct top_counts *now = &reading->counts;

		more.packets[way] = growth(now->packets[way], before->packets[way]);
		more.octets[way] = growth(now->octets[way], before->octets[way]);
		more.retransmitted[way] =
			growth(now->retransmitted[way], before->retransmitted[way]);
		before->packets[way] = now->packets[way];
		before->octets[way] = now->octets[way];
		before->retransmitted[way] += more.retransmitted[way];
	}
	entry->which = reading->record;
	return more;
}

/* --- making room --- */

static void coarsen(struct top_entry *entry)
{
	entry->grain++;
	entry->flow.id = 0;
	entry->which = 0;
	entry->filter = 0;
	memset(&entry->record, 0, sizeof(entry->record));
	entry->flow.end[TOP_FORTH].port = 0;
	if (entry->grain >= TOP_GRAIN_PAIR)
		entry->flow.end[TOP_BACK].port = 0;
}

/* from has no place in the index. False: nothing is like it yet, it may have one. */
static bool merge(struct top_model *model, const struct top_entry *from)
{
	struct top_entry *entry;

	if (from->grain == TOP_GRAIN_REST) {
		top_sums_add(&model->rest, &from->sums);
		top_counts_add(&model->rest_fresh, &from->fresh);
		return true;
	}
	entry = g_hash_table_lookup(model->index, from);
	if (!entry)
		return false;
	top_sums_add(&entry->sums, &from->sums);
	top_counts_add(&entry->fresh, &from->fresh);
	entry->flow.knows_tcp |= from->flow.knows_tcp;
	return true;
}

static int by_octets(gconstpointer a, gconstpointer b)
{
	guint64 left = *(const guint64 *)a;
	guint64 right = *(const guint64 *)b;

	return left < right ? -1 : left > right;
}

/* As many entries have more octets as have fewer. */
static guint64 middle_octets(const struct top_model *model)
{
	guint64 *octets = g_new(guint64, model->used);
	guint64 middle;

	for (guint i = 0; i < model->used; i++)
		octets[i] = top_octets(&model->entries[i].sums.all);
	qsort(octets, model->used, sizeof(*octets), by_octets);
	middle = octets[model->used / 2];
	g_free(octets);
	return middle;
}

/* The entries move together, those that stay before those that became coarser, which may meet each
 * other: the index is made anew. */
static void rebuild(struct top_model *model, guint64 octets, enum top_grain grain)
{
	guint kept = 0;

	g_hash_table_remove_all(model->index);
	for (guint i = 0; i < model->used; i++) {
		struct top_entry entry = model->entries[i];

		settle(model, &entry);
		if (entry.grain <= grain && top_octets(&entry.sums.all) <= octets)
			coarsen(&entry);
		if (merge(model, &entry))
			continue;
		model->entries[kept] = entry;
		g_hash_table_add(model->index, &model->entries[kept++]);
	}
	model->used = kept;
}

static void make_room(struct top_model *model)
{
	int grain = TOP_GRAIN_FLOW;

	while (model->used > model->room / 4 * 3) {
		rebuild(model, middle_octets(model), (enum top_grain)grain);
		grain = (grain + 1) % TOP_GRAIN_REST;
	}
}

/* --- reading --- */

static struct top_entry *entry_of(struct top_model *model, const struct top_flow *flow,
				  bool *ret_new)
{
	const struct top_entry fresh = { .grain = TOP_GRAIN_FLOW,
					 .flow = *flow,
					 .turn = model->turn };
	struct top_entry *entry = g_hash_table_lookup(model->index, &fresh);

	*ret_new = !entry;
	if (entry)
		return entry;
	if (model->used == model->room)
		make_room(model);
	entry = &model->entries[model->used++];
	*entry = fresh;
	g_hash_table_add(model->index, entry);
	return entry;
}

/* What changes while a flow goes on. */
static void renew(struct top_entry *entry, const struct top_flow *flow)
{
	for (int i = 0; i < 2; i++) {
		if (!entry->flow.end[i].interface)
			entry->flow.end[i].interface = flow->end[i].interface;
	}
	entry->flow.knows_tcp |= flow->knows_tcp;
	if (flow->rtt_us)
		entry->flow.rtt_us = flow->rtt_us;
	entry->sums.flows = 1;
	entry->sums.tcp_flows = entry->flow.knows_tcp;
	entry->sums.rtt_flows = entry->flow.rtt_us > 0;
	entry->sums.rtt_sum_us = entry->flow.rtt_us;
}

bool top_model_read(struct top_model *model, const struct top_reading *reading)
{
	bool is_new;
	struct top_entry *entry = entry_of(model, &reading->flow, &is_new);
	struct top_counts more = progress(entry, reading);

	settle(model, entry);
	if (is_new && reading->old)
		memset(&more, 0, sizeof(more));
	if (reading->finished) {
		entry->which = 0;
		memset(&entry->record, 0, sizeof(entry->record));
	}
	top_counts_add(&entry->sums.all, &more);
	top_counts_add(&model->read, &more);
	top_counts_add(&entry->fresh, &more);
	renew(entry, &reading->flow);
	return is_new;
}

const struct top_counts *top_model_read_so_far(const struct top_model *model)
{
	return &model->read;
}

void top_model_lose(struct top_model *model, const struct top_counts *counts)
{
	struct top_counts more;

	for (int way = 0; way < 2; way++) {
		more.packets[way] = counts->packets[way] - model->lost.packets[way];
		more.octets[way] = counts->octets[way] - model->lost.octets[way];
		more.retransmitted[way] =
			counts->retransmitted[way] - model->lost.retransmitted[way];
	}
	model->lost = *counts;
	top_counts_add(&model->rest.all, &more);
	top_counts_add(&model->rest_fresh, &more);
}

void top_model_turn(struct top_model *model, guint64 took_ns)
{
	model->turn++;
	model->turn_ns = took_ns;
	model->rest.last = model->rest_fresh;
	memset(&model->rest_fresh, 0, sizeof(model->rest_fresh));
}

guint64 top_model_turn_ns(const struct top_model *model)
{
	return model->turn_ns;
}

guint top_model_entries(const struct top_model *model)
{
	return model->used;
}

struct top_entry *top_model_entry(struct top_model *model, guint index)
{
	settle(model, &model->entries[index]);
	return &model->entries[index];
}

const struct top_sums *top_model_rest(const struct top_model *model)
{
	return &model->rest;
}

struct top_model *top_model_new(guint room)
{
	struct top_model *model = g_new0(struct top_model, 1);

	g_assert(room >= 8);
	model->room = room;
	model->entries = g_new(struct top_entry, room);
	model->index = g_hash_table_new(entry_hash, entry_equal);
	model->turn = 1;
	return model;
}

void top_model_free(struct top_model *model)
{
	if (!model)
		return;
	g_hash_table_unref(model->index);
	g_free(model->entries);
	g_free(model);
}
