/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The `set` table: a set-associative hash table in an array. A set is a header line (a tag and the
 * second of last use for each way) and its entries; a full set gives up the entry used longest
 * ago. */
#ifndef BPF_CACHE_SET_H
#define BPF_CACHE_SET_H

#include "maps.h"

/* Value size and number of sets are chosen before loading: what counts is config.meter.detail. */
struct flow_sets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct set_header) + SET_WAYS * sizeof(struct flow));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct flow_sets);
} flow_tables SEC(".maps");

/* The product's low bits are its weakest. */
METER_INLINE __u32 set_index(__u64 hash)
{
	return (__u32)(hash >> 24) & config.set_mask;
}

METER_INLINE __u32 set_tag(__u64 hash)
{
	return (__u32)(hash >> 32) | 1;
}

/* A way that the verifier knows to be one. Where the compiler knows as much it leaves the mask out,
 * and kernel 6.1 forgets what it knew once the register was in memory. */
METER_INLINE __u64 set_way(__u64 way)
{
	asm volatile("%0 &= %1" : "+r"(way) : "i"(SET_WAYS - 1));
	return way;
}

METER_INLINE struct flow *set_entry(struct set_header *set, __u32 way)
{
	return (struct flow *)((char *)set + sizeof(*set) + set_way(way) * config.flow_stride);
}

/* Where a flow of this hash is put if it can be: the processor then guesses right where it is, and
 * fetches it while the set's header, which says so, is still on its way from memory. */
METER_INLINE __u32 set_home(__u64 hash)
{
	return (__u32)(hash >> 21) & (SET_WAYS - 1);
}

/* The verifier would walk all that follows once for each way; what has been in a map's memory it no
 * longer knows. */
METER_INLINE __u32 set_some_way(struct cache_counts *mine, __u32 way)
{
	*(volatile __u64 *)&mine->way = way;
	return *(volatile __u64 *)&mine->way;
}

/* A free way, else the one used longest ago. */
METER_INLINE __u32 set_victim(const struct set_header *set)
{
	__u32 oldest = ~0u;
	__u32 victim = 0;

#pragma clang loop unroll(full)
	for (int way = 0; way < SET_WAYS; way++) {
		if (!set->tag[way])
			return way;
		if (set->second[way] < oldest) {
			oldest = set->second[way];
			victim = way;
		}
	}
	return victim;
}

/* How long a flow has been of no use, for the header: see there. One that ended is looked at in any
 * case, as the idle time-out, which does not concern it, may be another one by then. */
METER_INLINE __u32 set_second(const struct flow *flow, __u64 now_ns)
{
	__u64 ended = flow->gate_ns ? 0 : flow_ended(flow);

	return ended ? 0 : now_ns >> 30;
}

/* held: what the packet brings with it in place of itself; NULL: nothing, it is to be counted. */
METER_INLINE int set_open(struct set_header *set, struct cache_counts *mine, struct packet *pkt,
			  __u64 hash, const struct flow_held *held)
{
	__u32 way = set_home(hash);
	struct flow *flow;
	int event = 0;

	if (set->tag[set_way(way)])
		way = set_some_way(mine, set_victim(set));
	flow = set_entry(set, way);
	if (set->tag[set_way(way)]) {
		if (!meter_emit(NULL, flow, FLOW_END_RESOURCES))
			return METER_NO_ROOM;
		event = CACHE_EVICTED;
	}
	/* Who looks meanwhile sees no flow, rather than the one that was there. */
	*(volatile __u64 *)&flow->last_ns = 0;
	barrier();
	set->tag[set_way(way)] = set_tag(hash);
	if (held)
		meter_open_held(flow, pkt, held, &config.meter);
	else
		meter_open(flow, pkt, &config.meter);
	set->second[set_way(way)] = set_second(flow, pkt->now_ns);
	return METER_OK | event;
}

METER_INLINE bool set_has(struct set_header *set, __u32 way, const struct flow_key *key, __u32 tag)
{
	return set->tag[set_way(way)] == tag && key_equal(&set_entry(set, way)->key, key);
}

