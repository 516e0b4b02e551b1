/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The `hash` table: the kernel's own hash table, preallocated, and beside it an array of slots, one
 * a flow, by which the drain walks and a full table finds a flow to give up. It costs more a packet
 * than the `set` table, but is full only when it is full: no set of its runs over before.
 *
 * A record is reserved and filled, then its flow deleted, then the record sent: where the kernel
 * refuses the deletion (on 6.1 the drain may be in the middle of one) nothing has happened.
 *
 * A flow does not know its slot: the slot of one that was held and went to another stays in use
 * without a flow, until somebody comes by. */
#ifndef BPF_CACHE_HASH_H
#define BPF_CACHE_HASH_H

#include "maps.h"

/* Sizes are chosen before loading, as in the set table. */
struct flow_hash {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct flow_key));
	__uint(value_size, sizeof(struct flow));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct flow_hash);
} flow_tables SEC(".maps");

/* Of every CPU, one CPU's after the other's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hash_slot);
} flow_slots SEC(".maps");

/* A flow is too large for the stack; it is made here and then copied into the table. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} new_flow SEC(".maps");

/* Flows to choose from when one has to make room. */
#define HASH_CANDIDATES 8

#define HASH_NO_SLOT 0xffffffff
#define HASH_IS_FULL 7 /* E2BIG */

METER_INLINE struct hash_slot *hash_slot(__u32 cpu, __u32 number)
{
	__u32 index = cpu * (config.set_mask + 1) + (number & config.set_mask);

	return bpf_map_lookup_elem(&flow_slots, &index);
}

METER_INLINE __u32 hash_take(struct hash_state *state, __u32 cpu)
{
	struct hash_slot *place;
	__u32 number;

	if (state->spare) {
		number = state->spare - 1;
		state->spare = 0;
		return number;
	}
	if (state->fresh <= config.set_mask)
		return state->fresh++;
	if (state->taken == state->freed)
		return HASH_NO_SLOT;
	place = hash_slot(cpu, state->taken);
	if (!place)
		return HASH_NO_SLOT;
	state->taken++;
	return place->free;
}

/* Anything but METER_OK: the kernel is at this very place, or the ring has no room; nothing has
 * changed. */
METER_INLINE int hash_remove(void *table, const struct flow_key *key, enum flow_end end)
{
	struct flow *flow = bpf_map_lookup_elem(table, key);
	struct flow_record *record;

	if (!flow)
		return METER_BUSY;
	record = record_make(flow, end);
	if (!record)
		return METER_NO_ROOM;
	if (bpf_map_delete_elem(table, key)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return METER_BUSY;
	}
	record_send(record);
	return METER_OK;
}

/* Of the next few slots, the one whose flow has been of no use for longest. */
METER_INLINE __u32 hash_victim(void *table, struct cache_counts *mine, __u32 cpu)
{
	__u32 victim = HASH_NO_SLOT;
	__u32 hand = mine->hash.hand;
	__u64 earliest = ~0ULL;

	mine->hash.hand = hand + HASH_CANDIDATES;
	for (__u32 i = 0; i < HASH_CANDIDATES; i++) {
		__u32 number = (hand + i) & config.set_mask;
		struct hash_slot *slot = hash_slot(cpu, number);
		struct flow *flow;

		if (!slot || !slot->used || mine->busy == (__u64)number + 1)
			continue;
		flow = bpf_map_lookup_elem(table, &slot->key);
		if (!flow)
			return number;
		if (expire_deadline(flow, config.meter.idle_ns) >= earliest)
			continue;
		earliest = expire_deadline(flow, config.meter.idle_ns);
		victim = number;
	}
	return victim;
}

/* Frees a slot, by giving up its flow if it has one. */
METER_INLINE int hash_evict(void *table, struct cache_counts *mine, __u32 cpu)
{
	__u32 victim = hash_victim(table, mine, cpu);
	struct hash_slot *slot;
	int verdict;

	if (victim == HASH_NO_SLOT)
		return METER_NO_ROOM;
	slot = hash_slot(cpu, victim);
	if (!slot)
		return METER_NO_ROOM;
	verdict = METER_OK;
	if (bpf_map_lookup_elem(table, &slot->key)) {
		verdict = hash_remove(table, &slot->key, FLOW_END_RESOURCES);
		if (verdict != METER_OK)
			return verdict;
		verdict |= CACHE_EVICTED;
	}
	slot->used = 0;
	mine->hash.spare = victim + 1;
	return verdict;
}

