/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a sequence of frames through the meter and its native table: nothing is read that
 * was not captured, every packet and octet is in exactly one account, every record is possible in
 * itself, and the records are the same for another hash seed and other batches of frames.
 *
 * An input is 4 octets (flows in the table and view of tunnels, idle, active, frames a call), then
 * frames, each of 8 octets (link and direction of time, shift of the step of time, step, octets
 * captured, octets on the wire; numbers big-endian) and the octets captured. seeds/frame is made so
 * by make_frame_seeds.py, make_tunnel_seeds.py and make_fragment_seeds.py. */
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "capture/native_meter.h"
#include "capture/tunnels.h"
#include "meter/key.h"

#define FRAMES_MAX    256
#define INPUT_HEADER  4
#define FRAME_HEADER  8
#define TIME_BACKWARD 0x80
#define START_NS      1500000000000000000ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: libFuzzer's name */

static const guint64 idle_choices[] = { 15 * FLOW_SECOND_NS,	     1, 1000000, FLOW_SECOND_NS,
					1000000ULL * FLOW_SECOND_NS, 0 };
static const guint64 active_choices[] = { 60 * FLOW_SECOND_NS, G_MAXUINT64,    0,	  1,
					  FLOW_SECOND_NS / 2,  FLOW_SECOND_NS, 1ULL << 62 };

static const struct tunnel_options views[] = {
	{ TUNNEL_VIEW_INNER, NULL, NULL },
	{ TUNNEL_VIEW_OUTER, NULL, NULL },
	{ TUNNEL_VIEW_BOTH, NULL, NULL },
	{ TUNNEL_VIEW_INNER, "vxlan,gre,geneve,tzsp", NULL },
};

struct input {
	struct native_options options;
	struct frame frames[FRAMES_MAX];
	guint count;
	guint a_call;
	guint64 earliest;
	guint64 latest;
};

/* What the records of one run sum up to. */
struct outcome {
	const struct input *input;
	guint64 packets;
	guint64 octets;
	guint64 evicted;
	guint64 orphans;
	guint64 records;
	guint64 digest;
};

static void check_tally(const struct flow_side *side, const struct flow_side *other,
			const struct tcp_tally *tally)
{
	guint64 both = side->packets + other->packets;

	g_assert_cmpuint(tally->retransmitted_packets + tally->out_of_order + tally->keep_alives,
			 <=, side->packets);
	g_assert_cmpuint(tally->retransmitted_octets, <=, side->payload);
	g_assert_cmpuint(tally->syn_retransmissions, <=, tally->retransmitted_packets);
	g_assert_cmpuint(tally->gap_octets, <=, tally->unseen_octets);
	g_assert_cmpuint(tally->duplicate_acks, <=, side->packets);
	g_assert_cmpuint(tally->window_count, <=, side->packets);
	g_assert_cmpuint(tally->zero_windows, <=, tally->window_count);
	g_assert_cmpuint(tally->rtt_count, <=, side->packets);
	g_assert_cmpuint(tally->response_count, <=, both);
	g_assert_cmpuint(tally->syn_packets, <=, side->packets);
	g_assert_cmpuint(tally->fin_packets, <=, side->packets);
	g_assert_cmpuint(tally->rst_packets, <=, side->packets);
	g_assert_cmpuint(tally->ce_packets, <=, side->packets);
	g_assert_cmpuint(tally->window_min, <=, tally->window_max);
	g_assert_cmpuint(tally->rtt_min_us, <=, tally->rtt_max_us);
	g_assert_cmpuint(tally->response_min_us, <=, tally->response_max_us);
}

static void check_shape(const struct flow_side *side, const struct flow_shape *shape)
{
	guint64 lengths = 0;
	guint64 ttls = 0;

	for (guint i = 0; i < FLOW_LENGTH_BUCKETS; i++)
		lengths += shape->length_count[i];
	for (guint i = 0; i < FLOW_TTL_BUCKETS; i++)
		ttls += shape->ttl_count[i];
	g_assert_cmpuint(lengths, ==, side->packets);
	g_assert_cmpuint(ttls, ==, side->packets);
	g_assert_cmpuint(shape->length_min, <=, shape->length_max);
	g_assert_cmpuint(shape->fragments, <=, side->packets);
	g_assert_cmpuint(shape->second_octets_max, <=, side->octets);
	g_assert_cmpuint(shape->second_octets, <=, shape->second_octets_max);
	g_assert_cmpuint(shape->gap_max_us, <=, FLOW_PAUSE_NS / 1000);
	if (side->packets)
		g_assert_cmpuint(shape->gap_count + shape->pauses, <, side->packets);
}

static void check_side(const struct input *input, const struct flow_side *side)
{
	g_assert_cmpuint(side->payload, <=, side->octets);
	g_assert_cmpuint(side->ttl_min, <=, side->ttl_max);
	g_assert_cmpuint(side->tcp_flags_first & ~side->tcp_flags, ==, 0);
	g_assert_cmpuint(side->tos_first & ~side->tos_union, ==, 0);
	/* Times are compared as differences, so a span beyond 2^63 has no order. */
	if (side->packets && input->latest - input->earliest < 1ULL << 62) {
		g_assert_cmpuint(side->first_ns, <=, side->last_ns);
		g_assert_cmpuint(side->first_ns, >=, input->earliest);
		g_assert_cmpuint(side->last_ns, <=, input->latest);
	}
}

static void digest(struct outcome *outcome, const void *octets, size_t size)
{
	const guint8 *at = octets;

	for (size_t i = 0; i < size; i++)
		outcome->digest = (outcome->digest ^ at[i]) * 0x100000001b3ULL;
}

