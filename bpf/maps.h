/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The flow cache in BPF maps (DESIGN 5): one set-associative hash table per CPU, so that no packet
 * waits for another CPU. A set is a header line (a tag and the second of last use for each way)
 * and its entries; a full set gives up the entry used longest ago. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "meter/meter.h"

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

/* A step must use its context: the compiler would pass none to one that does not, and the verifier
 * insists on it. */
#define barrier_use(ctx) asm volatile("" : : "r"(ctx))

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

METER_INLINE bool meter_emit(struct meter_home *home, const struct flow *flow, enum flow_end end)
{
	struct flow_record *record = bpf_ringbuf_reserve(&records, config.record_octets, 0);

	(void)home;
	if (!record)
		return false;
	record->end = end;
	record->detail = config.meter.detail;
	record->circumstances = config.meter.circumstances;
	record->cpu = bpf_get_smp_processor_id();
	record->elsewhere = 0;
	__builtin_memcpy(&record->flow, flow, __builtin_offsetof(struct flow, tcp));
	if (config.meter.detail >= FLOW_DETAIL_TCP && flow->key.proto == WIRE_IP_TCP)
		__builtin_memcpy(record->flow.tcp, flow->tcp, sizeof(flow->tcp));
	else if (config.meter.detail >= FLOW_DETAIL_TCP)
		__builtin_memset(record->flow.tcp, 0, sizeof(flow->tcp));
	if (config.meter.detail >= FLOW_DETAIL_FULL)
		__builtin_memcpy(record->flow.shape, flow->shape, sizeof(flow->shape));
	bpf_ringbuf_submit(record, emit_flags());
	return true;
}

METER_INLINE struct flow *set_entry(struct set_header *set, __u32 way)
{
	return (struct flow *)((char *)set + sizeof(*set) +
			       (way & (SET_WAYS - 1)) * config.flow_stride);
}

/* The way to give to a new flow: a free one, else the one used longest ago. */
METER_INLINE __u32 set_victim(const struct set_header *set)
{
	__u32 oldest = ~0u;
	__u32 victim = 0;

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

/* How long a flow has been of no use, for the header: see there. */
METER_INLINE __u32 set_second(const struct flow *flow, __u64 now_ns)
{
	__u64 ended = flow->gate_ns ? 0 : flow_ended(flow);
	__u64 idle_ns = config.meter.idle_ns;

	if (!ended)
		return now_ns >> 30;
	return ended + FLOW_LINGER_NS > idle_ns ? (ended + FLOW_LINGER_NS - idle_ns) >> 30 : 0;
}

METER_INLINE int set_open(struct set_header *set, struct packet *pkt, __u32 tag)
{
	__u32 way = set_victim(set) & (SET_WAYS - 1);
	struct flow *flow = set_entry(set, way);
	int event = 0;

	if (set->tag[way]) {
		if (!meter_emit(NULL, flow, FLOW_END_RESOURCES))
			return METER_NO_ROOM;
		event = CACHE_EVICTED;
	}
	set->tag[way] = tag;
	meter_open(flow, pkt, &config.meter);
	set->second[way] = set_second(flow, pkt->now_ns);
	return METER_OK | event;
}

METER_INLINE int set_meter(struct set_header *set, struct packet *pkt, __u32 tag)
{
	for (int way = 0; way < SET_WAYS; way++) {
		struct flow *flow;
		unsigned int change;

		if (set->tag[way] != tag)
			continue;
		flow = set_entry(set, way);
		if (!key_equal(&flow->key, &pkt->key))
			continue;
		change = meter_update(NULL, flow, pkt, &config.meter);
		set->second[way] = set_second(flow, pkt->now_ns);
		return METER_OK | (change & METER_WAITED ? CACHE_EXTENDED : 0);
	}
	return set_open(set, pkt, tag);
}

/* A softirq may interrupt the drain where the kernel runs that with bottom halves on; what the
 * drain has in hand is not touched then. */
METER_STEP int cache_packet(struct packet *pkt)
{
	struct cache_counts *mine;
	struct set_header *set;
	void *table;
	__u64 hash;
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 zero = 0;
	__u32 index;

	if (!pkt)
		return METER_NO_ROOM;
	table = bpf_map_lookup_elem(&flow_tables, &cpu);
	if (!table)
		return METER_NO_ROOM;
	hash = key_hash(&pkt->key, config.meter.seed);
	/* The product's low bits are its weakest. */
	index = (__u32)(hash >> 24) & config.set_mask;
	set = bpf_map_lookup_elem(table, &index);
	mine = bpf_map_lookup_elem(&counts, &zero);
	if (!set || !mine)
		return METER_NO_ROOM;
	if (mine->busy == (__u64)index + 1)
		return METER_BUSY;
	return set_meter(set, pkt, (__u32)(hash >> 32) | 1);
}

/* The whole of a hook program. */
METER_INLINE void cache_frame(meter_ctx *ctx)
{
	struct cache_counts *mine;
	struct meter_counts *tally;
	struct packet pkt;
	__u32 zero = 0;
	int verdict;

	mine = bpf_map_lookup_elem(&counts, &zero);
	if (!mine)
		return;
	tally = &mine->meter;
	verdict = meter_parse(ctx, &pkt);
	if (verdict == METER_OK)
		verdict = cache_packet(&pkt);
	if (verdict & CACHE_EVICTED)
		tally->evicted++;
	if (verdict & CACHE_EXTENDED)
		tally->extended++;
	meter_tally(tally, verdict & CACHE_VERDICT, &pkt);
}

#endif
