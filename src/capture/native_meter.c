/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter's native home. Frames are taken in groups: all are parsed, then the memory their flows
 * need is fetched while there is other work, then they are counted one after the other, so the
 * order in which anything happens to a flow is the order of its packets. */
#include "capture/native_meter.h"

#include <stdlib.h>
#include <string.h>

#include "capture/table.h"
#include "meter/meter.h"

#define GROUP 64
#define AHEAD 4 /* frames whose headers are fetched while one is parsed */

/* Fragmented datagrams in flight: sets of four, the oldest gives way. */
#define FRAGMENT_SETS 4096
#define FRAGMENT_WAYS 4

struct fragment_entry {
	struct fragment_key key;
	struct fragment_ports ports;
};

struct meter_home {
	struct fragment_entry *fragments;
	native_sink *sink;
	void *data;
	guint16 detail;
	guint32 circumstances;
	size_t flow_octets;
	guint64 left; /* flows that did */
	struct meter_counts *counts;
	struct flow_batch *batch;
};

_Static_assert(sizeof(struct packet) == 192, "what ctx_carrier_first() knows");

struct native_meter {
	struct meter_home home;
	struct meter_settings settings;
	struct flow_table *table;
	struct meter_counts counts;
	guint64 latest_ns;  /* packet time */
	guint64 advance_ns; /* when the table is to hear of it */
	__u64 sampler;
	struct meter_setup setup;
	struct packet carriers[2]; /* while one is parsed */
	struct packet packets[GROUP];
	struct packet firsts[GROUP]; /* carriers, see PIECE_CARRIER */
	guint64 hashes[GROUP];
	struct flow *likely[GROUP]; /* what the index named when it was asked */
	int verdicts[GROUP];
};

static struct fragment_entry *fragment_set(struct meter_home *home, const struct fragment_key *key)
{
	guint64 h = key->source[0] ^ key->source[1] ^ key->destination[0] ^ key->destination[1];

	h = (h ^ key->id) * 0x9e3779b97f4a7c15ULL;
	return &home->fragments[(h >> 40) % FRAGMENT_SETS * FRAGMENT_WAYS];
}

static bool fragment_is(const struct fragment_entry *entry, const struct fragment_key *key)
{
	return memcmp(&entry->key, key, sizeof(*key)) == 0;
}

static void fragment_remember(const meter_ctx *ctx, const struct fragment_key *key,
			      const struct fragment_ports *ports)
{
	struct fragment_entry *set = fragment_set(ctx->setup->home, key);
	struct fragment_entry *entry = set;

	for (int way = 0; way < FRAGMENT_WAYS; way++) {
		if (fragment_is(&set[way], key)) {
			entry = &set[way];
			break;
		}
		if (set[way].ports.seen_ns < entry->ports.seen_ns)
			entry = &set[way];
	}
	entry->key = *key;
	entry->ports = *ports;
}

static const struct fragment_ports *fragment_recall(const meter_ctx *ctx,
						    const struct fragment_key *key)
{
	struct fragment_entry *set = fragment_set(ctx->setup->home, key);

	for (int way = 0; way < FRAGMENT_WAYS; way++) {
		if (fragment_is(&set[way], key))
			return &set[way].ports;
	}
	return NULL;
}

static void send_batch(struct meter_home *home)
{
	if (home->batch->count == 0)
		return;
	home->sink(home->data, home->batch);
	home->batch->count = 0;
}

METER_INLINE void fill_record(const struct meter_home *home, const struct flow *flow,
			      enum flow_end end, struct flow_record *record)
{
	record->end = (guint16)end;
	record->detail = home->detail;
	record->circumstances = (guint16)home->circumstances;
	record->cpu = 0;
	record->elsewhere = 0;
	memcpy(&record->flow, flow, home->flow_octets);
	if (flow->key.proto != WIRE_IP_TCP && home->detail >= FLOW_DETAIL_TCP)
		memset(record->flow.tcp, 0, sizeof(record->flow.tcp));
}

METER_INLINE bool meter_emit(struct meter_home *home, const struct flow *flow, enum flow_end end)
{
	struct flow_record *record = &home->batch->records[home->batch->count];

	fill_record(home, flow, end, record);
	home->counts->orphans += flow_release(&record->flow);
	if (++home->batch->count == FLOW_BATCH_MAX)
		send_batch(home);
	return true;
}

static void on_leave(void *data, const struct flow *flow, enum flow_end end)
{
	struct meter_home *home = data;

	home->left++;
	meter_emit(home, flow, end);
}

/* splitmix64: the seed becomes six odd multipliers. */
static guint64 next_seed(guint64 *state)
{
	guint64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) | 1;
}