/* SET_WAYS: the set does not have the key. */
METER_INLINE __u32 set_find(struct set_header *set, struct cache_counts *mine,
			    const struct flow_key *key, __u64 hash)
{
	__u32 tag = set_tag(hash);
	__u32 home = set_home(hash);

	if (set_has(set, home, key, tag))
		return home;
#pragma clang loop unroll(full)
	for (__u32 way = 0; way < SET_WAYS; way++) {
		if (set_has(set, way, key, tag))
			return set_some_way(mine, way) & (SET_WAYS - 1);
	}
	return SET_WAYS;
}

METER_INLINE int set_meter(struct set_header *set, struct cache_counts *mine, struct packet *pkt,
			   __u64 hash, const struct flow_held *held)
{
	__u32 way = set_find(set, mine, &pkt->key, hash);
	struct flow *flow;
	unsigned int change;

	if (way == SET_WAYS)
		return set_open(set, mine, pkt, hash, held);
	flow = set_entry(set, way);
	if (held)
		change = meter_update_held(NULL, flow, pkt, held, &config.meter);
	else
		change = meter_update(NULL, flow, pkt, &config.meter);
	set->second[set_way(way)] = set_second(flow, pkt->now_ns);
	return METER_OK | (change & METER_WAITED ? CACHE_EXTENDED : 0);
}

METER_STEP int cache_holds(const struct flow_key *key, __u32 cpu, __u64 hash)
{
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);
	__u32 index = set_index(hash);
	__u32 tag = set_tag(hash);
	struct set_header *set;

	if (!table || !key || cpu == bpf_get_smp_processor_id())
		return 0;
	set = bpf_map_lookup_elem(table, &index);
	if (!set)
		return 0;
	for (int way = 0; way < SET_WAYS; way++) {
		if (set->tag[way] == tag && key_equal(&set_entry(set, way)->key, key))
			return 1;
	}
	return 0;
}

METER_INLINE struct set_header *set_of(__u32 index)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);

	return table ? bpf_map_lookup_elem(table, &index) : NULL;
}

/* A softirq may interrupt the drain where the kernel runs that with bottom halves on; what the
 * drain has in hand is not touched then. */
METER_INLINE bool set_in_hand(const struct cache_counts *mine, __u32 index)
{
	return mine->busy == (__u64)index + 1;
}

METER_INLINE int set_packet(struct packet *pkt, struct cache_counts *mine,
			    const struct flow_held *held)
{
	struct set_header *set;
	void *table;
	__u64 hash;
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 index;

	table = bpf_map_lookup_elem(&flow_tables, &cpu);
	if (!table)
		return METER_NO_ROOM;
	hash = key_hash(&pkt->key, config.meter.seed);
	index = set_index(hash);
	set = bpf_map_lookup_elem(table, &index);
	if (!set)
		return METER_NO_ROOM;
	if (set_in_hand(mine, index))
		return METER_BUSY;
	return set_meter(set, mine, pkt, hash, held);
}

METER_INLINE int cache_packet(struct packet *pkt, struct cache_counts *mine)
{
	return set_packet(pkt, mine, NULL);
}

/* Finds what is held, copies it and frees its place. Returns the way, or SET_WAYS. */
METER_STEP int set_fetch(struct packet *first, struct cache_counts *mine)
{
	struct held_scratch *scratch;
	struct set_header *set;
	struct flow *flow;
	__u32 zero = 0;
	__u64 hash;
	__u32 way;

	scratch = bpf_map_lookup_elem(&on_the_way, &zero);
	if (!first || !mine || !scratch)
		return SET_WAYS;
	scratch->key = first->key;
	fragment_hold_key(first, &scratch->key);
	hash = key_hash(&scratch->key, config.meter.seed);
	set = set_of(set_index(hash));
	if (!set || set_in_hand(mine, set_index(hash)))
		return SET_WAYS;
	way = set_find(set, mine, &scratch->key, hash);
	if (way == SET_WAYS)
		return SET_WAYS;
	flow = set_entry(set, way);
	if (!meter_held_waits(flow, first, &config.meter))
		return SET_WAYS;
	meter_fetch(flow, first, &scratch->held, &config.meter);
	set->tag[set_way(way)] = 0;
	return (int)way;
}

