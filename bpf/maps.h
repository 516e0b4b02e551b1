/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the flow caches (DESIGN 5) have in common: the counters, the fragments and the way out for
 * records. Each CPU has a table of its own, so that no packet waits for another CPU. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "meter/meter.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cache_counts);
} counts SEC(".maps");

/* Fragments of one datagram may meet different CPUs: the one table that all share. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct fragment_key);
	__type(value, struct fragment_ports);
} fragments SEC(".maps");

METER_INLINE void fragment_remember(const meter_ctx *ctx, const struct fragment_key *key,
				    const struct fragment_ports *ports)
{
	barrier_use(ctx);
	bpf_map_update_elem(&fragments, key, ports, BPF_ANY);
}

METER_INLINE const struct fragment_ports *fragment_recall(const meter_ctx *ctx,
							  const struct fragment_key *key)
{
	barrier_use(ctx);
	return bpf_map_lookup_elem(&fragments, key);
}

/* What the cache did with a packet beside metering it, over the verdict's bits. */
enum cache_event {
	CACHE_VERDICT = 0xff,
	CACHE_EVICTED = 1 << 8,
	CACHE_EXTENDED = 1 << 9,
};

/* Whoever takes records sleeps, and is woken some records into each eighth of the ring: seldom
 * enough to cost nothing, soon enough that a flood finds room. */
#define WAKE_RECORDS 8

METER_INLINE __u64 emit_flags(void)
{
	__u64 eighth = bpf_ringbuf_query(&records, BPF_RB_RING_SIZE) / 8;
	__u64 within = bpf_ringbuf_query(&records, BPF_RB_PROD_POS) & (eighth - 1);

	return within < WAKE_RECORDS * config.record_octets ? BPF_RB_FORCE_WAKEUP
							    : BPF_RB_NO_WAKEUP;
}

/* Given by the table: 1 if it is another CPU's than this and holds the key, else 0. It may be
 * written meanwhile, and the answer be wrong in rare cases: then parts are not joined, or wait for
 * each other in vain. */
METER_STEP int cache_holds(const struct flow_key *key, __u32 cpu, __u64 hash);

/* The other CPUs whose tables hold the key now. Without a branch: kernel 6.1 would walk every
 * combination of answers. */
METER_STEP __u64 cache_elsewhere(const struct flow_key *key)
{
	__u64 cpus = 0;
	__u64 hash;

	if (!key)
		return 0;
	hash = key_hash(key, config.meter.seed);
	for (__u32 cpu = 0; cpu < FLOW_CPUS_MAX; cpu++) {
		if (cpu >= config.cpus)
			break;
		cpus |= (__u64)(cache_holds(key, cpu, hash) & 1) << (cpu & 63);
	}
	return cpus;
}

/* A copy of the flow in the ring, not yet to be seen; NULL: there is no room. Others are looked for
 * before there is a place in the ring, and the flow stays in its table until there is one: so of
 * two parts that leave at a time, the earlier in the ring is told of the later. */
METER_INLINE struct flow_record *record_make(const struct flow *flow, enum flow_end end)
{
	__u64 elsewhere = config.cpus > 1 ? cache_elsewhere(&flow->key) : 0;
	struct flow_record *record = bpf_ringbuf_reserve(&records, config.record_octets, 0);

	if (!record)
		return NULL;
	record->end = end;
	record->detail = config.meter.detail;
	record->circumstances = config.meter.circumstances;
	record->cpu = bpf_get_smp_processor_id();
	record->elsewhere = elsewhere;
	__builtin_memcpy(&record->flow, flow, __builtin_offsetof(struct flow, tcp));
	if (config.cpus > 1 && !config.replaying)
		record->flow.gate_ns = bpf_ktime_get_coarse_ns();
	if (config.meter.detail >= FLOW_DETAIL_TCP && flow->key.proto == WIRE_IP_TCP)
		__builtin_memcpy(record->flow.tcp, flow->tcp, sizeof(flow->tcp));
	else if (config.meter.detail >= FLOW_DETAIL_TCP)
		__builtin_memset(record->flow.tcp, 0, sizeof(flow->tcp));
	if (config.meter.detail >= FLOW_DETAIL_FULL)
		__builtin_memcpy(record->flow.shape, flow->shape, sizeof(flow->shape));
	return record;
}

/* The flow has left its table for good. */
METER_INLINE void record_send(struct flow_record *record)
{
	__u64 orphans = flow_release(&record->flow);
	struct cache_counts *mine;
	__u32 zero = 0;

	if (orphans) {
		mine = bpf_map_lookup_elem(&counts, &zero);
		if (mine)
			mine->meter.orphans += orphans;
	}
	bpf_ringbuf_submit(record, emit_flags());
}

METER_INLINE bool meter_emit(struct meter_home *home, const struct flow *flow, enum flow_end end)
{
	struct flow_record *record = record_make(flow, end);

	(void)home;
	if (!record)
		return false;
	record_send(record);
	return true;
}

/* On their way from one flow to another: there is no room on the stack. */
struct held_scratch {
	struct flow_key key;
	struct flow_held held;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct held_scratch);
} on_the_way SEC(".maps");

/* Given by the table: what is held for this first fragment, which has been counted or is a carrier,
 * is brought to its flow. Returns verdict and events; anything but METER_OK: it stays held. */
METER_STEP int cache_take(struct packet *first, struct cache_counts *mine);

/* What became of a place in a table, a byte each: records that left, flows that had to stay, flows
 * that may. */
#define DRAIN_EMITTED(n) ((n)&0xff)
#define DRAIN_STUCK(n)	 (((n) >> 8) & 0xff)
#define DRAIN_KEPT(n)	 (((n) >> 16) & 0xff)

/* Why the scan takes a flow; FLOW_END_NONE: it does not. */
METER_INLINE enum flow_end drain_reason(const struct flow *flow, __u64 now_ns, __u32 all)
{
	if (expire_deadline(flow, config.meter.idle_ns) < now_ns)
		return expire_reason(flow);
	if (!all)
		return FLOW_END_NONE;
	return flow_ended(flow) ? FLOW_END_DETECTED : FLOW_END_FORCED;
}

#endif