struct meter_settings native_settings(const struct native_options *options)
{
	struct meter_settings settings = {
		.idle_ns = options->idle_ns,
		.active_ns = options->active_ns,
		.detail = options->detail,
		.circumstances = options->circumstances | (options->sample > 1 ? FLOW_SAMPLED : 0),
		.sample = options->sample,
		.sample_random = options->sample_random,
		.tunnels = options->tunnels,
	};
	guint64 state = options->seed;

	for (size_t i = 0; i < G_N_ELEMENTS(settings.seed); i++)
		settings.seed[i] = next_seed(&state);
	return settings;
}

struct native_meter *native_meter_new(const struct native_options *options, GError **error)
{
	struct native_meter *meter = g_new0(struct native_meter, 1);
	struct flow_table_options table = {
		.max_flows = options->max_flows,
		.detail = options->detail,
		.idle_ns = options->idle_ns,
		.leave = on_leave,
		.data = &meter->home,
	};

	meter->settings = native_settings(options);
	meter->sampler = options->sample_random ? options->seed : 0;
	meter->home.sink = options->sink;
	meter->home.data = options->data;
	meter->home.counts = &meter->counts;
	meter->setup = (struct meter_setup){ .home = &meter->home,
					     .tunnels = &meter->settings.tunnels,
					     .carrier = meter->carriers,
					     .detail = meter->settings.detail };
	meter->home.detail = (guint16)options->detail;
	meter->home.circumstances = meter->settings.circumstances;
	meter->home.flow_octets = flow_size(options->detail);
	meter->table = flow_table_new(&table, error);
	if (!meter->table) {
		g_free(meter);
		return NULL;
	}
	meter->home.fragments = g_new0(struct fragment_entry, FRAGMENT_SETS * FRAGMENT_WAYS);
	meter->home.batch = g_new0(struct flow_batch, 1);
	return meter;
}

void native_meter_set_timeouts(struct native_meter *meter, guint64 idle_ns, guint64 active_ns)
{
	meter->settings.other_gates |= active_ns != meter->settings.active_ns;
	meter->settings.active_ns = active_ns;
	meter->settings.idle_ns = idle_ns;
	meter->advance_ns = 0;
	flow_table_set_idle(meter->table, idle_ns);
}

void native_meter_free(struct native_meter *meter)
{
	if (!meter)
		return;
	flow_table_free(meter->table);
	g_free(meter->home.fragments);
	g_free(meter->home.batch);
	g_free(meter);
}

/* The flow the index named a while ago is still there if none has left since. */
static struct flow *find_flow(const struct native_meter *meter, size_t i, guint64 left)
{
	const struct flow_key *key = &meter->packets[i].key;
	struct flow *likely = meter->likely[i];

	if (likely && left == meter->home.left && key_equal(&likely->key, key))
		return likely;
	return flow_table_find(meter->table, key, meter->hashes[i]);
}

static void open_flow(struct native_meter *meter, struct packet *pkt, guint64 hash)
{
	struct flow *flow = flow_table_claim(meter->table, hash, meter->latest_ns);

	meter_open(flow, pkt, &meter->settings);
	flow_table_filed(meter->table, flow);
}

/* Brings what was held to the flow of its first fragment. */
static void take_held(struct native_meter *meter, struct packet *first)
{
	struct flow_key key = first->key;
	struct flow_held held;
	struct flow *flow;
	guint64 hash;

	fragment_hold_key(first, &key);
	flow = flow_table_find(meter->table, &key, key_hash(&key, meter->settings.seed));
	if (!flow || !meter_held_waits(flow, first, &meter->settings))
		return;
	meter_fetch(flow, first, &held, &meter->settings);
	flow_table_drop(meter->table, flow);
	meter->home.left++;
	hash = key_hash(&first->key, meter->settings.seed);
	flow = flow_table_find(meter->table, &first->key, hash);
	if (flow) {
		meter_update_held(&meter->home, flow, first, &held, &meter->settings);
		return;
	}
	flow = flow_table_claim(meter->table, hash, meter->latest_ns);
	meter_open_held(flow, first, &held, &meter->settings);
	flow_table_filed(meter->table, flow);
}

static void take_pieces(struct native_meter *meter, size_t i)
{
	struct packet *pkt = &meter->packets[i];

	if (pkt->pieces & PIECE_FIRST)
		take_held(meter, pkt);
	if (pkt->pieces & PIECE_CARRIER)
		take_held(meter, &meter->firsts[i]);
}

static void count_packet(struct native_meter *meter, size_t i, guint64 left)
{
	struct packet *pkt = &meter->packets[i];
	struct flow *flow;

	meter->latest_ns = MAX(meter->latest_ns, pkt->now_ns);
	if (meter->latest_ns >= meter->advance_ns)
		meter->advance_ns = flow_table_advance(meter->table, meter->latest_ns);
	flow = find_flow(meter, i, left);
	if (!flow)
		open_flow(meter, pkt, meter->hashes[i]);
	else if (meter_update(&meter->home, flow, pkt, &meter->settings) & METER_ENDED)
		flow_table_filed(meter->table, flow);
	if (pkt->pieces & PIECES_WAITED_FOR)
		take_pieces(meter, i);
}

