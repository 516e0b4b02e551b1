/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows under way wait in a heap, ordered by when they want to send. Sizes are drawn twice from
 * the same seed: the first pass adds the weights up, the second hands out exactly the packets
 * asked for, so nothing has to be kept of flows that have not begun. */
#include "setup/bench/traffic.h"

#include <string.h>

#include "setup/bench/traffic_frame.h"
#include "setup/bench/traffic_plan.h"

#define LINK_NS_PER_OCTET 8ull /* 1 Gbit/s */
#define LINK_OVERHEAD	  24   /* preamble, check sequence, gap between frames */
#define FIRST_NS	  (1700000000 * FLOW_SECOND_NS)
#define GAP_MIN_NS	  12000 /* a full frame at 1 Gbit/s */
#define WEIGHT_ONE	  256

/* The rates leave a link of 1 Gbit/s some room, and keep the whole shorter than the active
 * time-out of 60 s, so that a flow is one record. */
const struct traffic_kind traffic_kinds[] = {
	{ .name = "mix",
	  .text = "heavy-tailed flow sizes: TCP, UDP, ICMP, some IPv6, some VLAN",
	  .flows_per_mille = 60,
	  .packets_per_s = 120000,
	  .start_per_mille = 900,
	  .octaves = 16,
	  .tcp_per_mille = 800,
	  .icmp_per_mille = 20,
	  .ipv6_per_mille = 150,
	  .vlan_per_mille = 100 },
	{ .name = "small",
	  .text = "flows of two packets: a request and its answer",
	  .flows_per_mille = 500,
	  .packets_per_s = 100000,
	  .start_per_mille = 1000,
	  .packets_fixed = 2,
	  .icmp_per_mille = 20,
	  .ipv6_per_mille = 150,
	  .vlan_per_mille = 100 },
	{ .name = "elephants",
	  .text = "few large flows that all last to the end",
	  .flows_fixed = 200,
	  .packets_per_s = 110000,
	  .start_per_mille = 20,
	  .octaves = 2,
	  .tcp_per_mille = 900,
	  .ipv6_per_mille = 150,
	  .vlan_per_mille = 100 },
};
const size_t traffic_kinds_count = G_N_ELEMENTS(traffic_kinds);

struct due {
	guint64 time_ns;
	guint32 slot; /* in traffic.states */
};

struct traffic {
	struct traffic_options options;
	guint32 octaves;
	guint64 span_ns; /* the time the whole is meant to take */
	guint64 weight_sum;

	/* The next flow to begin. */
	guint64 next_flow;
	guint64 next_start_ns;
	guint64 weight_before;

	GArray *states; /* of struct traffic_state; finished ones are used again */
	GArray *unused; /* of guint32: slots */
	GArray *heap;	/* of struct due */

	guint64 link_free_ns;
	struct traffic_totals totals;
	guint8 octets[TRAFFIC_SNAP_MAX];
};

const struct traffic_kind *traffic_kind_by_name(const char *name)
{
	for (size_t i = 0; i < traffic_kinds_count; i++)
		if (!strcmp(traffic_kinds[i].name, name))
			return &traffic_kinds[i];
	return NULL;
}

/* Pareto with exponent 1 by octaves, without floating point: the same on every machine. */
static guint64 flow_weight(const struct traffic *traffic, guint64 flow)
{
	guint64 mixed = traffic->options.seed + flow * 0xd1342543de82ef95;
	guint64 random = traffic_random(&mixed);
	guint32 octave = MIN(traffic->octaves, (guint32)__builtin_ctzll(random | 1ull << 40));
	guint64 low = (guint64)WEIGHT_ONE << octave;

	return low + (random >> 41) % low - WEIGHT_ONE;
}

/* Packets that all flows before this sum of weights have together. */
static guint64 packets_before(const struct traffic *traffic, guint64 flow, guint64 weight)
{
	const struct traffic_options *options = &traffic->options;
	guint64 shared = options->packets - options->flows;

	if (options->kind->packets_fixed)
		return flow * options->kind->packets_fixed;
	return flow + (guint64)((unsigned __int128)weight * shared / traffic->weight_sum);
}

