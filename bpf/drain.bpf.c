/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The in-kernel scan (DESIGN 5): brings out flows whose time-out has passed, so that user space
 * never copies what is not finished. User space runs it by BPF_PROG_RUN on each CPU, some sets a
 * call. Nobody but this CPU touches its table, and newer kernels run an XDP program with bottom
 * halves off, so that look, copy and free are one step. Older ones do not: there a packet may come
 * in between, and finds by cache_counts.busy which set it must leave alone. */
#define METER_CTX_XDP
#include "maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Sets a call at most: bottom halves are off that long. */
#define DRAIN_SETS 64

/* What became of a set, a byte each: records that left, flows that had to stay, flows that may. */
#define DRAIN_EMITTED(n) ((n)&0xff)
#define DRAIN_STUCK(n)	 (((n) >> 8) & 0xff)
#define DRAIN_KEPT(n)	 (((n) >> 16) & 0xff)

METER_INLINE enum flow_end drain_reason(const struct flow *flow, __u64 now_ns, __u32 all)
{
	if (expire_deadline(flow, config.meter.idle_ns) < now_ns)
		return expire_reason(flow);
	if (!all)
		return FLOW_END_NONE;
	return flow_ended(flow) ? FLOW_END_DETECTED : FLOW_END_FORCED;
}

METER_STEP int drain_set(__u32 index, __u64 now_ns, __u32 all)
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
	for (int way = 0; way < SET_WAYS; way++) {
		struct flow *flow = set_entry(set, way);
		enum flow_end end;

		if (!set->tag[way])
			continue;
		told += 1 << 16;
		if (!all && ((__u64)set->second[way] << 30) + config.meter.idle_ns >= now_ns)
			continue;
		end = drain_reason(flow, now_ns, all);
		if (end == FLOW_END_NONE)
			continue;
		if (!meter_emit(NULL, flow, end)) {
			told += 1 << 8;
			continue;
		}
		set->tag[way] = 0;
		told += 1 - (1 << 16);
	}
	*(volatile __u64 *)&mine->busy = 0;
	return told;
}

SEC("xdp")
int weir_drain(struct xdp_md *ctx)
{
	struct cache_drain *call = (void *)(long)ctx->data;
	__u64 now_ns;
	__u32 from;
	__u32 sets;
	__u32 all;
	__u32 emitted = 0;
	__u32 stuck = 0;
	__u32 kept = 0;

	if ((void *)(call + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	now_ns = config.replaying ? call->now_ns : bpf_ktime_get_ns();
	from = call->from;
	sets = call->sets;
	all = call->all;
	for (__u32 i = 0; i < DRAIN_SETS; i++) {
		int told;

		if (i >= sets)
			break;
		told = drain_set(from + i, now_ns, all);
		emitted += DRAIN_EMITTED(told);
		stuck += DRAIN_STUCK(told);
		kept += DRAIN_KEPT(told);
	}
	call = (void *)(long)ctx->data;
	if ((void *)(call + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	call->emitted = emitted;
	call->stuck = stuck;
	call->kept = kept;
	return XDP_PASS;
}