/* The packet opens a flow in a slot that was just taken. held: what it brings with it in place of
 * itself; NULL: nothing, it is to be counted. */
METER_INLINE int hash_fill(void *table, struct hash_slot *slot, struct packet *pkt,
			   const struct flow_held *held)
{
	struct flow *flow;
	__u32 zero = 0;
	int code;

	flow = bpf_map_lookup_elem(&new_flow, &zero);
	if (!flow)
		return METER_NO_ROOM;
	if (held)
		meter_open_held(flow, pkt, held, &config.meter);
	else
		meter_open(flow, pkt, &config.meter);
	code = bpf_map_update_elem(table, &flow->key, flow, BPF_NOEXIST);
	slot->key = flow->key;
	slot->used = code == 0;
	if (code)
		return code == -HASH_IS_FULL ? METER_NO_ROOM : METER_BUSY;
	return METER_OK;
}

METER_INLINE int hash_open(void *table, struct cache_counts *mine, __u32 cpu, struct packet *pkt,
			   const struct flow_held *held)
{
	__u32 number = hash_take(&mine->hash, cpu);
	struct hash_slot *slot;
	int verdict = METER_OK;

	if (number == HASH_NO_SLOT) {
		verdict = hash_evict(table, mine, cpu);
		if ((verdict & CACHE_VERDICT) != METER_OK)
			return verdict;
		number = hash_take(&mine->hash, cpu);
	}
	slot = hash_slot(cpu, number);
	if (!slot)
		return METER_NO_ROOM;
	verdict |= hash_fill(table, slot, pkt, held);
	if ((verdict & CACHE_VERDICT) != METER_OK)
		mine->hash.spare = number + 1;
	return verdict;
}

METER_STEP int cache_holds(const struct flow_key *key, __u32 cpu, __u64 hash)
{
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);
	struct flow *scratch;
	__u32 zero = 0;

	barrier_use(hash);
	if (!table || !key || cpu == bpf_get_smp_processor_id())
		return 0;
	/* The stack has no room for another key: callers have some. */
	scratch = bpf_map_lookup_elem(&new_flow, &zero);
	if (!scratch)
		return 0;
	scratch->key = *key;
	return bpf_map_lookup_elem(table, &scratch->key) != NULL;
}

/* The drain, which this packet interrupted, has the packet's flow in hand. */
METER_INLINE bool hash_in_hand(const struct cache_counts *mine, __u32 cpu,
			       const struct flow_key *key)
{
	struct hash_slot *slot;

	if (!mine->busy)
		return false;
	slot = hash_slot(cpu, mine->busy - 1);
	return slot && slot->used && key_equal(&slot->key, key);
}

METER_STEP int cache_packet(struct packet *pkt, struct cache_counts *mine)
{
	struct flow *flow;
	struct flow *scratch;
	unsigned int change;
	void *table;
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 zero = 0;

	if (!pkt || !mine)
		return METER_NO_ROOM;
	table = bpf_map_lookup_elem(&flow_tables, &cpu);
	/* The stack has no room for a copy of the key, and a step's arguments are no keys. */
	scratch = bpf_map_lookup_elem(&new_flow, &zero);
	if (!table || !scratch)
		return METER_NO_ROOM;
	if (hash_in_hand(mine, cpu, &pkt->key))
		return METER_BUSY;
	scratch->key = pkt->key;
	flow = bpf_map_lookup_elem(table, &scratch->key);
	if (!flow)
		return hash_open(table, mine, cpu, pkt, NULL);
	change = meter_update(NULL, flow, pkt, &config.meter);
	return METER_OK | (change & METER_WAITED ? CACHE_EXTENDED : 0);
}

/* The flow's key is in scratch->key. It is deleted before it is known whether there is a place for
 * what it held; so a record of it lies ready, and only leaves where there is none. */