static void parse_one(struct native_meter *meter, const struct frame *frame, size_t i)
{
	meter_ctx ctx = {
		.setup = &meter->setup,
		.data = frame->data,
		.end = frame->data + frame->captured,
		.now_ns = frame->time_ns,
		.length = frame->length,
		.iface = frame->iface,
		.link = frame->link,
		.vlan = frame->vlan & 0xfff,
		.outer = (guint32)frame->outer,
	};

	struct packet *pkt = &meter->packets[i];

	/* Keep the address in a register: worked out anew for every field it costs more than the
	 * parsing. */
	__asm__("" : "+r"(pkt));
	meter->verdicts[i] = meter_parse(&ctx, pkt);
	pkt->state |= frame->outgoing ? FLOW_LEFT : 0;
	if (pkt->pieces & PIECE_CARRIER)
		meter->firsts[i] = meter->carriers[1];
}

/* Two cache lines: link, IP and TCP headers seldom fit into one. */
static void prefetch_headers(const struct frame *frame)
{
	__builtin_prefetch(frame->data);
	__builtin_prefetch(frame->data + 64);
}

static void meter_group(struct native_meter *meter, const struct frame *frames, size_t count)
{
	guint64 left = meter->home.left;

	for (size_t i = 0; i < count; i++) {
		if (i + AHEAD < count)
			prefetch_headers(&frames[i + AHEAD]);
		if (!meter_samples(&meter->settings, &meter->sampler)) {
			meter->verdicts[i] = METER_NOT_SAMPLED;
			meter_tally_unsampled(&meter->counts,
					      frames[i].length + (guint32)frames[i].outer);
			continue;
		}
		parse_one(meter, &frames[i], i);
		meter_tally(&meter->counts, meter->verdicts[i], &meter->packets[i]);
	}
	/* Not at once: the key's words were just stored in parts, and would be waited for. */
	for (size_t i = 0; i < count; i++) {
		if (meter->verdicts[i] != METER_OK)
			continue;
		meter->hashes[i] = key_hash(&meter->packets[i].key, meter->settings.seed);
		flow_table_prefetch_index(meter->table, meter->hashes[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (meter->verdicts[i] == METER_OK)
			meter->likely[i] = flow_table_prefetch_flow(meter->table, meter->hashes[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (meter->verdicts[i] == METER_OK)
			count_packet(meter, i, left);
	}
}

void native_meter_frames(struct native_meter *meter, const struct frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i += GROUP)
		meter_group(meter, frames + i, MIN(count - i, (size_t)GROUP));
	meter->counts.evicted = flow_table_evicted(meter->table);
}

void native_meter_tick(struct native_meter *meter, guint64 now_ns)
{
	meter->latest_ns = MAX(meter->latest_ns, now_ns);
	if (meter->latest_ns >= meter->advance_ns)
		meter->advance_ns = flow_table_advance(meter->table, meter->latest_ns);
	send_batch(&meter->home);
}

void native_meter_finish(struct native_meter *meter)
{
	flow_table_flush(meter->table, meter->latest_ns);
	send_batch(&meter->home);
}

const struct meter_counts *native_meter_counts(const struct native_meter *meter)
{
	return &meter->counts;
}

guint32 native_meter_flows(const struct native_meter *meter)
{
	return flow_table_count(meter->table);
}

struct looker {
	const struct meter_home *home;
	native_look *look;
	void *data;
	struct flow_record record;
};

static void on_look(void *data, const struct flow *flow)
{
	struct looker *looker = data;

	fill_record(looker->home, flow, FLOW_END_NONE, &looker->record);
	flow_release(&looker->record.flow);
	looker->look(looker->data, &looker->record);
}

bool native_meter_look(const struct native_meter *meter, guint32 *at, native_look *look, void *data)
{
	struct looker looker = { .home = &meter->home, .look = look, .data = data };

	return flow_table_look(meter->table, at, on_look, &looker);
}

bool native_meter_flush(struct native_meter *meter, guint32 *at)
{
	const bool more = flow_table_flush_some(meter->table, at, meter->latest_ns);

	send_batch(&meter->home);
	return more;
}

size_t native_meter_parse(struct native_meter *meter, const struct frame *frames, size_t count)
{
	size_t good = 0;

	for (size_t i = 0; i < count; i++) {
		parse_one(meter, &frames[i], i % GROUP);
		good += meter->verdicts[i % GROUP] == METER_OK;
	}
	return good;
}