/* Fixed point, so that neither many flows nor a long time overflow. */
static guint64 flow_start_ns(const struct traffic *traffic, guint64 flow)
{
	guint64 part = traffic->span_ns * traffic->options.kind->start_per_mille / 1000;
	guint64 step = (part << 8) / traffic->options.flows;
	guint64 mixed = ~traffic->options.seed ^ flow;

	return FIRST_NS + ((flow * step + (step * (traffic_random(&mixed) >> 56) >> 8)) >> 8);
}

static void heap_down(GArray *heap, size_t at)
{
	struct due *all = &g_array_index(heap, struct due, 0);
	struct due moved = all[at];

	for (size_t child; (child = 2 * at + 1) < heap->len; at = child) {
		if (child + 1 < heap->len && all[child + 1].time_ns < all[child].time_ns)
			child++;
		if (moved.time_ns <= all[child].time_ns)
			break;
		all[at] = all[child];
	}
	all[at] = moved;
}

static void heap_push(GArray *heap, struct due due)
{
	size_t at = heap->len;
	struct due *all;

	g_array_append_val(heap, due);
	all = &g_array_index(heap, struct due, 0);
	for (; at && due.time_ns < all[(at - 1) / 2].time_ns; at = (at - 1) / 2)
		all[at] = all[(at - 1) / 2];
	all[at] = due;
}

static guint32 slot_take(struct traffic *traffic)
{
	guint32 slot;

	if (!traffic->unused->len) {
		g_array_set_size(traffic->states, traffic->states->len + 1);
		return traffic->states->len - 1;
	}
	slot = g_array_index(traffic->unused, guint32, traffic->unused->len - 1);
	g_array_set_size(traffic->unused, traffic->unused->len - 1);
	return slot;
}

/* A flow ends with the whole at the latest, as far as the link allows. */
static void fit_gap(const struct traffic *traffic, struct traffic_state *state)
{
	guint64 end = FIRST_NS + traffic->span_ns;
	guint64 start = traffic->next_start_ns;
	guint64 room = (end > start ? end - start : 0) / state->total;
	bool lasting = traffic->options.kind->flows_fixed;

	state->gap_ns = MAX(lasting ? room : MIN(state->gap_ns, room), GAP_MIN_NS);
}

static void begin_flow(struct traffic *traffic)
{
	guint64 flow = traffic->next_flow++;
	guint64 weight = traffic->weight_before + flow_weight(traffic, flow);
	guint64 total = packets_before(traffic, flow + 1, weight) -
			packets_before(traffic, flow, traffic->weight_before);
	struct due due = { traffic->next_start_ns, slot_take(traffic) };
	struct traffic_state *state =
		&g_array_index(traffic->states, struct traffic_state, due.slot);

	traffic_plan_begin(state, traffic->options.kind, traffic->options.seed, (guint32)flow,
			   (guint32)total);
	fit_gap(traffic, state);
	heap_push(traffic->heap, due);
	traffic->totals.flows++;
	traffic->weight_before = weight;
	traffic->next_start_ns = flow_start_ns(traffic, flow + 1);
}

static void begin_due_flows(struct traffic *traffic)
{
	while (traffic->next_flow < traffic->options.flows &&
	       (!traffic->heap->len ||
		traffic->next_start_ns <= g_array_index(traffic->heap, struct due, 0).time_ns))
		begin_flow(traffic);
}

/* The flow on top of the heap has sent: it waits for its next packet, or is done. */
static void requeue(struct traffic *traffic, struct traffic_state *state, guint64 now_ns)
{
	struct due *top = &g_array_index(traffic->heap, struct due, 0);

	if (state->sent < state->total) {
		top->time_ns = now_ns + traffic_plan_pause_ns(state);
	} else {
		if (traffic->options.flow_done)
			traffic->options.flow_done(traffic->options.data, &state->flow);
		g_array_append_val(traffic->unused, top->slot);
		*top = g_array_index(traffic->heap, struct due, traffic->heap->len - 1);
		g_array_set_size(traffic->heap, traffic->heap->len - 1);
	}
	if (traffic->heap->len)
		heap_down(traffic->heap, 0);
}