static void take_record(struct outcome *outcome, const struct flow_record *record)
{
	const struct flow *flow = &record->flow;

	g_assert_cmpuint(record->end, >=, FLOW_END_IDLE);
	g_assert_cmpuint(record->end, <=, FLOW_END_RESOURCES);
	g_assert_cmpuint(flow_packets(flow), >, 0);
	g_assert_true(flow->key.version == 4 || flow->key.version == 6);
	g_assert_false(key_is_high_first(&flow->key));
	for (guint i = 0; i < 2; i++) {
		check_side(outcome->input, &flow->side[i]);
		check_shape(&flow->side[i], &flow->shape[i]);
		check_tally(&flow->side[i], &flow->side[!i], &flow->tcp[i].tally);
	}
	outcome->records++;
	outcome->evicted += record->end == FLOW_END_RESOURCES;
	if ((flow->side[0].state | flow->side[1].state) & FLOW_ORPHANS)
		outcome->orphans += flow_packets(flow);
	outcome->packets += flow_packets(flow);
	outcome->octets += flow_octets(flow);
	digest(outcome, record, sizeof(*record));
}

static void take_batch(void *data, struct flow_batch *batch)
{
	g_assert_cmpuint(batch->count, >, 0);
	g_assert_cmpuint(batch->count, <=, FLOW_BATCH_MAX);
	for (size_t i = 0; i < batch->count; i++)
		take_record(data, &batch->records[i]);
}

static void check_counts(const struct outcome *outcome, const struct meter_counts *counts)
{
	const struct input *input = outcome->input;
	guint64 packets = 0;
	guint64 octets = 0;
	guint64 wire = 0;

	for (guint i = 0; i < METER_VERDICTS; i++) {
		packets += counts->packets[i];
		octets += counts->frame_octets[i];
	}
	for (guint i = 0; i < input->count; i++)
		wire += input->frames[i].length;
	g_assert_cmpuint(packets, ==, input->count);
	g_assert_cmpuint(octets, ==, wire);
	g_assert_cmpuint(outcome->packets, ==, counts->packets[METER_OK]);
	g_assert_cmpuint(outcome->octets, ==, counts->octets);
	g_assert_cmpuint(outcome->evicted, ==, counts->evicted);
	g_assert_cmpuint(outcome->orphans, ==, counts->orphans);
}

static struct outcome run(const struct input *input, guint64 seed, guint a_call)
{
	struct outcome outcome = { .input = input };
	struct native_options options = input->options;
	struct native_meter *meter;

	options.seed = seed;
	options.sink = take_batch;
	options.data = &outcome;
	meter = native_meter_new(&options, NULL);
	for (guint i = 0; i < input->count; i += a_call)
		native_meter_frames(meter, input->frames + i, MIN(a_call, input->count - i));
	native_meter_finish(meter);
	g_assert_cmpuint(native_meter_flows(meter), ==, 0);
	check_counts(&outcome, native_meter_counts(meter));
	native_meter_free(meter);
	return outcome;
}

static guint64 step(const guint8 *head, guint64 now_ns)
{
	guint64 by = (guint64)load_be16(head + 2) << (head[1] & 63);

	return head[0] & TIME_BACKWARD ? now_ns - by : now_ns + by;
}

/* Takes a frame off the input; its octets become a copy of exactly their size. */
static const guint8 *take_frame(struct input *input, const guint8 *at, const guint8 *end,
				guint64 now_ns)
{
	guint32 captured = MIN(load_be16(at + 4), (guint32)(end - at - FRAME_HEADER));
	guint8 *copy = g_malloc(MAX(captured, 1u));

	memcpy(copy, at + FRAME_HEADER, captured);
	input->frames[input->count++] = (struct frame){
		.data = copy,
		.captured = captured,
		.length = MAX(load_be16(at + 6), captured),
		.time_ns = now_ns,
		.iface = 1,
		.link = (at[0] & 3) % (METER_LINK_OTHER + 1),
	};
	input->earliest = MIN(input->earliest, now_ns);
	input->latest = MAX(input->latest, now_ns);
	return at + FRAME_HEADER + captured;
}

static void take_input(struct input *input, const guint8 *data, size_t size)
{
	const guint8 *at = data + INPUT_HEADER;
	const guint8 *end = data + size;
	guint64 now_ns = START_NS;

	input->options.max_flows = 1 + data[0] % 64;
	g_assert_true(tunnels_parse(&views[data[0] / 64], &input->options.tunnels, NULL));
	input->options.idle_ns = idle_choices[data[1] % G_N_ELEMENTS(idle_choices)];
	input->options.active_ns = active_choices[data[2] % G_N_ELEMENTS(active_choices)];
	input->options.detail = FLOW_DETAIL_FULL;
	input->a_call = 1 + data[3] % 130;
	input->earliest = G_MAXUINT64;
	while (input->count < FRAMES_MAX && end - at >= FRAME_HEADER) {
		now_ns = step(at, now_ns);
		at = take_frame(input, at, end, now_ns);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) /* NOLINT */
{
	struct input *input;
	struct outcome one;
	struct outcome other;

	if (size < INPUT_HEADER)
		return 0;
	input = g_new0(struct input, 1);
	take_input(input, data, size);
	one = run(input, 1, input->a_call);
	other = run(input, 0x5eed5eed5eed5eedULL, 1);
	g_assert_cmpuint(one.records, ==, other.records);
	g_assert_cmpuint(one.digest, ==, other.digest);
	for (guint i = 0; i < input->count; i++)
		g_free((void *)input->frames[i].data);
	g_free(input);
	return 0;
}
