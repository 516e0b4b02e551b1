/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The packets that came last, for all CPUs and interfaces together: of two copies that meet two
 * CPUs at a time, one is metered. A set has a lock, and a few packets of which the oldest makes
 * room. */
#ifndef BPF_COPIES_H
#define BPF_COPIES_H

#include "meter/copy.h"
#include "meter/meter.h"

/* Beside the interface. */
#define COPY_FOUND     (1ULL << 32)
#define COPY_WAS_LATER (1ULL << 33)

struct copy_set {
	struct bpf_spin_lock lock;
	__u32 iface[COPY_WAYS];
	__u32 spare;
	__u64 digest[COPY_WAYS]; /* 0: free, and of time 0 */
	__u64 time_ns[COPY_WAYS];
};

_Static_assert(sizeof(struct copy_set) == 128, "two cache lines");

/* What a packet looks for, and leaves where it does not find it. */
struct copy_seen {
	__u64 digest;
	__u64 time_ns;
	__u32 iface;
	__u32 spare;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct copy_set);
} copies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, COPY_PAIRS);
	__type(key, struct copy_pair);
	__type(value, struct copy_counts);
} copy_pairs SEC(".maps");

/* Not the flows' clock: the tick of the basic level's is as long as a window. */
METER_INLINE __u64 copy_clock(void)
{
	return config.replaying ? replay.now_ns : bpf_ktime_get_ns();
}

METER_STEP int copy_read(meter_ctx *ctx, struct copy_seen *seen)
{
	struct copy_view view = { .at = ctx_data(ctx), .end = ctx_end(ctx) };

	if (!seen)
		return 0;
	view.keys = config.copies.keys;
	seen->digest = copy_digest(&view, ctx_link(ctx));
	seen->time_ns = copy_clock();
	seen->iface = ctx_ifindex(ctx);
	return 0;
}

/* Where the packet was seen before, and COPY_FOUND; 0: it was not, and is remembered. Whoever meets
 * the copy does not renew what it is a copy of. */
METER_STEP __u64 copy_meet(const struct copy_seen *seen)
{
	__u32 index;
	__u32 oldest = 0;
	__u64 found = 0;
	__u64 latest_ns = 0;
	struct copy_set *set;

	if (!seen)
		return 0;
	index = (__u32)(seen->digest >> 16) & config.copies.set_mask;
	set = bpf_map_lookup_elem(&copies, &index);
	if (!set)
		return 0;
	bpf_spin_lock(&set->lock);
	for (__u32 i = 0; i < COPY_WAYS; i++) {
		if (set->digest[i] == seen->digest && set->time_ns[i] >= latest_ns &&
		    copy_is_near(set->time_ns[i], seen->time_ns, config.copies.window_ns)) {
			found = COPY_FOUND | set->iface[i];
			if (set->time_ns[i] > seen->time_ns)
				found |= COPY_WAS_LATER;
			latest_ns = set->time_ns[i];
		}
		if (set->time_ns[i] < set->time_ns[oldest])
			oldest = i;
	}
	if (!found) {
		set->digest[oldest] = seen->digest;
		set->time_ns[oldest] = seen->time_ns;
		set->iface[oldest] = seen->iface;
	}
	bpf_spin_unlock(&set->lock);
	return found;
}

/* Where there is no room for the pair, it is counted among all copies only. */
METER_INLINE void copy_count_pair(const struct copy_pair *pair, __u32 frame_octets)
{
	const struct copy_counts none = {};
	struct copy_counts *counts = bpf_map_lookup_elem(&copy_pairs, pair);

	if (!counts) {
		bpf_map_update_elem(&copy_pairs, pair, &none, BPF_NOEXIST);
		counts = bpf_map_lookup_elem(&copy_pairs, pair);
	}
	if (!counts)
		return;
	counts->packets++;
	counts->frame_octets += frame_octets;
}

/* The packet is one that came before, and is accounted as such. */
METER_INLINE bool copy_is_dropped(meter_ctx *ctx, struct meter_counts *tally)
{
	struct copy_seen seen = {};
	__u32 frame_octets = ctx_length(ctx) + ctx_tag_octets(ctx);
	struct copy_pair pair;
	__u64 found;

	ctx_reach(ctx);
	copy_read(ctx, &seen);
	found = copy_meet(&seen);
	if (!found)
		return false;
	pair.first = found & COPY_WAS_LATER ? seen.iface : (__u32)found;
	pair.again = found & COPY_WAS_LATER ? (__u32)found : seen.iface;
	copy_count_pair(&pair, frame_octets);
	tally->packets[METER_DUPLICATE]++;
	tally->frame_octets[METER_DUPLICATE] += frame_octets;
	return true;
}

#endif