static void count(struct traffic_totals *totals, const struct traffic_lengths *lengths,
		  const struct frame *frame)
{
	if (!totals->packets++)
		totals->first_ns = frame->time_ns;
	totals->last_ns = frame->time_ns;
	totals->octets += lengths->ip;
	totals->on_wire += frame->length;
	totals->captured += frame->captured;
}

bool traffic_next(struct traffic *traffic, struct frame *ret_frame)
{
	guint8 headers[TRAFFIC_HEADERS_MAX];
	struct traffic_state *state;
	struct traffic_packet packet;
	struct traffic_lengths lengths;
	const struct due *top;
	guint32 kept;
	guint64 now_ns;

	begin_due_flows(traffic);
	if (!traffic->heap->len)
		return false;
	top = &g_array_index(traffic->heap, struct due, 0);
	state = &g_array_index(traffic->states, struct traffic_state, top->slot);
	now_ns = MAX(top->time_ns, traffic->link_free_ns);
	traffic_plan_packet(state, now_ns, &packet);
	traffic_frame_build(&state->flow, &packet, headers, &lengths);
	state->flow.octets[packet.from] += lengths.ip;
	traffic->link_free_ns = now_ns + (lengths.frame + LINK_OVERHEAD) * LINK_NS_PER_OCTET;

	*ret_frame = (struct frame){
		.data = traffic->octets,
		.captured = MIN(lengths.frame, traffic->options.snap),
		.length = lengths.frame,
		.time_ns = now_ns,
		.iface = 1,
		.link = METER_LINK_ETHERNET,
	};
	kept = MIN(lengths.headers, ret_frame->captured);
	memcpy(traffic->octets, headers, kept);
	memset(traffic->octets + kept, 0, ret_frame->captured - kept);
	count(&traffic->totals, &lengths, ret_frame);
	requeue(traffic, state, now_ns);
	return true;
}

const struct traffic_totals *traffic_totals(const struct traffic *traffic)
{
	return &traffic->totals;
}

static void fill_options(struct traffic_options *options)
{
	const struct traffic_kind *kind = options->kind;

	if (!options->packets)
		options->packets = TRAFFIC_PACKETS_DEFAULT;
	if (!options->flows)
		options->flows = kind->flows_fixed
					 ? kind->flows_fixed
					 : options->packets * kind->flows_per_mille / 1000;
	options->flows = CLAMP(options->flows, 1, options->packets);
	if (kind->packets_fixed) {
		options->flows =
			MAX(MIN(options->flows, options->packets / kind->packets_fixed), 1);
		options->packets = options->flows * kind->packets_fixed;
	}
	if (!options->snap)
		options->snap = TRAFFIC_SNAP_DEFAULT;
	options->snap = CLAMP(options->snap, TRAFFIC_SNAP_MIN, TRAFFIC_SNAP_MAX);
}

struct traffic *traffic_new(const struct traffic_options *options)
{
	struct traffic *traffic = g_new0(struct traffic, 1);

	traffic->options = *options;
	fill_options(&traffic->options);
	traffic->span_ns = (guint64)((unsigned __int128)traffic->options.packets * FLOW_SECOND_NS /
				     options->kind->packets_per_s);
	/* No flow of a short run takes the greater part of it. */
	while (traffic->octaves < options->kind->octaves &&
	       traffic->options.packets >> traffic->octaves > 64)
		traffic->octaves++;
	for (guint64 i = 0; i < traffic->options.flows; i++)
		traffic->weight_sum += flow_weight(traffic, i);
	traffic->weight_sum = MAX(traffic->weight_sum, 1);
	traffic->next_start_ns = flow_start_ns(traffic, 0);
	traffic->states = g_array_new(FALSE, FALSE, sizeof(struct traffic_state));
	traffic->unused = g_array_new(FALSE, FALSE, sizeof(guint32));
	traffic->heap = g_array_new(FALSE, FALSE, sizeof(struct due));
	return traffic;
}

void traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return;
	g_array_unref(traffic->states);
	g_array_unref(traffic->unused);
	g_array_unref(traffic->heap);
	g_free(traffic);
}
