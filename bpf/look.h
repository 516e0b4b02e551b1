/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A look at the `set` table: what is in it is put into memory that user space sees, so that it
 * costs what is there, not what there is room for. Of an empty set a line is read. It runs on any
 * CPU, beside the packets of another, and changes nothing; a flow that a packet changes meanwhile
 * is told as such. */
#ifndef BPF_LOOK_H
#define BPF_LOOK_H

#include "cache_set.h"

/* A row's size is chosen before loading, as a flow's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LOOK_ROWS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct cache_row));
} looked SEC(".maps");

METER_INLINE struct set_header *look_set_of(__u32 cpu, __u32 index)
{
	void *table = bpf_map_lookup_elem(&flow_tables, &cpu);

	return table ? bpf_map_lookup_elem(table, &index) : NULL;
}

METER_INLINE void look_copy(struct flow *to, const struct flow *flow)
{
	__builtin_memcpy(to, flow, __builtin_offsetof(struct flow, tcp));
	if (config.meter.detail >= FLOW_DETAIL_TCP && flow->key.proto == WIRE_IP_TCP)
		__builtin_memcpy(to->tcp, flow->tcp, sizeof(flow->tcp));
	if (config.meter.detail >= FLOW_DETAIL_FULL)
		__builtin_memcpy(to->shape, flow->shape, sizeof(flow->shape));
}

/* In what every detail has. Another flow may have come to its place, too, and what was read of each
 * would go together: every word is compared. */
METER_INLINE __u64 look_difference(const struct flow *a, const volatile struct flow *b)
{
	const __u64 *was = (const void *)a;
	const volatile __u64 *is = (const volatile void *)b;
	__u64 difference = 0;

#pragma clang loop unroll(full)
	for (unsigned int i = 0; i < __builtin_offsetof(struct flow, tcp) / sizeof(*is); i++)
		difference |= was[i] ^ is[i];
	return difference;
}

/* A step of its own, as where the drain takes a flow. */
METER_STEP int look_at_way(__u32 cpu, __u32 index, __u32 way, __u32 number)
{
	struct set_header *set = look_set_of(cpu, index);
	struct cache_row *row = bpf_map_lookup_elem(&looked, &number);
	struct flow *flow;

	if (!set || !row)
		return 0;
	flow = set_entry_unknown(set, way);
	look_copy(&row->flow, flow);
	barrier();
	row->set = index;
	row->way = way;
	row->changed = look_difference(&row->flow, flow) != 0;
	return 1;
}

METER_STEP int look_at_set(__u32 cpu, __u32 index, __u32 number)
{
	struct set_header *set = look_set_of(cpu, index);
	int rows = 0;

	if (!set)
		return 0;
#pragma clang loop unroll(full)
	for (int way = 0; way < SET_WAYS; way++) {
		if (set->tag[way])
			rows += look_at_way(cpu, index, way, number + rows);
	}
	return rows;
}

SEC("syscall")
int weir_look(struct cache_look *call)
{
	const __u32 cpu = call->cpu;
	const __u32 from = call->from;
	const __u32 sets = call->sets;
	__u32 rows = 0;
	__u32 i;

	for (i = 0; i < LOOK_SETS; i++) {
		if (i >= sets || rows > LOOK_ROWS - SET_WAYS)
			break;
		rows += look_at_set(cpu, from + i, rows);
	}
	call->rows = rows;
	call->done = i;
	return 0;
}

#endif