METER_INLINE int hash_move(void *table, struct cache_counts *mine, struct packet *first,
			   struct held_scratch *scratch)
{
	struct flow *flow = bpf_map_lookup_elem(table, &scratch->key);
	__u32 cpu = bpf_get_smp_processor_id();
	struct flow_record *record;
	int verdict;

	if (!flow)
		return METER_NO_ROOM;
	record = record_make(flow, FLOW_END_RESOURCES);
	if (!record)
		return METER_NO_ROOM;
	if (bpf_map_delete_elem(table, &scratch->key)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return METER_BUSY;
	}
	verdict = hash_open(table, mine, cpu, first, &scratch->held);
	if ((verdict & CACHE_VERDICT) == METER_OK) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return verdict;
	}
	record_send(record);
	return verdict | CACHE_EVICTED;
}

METER_INLINE int hash_add(void *table, struct packet *first, struct flow *flow,
			  const struct held_scratch *scratch)
{
	unsigned int change;

	if (bpf_map_delete_elem(table, &scratch->key))
		return METER_BUSY;
	change = meter_update_held(NULL, flow, first, &scratch->held, &config.meter);
	return METER_OK | (change & METER_WAITED ? CACHE_EXTENDED : 0);
}

METER_STEP int cache_take(struct packet *first, struct cache_counts *mine)
{
	struct held_scratch *scratch;
	struct flow *place;
	struct flow *flow;
	void *table;
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 zero = 0;

	if (!first || !mine)
		return METER_NO_ROOM;
	table = bpf_map_lookup_elem(&flow_tables, &cpu);
	scratch = bpf_map_lookup_elem(&on_the_way, &zero);
	place = bpf_map_lookup_elem(&new_flow, &zero);
	if (!table || !scratch || !place)
		return METER_NO_ROOM;
	scratch->key = first->key;
	fragment_hold_key(first, &scratch->key);
	flow = bpf_map_lookup_elem(table, &scratch->key);
	if (!flow || !meter_held_waits(flow, first, &config.meter))
		return METER_NO_ROOM;
	if (hash_in_hand(mine, cpu, &scratch->key) || hash_in_hand(mine, cpu, &first->key))
		return METER_BUSY;
	meter_fetch(flow, first, &scratch->held, &config.meter);
	place->key = first->key;
	flow = bpf_map_lookup_elem(table, &place->key);
	return flow ? hash_add(table, first, flow, scratch)
		    : hash_move(table, mine, first, scratch);
}

/* Beside what DRAIN_EMITTED() and the like read: the slot is free. */
#define HASH_FREED (1 << 24)

METER_INLINE int hash_drain_flow(void *table, struct hash_slot *slot, __u64 now_ns, __u32 all)
{
	struct flow *flow = bpf_map_lookup_elem(table, &slot->key);
	enum flow_end end;

	if (!flow) {
		slot->used = 0;
		return HASH_FREED;
	}
	end = drain_reason(flow, now_ns, all);
	if (end == FLOW_END_NONE)
		return 1 << 16;
	if (hash_remove(table, &slot->key, end) != METER_OK)
		return (1 << 16) + (1 << 8);
	slot->used = 0;
	return HASH_FREED + 1;
}

/* Brings out the flow of a slot if it is finished, or in any case. The slot is nobody's while it is
 * neither in use nor in the ring of free ones, so a packet may come at any step. */
METER_INLINE int cache_drain_place(__u32 index, __u64 now_ns, __u32 all)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cache_counts *mine;
	struct hash_slot *slot;
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);
	__u32 zero = 0;
	int told = 0;

	mine = bpf_map_lookup_elem(&counts, &zero);
	if (!table || !mine || index >= mine->hash.fresh)
		return 0;
	slot = hash_slot(cpu, index);
	if (!slot)
		return 0;
	*(volatile __u64 *)&mine->busy = (__u64)index + 1;
	barrier();
	if (slot->used)
		told = hash_drain_flow(table, slot, now_ns, all);
	barrier();
	*(volatile __u64 *)&mine->busy = 0;
	if (!(told & HASH_FREED))
		return told;
	slot = hash_slot(cpu, mine->hash.freed);
	if (slot)
		slot->free = index;
	barrier();
	*(volatile __u32 *)&mine->hash.freed = mine->hash.freed + 1;
	return told;
}

#endif
