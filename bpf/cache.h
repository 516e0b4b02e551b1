/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A flow cache as the programs see it, and what a hook does with a frame. A table gives
 * cache_packet() and cache_drain_place(); which one, the build says: each program exists twice. */
#ifndef BPF_CACHE_H
#define BPF_CACHE_H

#ifdef CACHE_HASH
#include "cache_hash.h"
#else
#include "cache_set.h"
#endif
#include "copies.h"

METER_INLINE void cache_tally_events(struct meter_counts *tally, int events)
{
	if (events & CACHE_EVICTED)
		tally->evicted++;
	if (events & CACHE_EXTENDED)
		tally->extended++;
}

/* The packet was counted; others may have been held for it. */
METER_STEP int cache_take_pieces(struct packet *pkt, struct cache_counts *mine)
{
	struct tunnel_scratch *scratch = tunnel_scratch();

	if (!pkt || !mine)
		return 0;
	if (pkt->pieces & PIECE_FIRST)
		cache_tally_events(&mine->meter, cache_take(pkt, mine));
	if (pkt->pieces & PIECE_CARRIER && scratch)
		cache_tally_events(&mine->meter, cache_take((void *)scratch->first, mine));
	return 0;
}

/* The whole of a hook program. state: what the hook itself says of its packets, FLOW_LEFT or 0. */
METER_INLINE void cache_frame(meter_ctx *ctx, __u16 state)
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
	if (config.copies.wanted && copy_is_dropped(ctx, tally))
		return;
	if (!meter_samples(&config.meter, &mine->sampler)) {
		meter_tally_unsampled(tally, ctx_length(ctx) + ctx_tag_octets(ctx));
		return;
	}
	ctx_reach(ctx);
	verdict = meter_parse(ctx, &pkt);
	pkt.state |= state;
	if (verdict == METER_OK)
		verdict = cache_packet(&pkt, mine);
	cache_tally_events(tally, verdict);
	meter_tally(tally, verdict & CACHE_VERDICT, &pkt);
	if (pkt.pieces & PIECES_WAITED_FOR && (verdict & CACHE_VERDICT) == METER_OK)
		cache_take_pieces(&pkt, mine);
}

#endif
