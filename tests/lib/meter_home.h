/* SPDX-License-Identifier: BSD-2-Clause */
/* A home of the meter for its unit tests: it remembers fragments and what was emitted, and can be
 * told to have no room. Frames are parsed from copies of exactly their size. */
#ifndef WEIR_TESTS_METER_HOME_H
#define WEIR_TESTS_METER_HOME_H

#include <glib.h>

#include "frame_build.h"
#include "meter/meter.h"

#define HOME_FRAGMENTS 8
#define HOME_RECORDS   8

struct meter_home {
	struct fragment_key key[HOME_FRAGMENTS];
	struct fragment_ports ports[HOME_FRAGMENTS];
	guint fragments;
	struct flow record[HOME_RECORDS];
	enum flow_end end[HOME_RECORDS];
	guint records;
	bool full; /* no room for records */
	struct meter_tunnels tunnels;
	struct packet carriers[2];
};

static inline struct fragment_ports *home_fragment(struct meter_home *home,
						   const struct fragment_key *key)
{
	for (guint i = 0; i < home->fragments; i++) {
		if (memcmp(&home->key[i], key, sizeof(*key)) == 0)
			return &home->ports[i];
	}
	return NULL;
}

METER_INLINE void fragment_remember(const meter_ctx *ctx, const struct fragment_key *key,
				    const struct fragment_ports *ports)
{
	struct fragment_ports *known = home_fragment(ctx->setup->home, key);

	if (!known) {
		g_assert_cmpuint(ctx->setup->home->fragments, <, HOME_FRAGMENTS);
		ctx->setup->home->key[ctx->setup->home->fragments] = *key;
		known = &ctx->setup->home->ports[ctx->setup->home->fragments++];
	}
	*known = *ports;
}

METER_INLINE const struct fragment_ports *fragment_recall(const meter_ctx *ctx,
							  const struct fragment_key *key)
{
	return home_fragment(ctx->setup->home, key);
}

METER_INLINE bool meter_emit(struct meter_home *home, const struct flow *flow, enum flow_end end)
{
	if (home->full)
		return false;
	g_assert_cmpuint(home->records, <, HOME_RECORDS);
	home->record[home->records] = *flow;
	home->end[home->records++] = end;
	return true;
}

/* Parses at full detail what frame says was captured of it. */
static inline int home_parse(struct meter_home *home, const struct frame *frame, struct packet *pkt)
{
	guint8 *copy = g_malloc(MAX(frame->captured, 1u));
	/* Of nothing captured, not even the first octet may be read. */
	guint8 *data = frame->captured ? copy : copy + 1;
	const struct meter_setup setup = { .home = home,
					   .tunnels = &home->tunnels,
					   .carrier = home->carriers,
					   .detail = FLOW_DETAIL_FULL };
	meter_ctx ctx = {
		.setup = &setup,
		.data = data,
		.end = data + frame->captured,
		.now_ns = frame->time_ns,
		.length = frame->length,
		.iface = frame->iface,
		.link = frame->link,
	};
	int verdict;

	memcpy(data, frame->data, frame->captured);
	verdict = meter_parse(&ctx, pkt);
	g_free(copy);
	return verdict;
}

/* The same of a whole made frame, at time 0 and with no fragments known. */
static inline int home_parse_made(const struct made_frame *made, struct packet *pkt)
{
	struct meter_home home = { 0 };
	struct frame frame = made_at(made, 0);

	return home_parse(&home, &frame, pkt);
}

#endif
