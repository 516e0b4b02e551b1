/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/bench/kernel_frames.h"

#include <netinet/in.h>
#include <string.h>

#include "setup/bench/traffic_plan.h"

#define SEED	 1
#define SNAP	 TRAFFIC_SNAP_DEFAULT
#define LONG	 1000		  /* packets of a flow: more than anybody asks for */
#define ROUND_NS (1000ull * 1000) /* between two packets of a flow */

void bench_frames_init(struct bench_frames *ret_frames, guint flows)
{
	*ret_frames = (struct bench_frames){
		.count = flows,
		.frames = g_new0(struct frame, flows),
		.octets = g_malloc0((gsize)flows * SNAP),
		.states = g_new0(struct traffic_state, flows),
	};
	bench_frames_begin(ret_frames);
}

void bench_frames_clear(struct bench_frames *frames)
{
	g_free(frames->frames);
	g_free(frames->octets);
	g_free(frames->states);
	memset(frames, 0, sizeof(*frames));
}

static void build(struct bench_frames *frames, guint i)
{
	struct traffic_state *state = &frames->states[i];
	guint64 now_ns = (frames->round + 1) * ROUND_NS;
	guint8 headers[TRAFFIC_HEADERS_MAX];
	guint8 *octets = frames->octets + (gsize)i * SNAP;
	struct traffic_lengths lengths;
	struct traffic_packet packet;
	guint32 kept;

	traffic_plan_packet(state, now_ns, &packet);
	traffic_frame_build(&state->flow, &packet, headers, &lengths);
	frames->frames[i] = (struct frame){
		.data = octets,
		.captured = MIN(lengths.frame, SNAP),
		.length = lengths.frame,
		.time_ns = now_ns,
		.iface = 1,
		.link = METER_LINK_ETHERNET,
	};
	kept = MIN(lengths.headers, SNAP);
	memcpy(octets, headers, kept);
	memset(octets + kept, 0, SNAP - kept);
}

void bench_frames_next(struct bench_frames *frames)
{
	g_assert(frames->frames && frames->states); /* not cleared */
	for (guint i = 0; i < frames->count; i++)
		build(frames, i);
	frames->round++;
}

void bench_frames_begin(struct bench_frames *frames)
{
	const struct traffic_kind *kind = traffic_kind_by_name("mix");

	frames->round = 0;
	frames->tcp = NULL;
	for (guint i = 0; i < frames->count; i++) {
		traffic_plan_begin(&frames->states[i], kind, SEED, i, LONG);
		if (!frames->tcp && frames->states[i].flow.proto == IPPROTO_TCP)
			frames->tcp = &frames->frames[i];
	}
	bench_frames_next(frames);
}