/* What was fetched found no place: it is where it was. Nothing was written there. */
METER_INLINE void set_put_back(__u32 way)
{
	struct held_scratch *scratch;
	struct set_header *set;
	__u32 zero = 0;
	__u64 hash;

	scratch = bpf_map_lookup_elem(&on_the_way, &zero);
	if (!scratch)
		return;
	hash = key_hash(&scratch->key, config.meter.seed);
	set = set_of(set_index(hash));
	if (set)
		set->tag[set_way(way)] = set_tag(hash);
}

METER_STEP int set_take(struct packet *first, struct cache_counts *mine)
{
	struct held_scratch *scratch;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&on_the_way, &zero);
	if (!first || !mine || !scratch)
		return METER_NO_ROOM;
	return set_packet(first, mine, &scratch->held);
}

METER_STEP int cache_take(struct packet *first, struct cache_counts *mine)
{
	int verdict;
	int way;

	if (!first || !mine)
		return METER_NO_ROOM;
	way = set_fetch(first, mine);
	if (way == SET_WAYS)
		return METER_NO_ROOM;
	verdict = set_take(first, mine);
	if ((verdict & CACHE_VERDICT) != METER_OK)
		set_put_back(way);
	return verdict;
}

/* Where the way is no number that the compiler knows. In this order: kernel 6.1 knows nothing of a
 * product whose second factor it does not know. */
METER_INLINE struct flow *set_entry_unknown(struct set_header *set, __u32 way)
{
	__u64 at = way & (SET_WAYS - 1);

	asm volatile("%0 *= %1" : "+r"(at) : "r"((__u64)config.flow_stride));
	return (struct flow *)((char *)set + sizeof(*set) + at);
}

/* A flow that may be finished leaves if it is. A step of its own: kernel 6.1 would walk every
 * combination of what becomes of the set's flows. */
METER_STEP int set_drain_way(__u32 index, __u32 way, __u64 now_ns, __u32 all)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);
	struct set_header *set;
	struct flow *flow;
	enum flow_end end;

	if (!table)
		return 0;
	set = bpf_map_lookup_elem(table, &index);
	if (!set)
		return 0;
	flow = set_entry_unknown(set, way);
	end = drain_reason(flow, now_ns, all);
	if (end == FLOW_END_NONE)
		return 1 << 16;
	if (!meter_emit(NULL, flow, end))
		return (1 << 16) + (1 << 8);
	set->tag[way & (SET_WAYS - 1)] = 0;
	return 1;
}

/* Brings out the finished flows of a set; or all. */
METER_INLINE int cache_drain_place(__u32 index, __u64 now_ns, __u32 all)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cache_counts *mine;
	struct set_header *set;
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);
	__u32 zero = 0;
	int told = 0;

	if (!table)
		return 0;
	set = bpf_map_lookup_elem(table, &index);
	if (!set)
		return 0;
	mine = bpf_map_lookup_elem(&counts, &zero);
	if (!mine)
		return 0;
	*(volatile __u64 *)&mine->busy = (__u64)index + 1;
	/* Kernel 6.1 loses sight of a counter that is put away over a call. */
#pragma clang loop unroll(full)
	for (int way = 0; way < SET_WAYS; way++) {
		if (!set->tag[way])
			continue;
		if (!all && set->second[way] &&
		    ((__u64)set->second[way] << 30) + config.meter.idle_ns >= now_ns)
			told += 1 << 16;
		else
			told += set_drain_way(index, way, now_ns, all);
	}
	*(volatile __u64 *)&mine->busy = 0;
	return told;
}

#endif
