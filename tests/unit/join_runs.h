/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures metered by several meters, each a CPU's, and what leaves them in the order it does. */
#ifndef WEIR_TESTS_JOIN_RUNS_H
#define WEIR_TESTS_JOIN_RUNS_H

#include <string.h>

#include "capture/capture_file.h"
#include "capture/native_meter.h"
#include "meter_home.h"

#define METERS	   3
#define FRAMES_MAX 20000
#define IDLE_NS	   (15 * FLOW_SECOND_NS)

/* A record, which meter it came from and when. */
struct left {
	struct flow_record record;
	guint64 now_ns;
	guint number;
};

struct home {
	struct native_meter *meter;
	struct run *run;
	guint16 cpu;
};

struct run {
	struct home homes[METERS];
	guint64 now_ns;
	GPtrArray *list; /* of struct left */
	enum flow_detail detail;
};

typedef guint deal(const struct packet *pkt, guint number);

/* RSS that is not symmetric. */
static inline guint by_direction(const struct packet *pkt, guint number)
{
	(void)number;
	return pkt->side;
}

/* A queue whose work hops between CPUs. Fragments stay together. */
static inline guint by_stretch(const struct packet *pkt, guint number)
{
	return pkt->state & FLOW_FRAGMENTED ? 0 : number / 7 % METERS;
}

static inline void keep(struct run *run, const struct flow_record *record, guint16 cpu)
{
	struct left *left = g_new0(struct left, 1);

	memcpy(&left->record, record, flow_record_size(run->detail));
	left->record.cpu = cpu;
	left->record.flow.gate_ns = run->now_ns;
	left->now_ns = run->now_ns;
	left->number = run->list->len;
	g_ptr_array_add(run->list, left);
}

static inline void on_batch(void *data, const struct flow_batch *batch)
{
	struct home *home = data;

	for (size_t i = 0; i < batch->count; i++)
		keep(home->run, &batch->records[i], home->cpu);
}

static inline void on_joined(void *data, const struct flow_record *record)
{
	keep(data, record, record->cpu);
}

/* Times differ and go on, as the kernel's do: else no part could tell which packet was first. */
static inline GArray *read_frames(const char *path)
{
	guint64 now_ns = 0;
	struct capture_file *file = capture_file_open(path, NULL);
	GArray *frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
	struct frame batch[64];
	int count;

	while (file && frames->len < FRAMES_MAX &&
	       (count = capture_file_read(file, batch, 64, NULL)) > 0) {
		for (int i = 0; i < count; i++) {
			batch[i].data = g_memdup2(batch[i].data, batch[i].captured);
			now_ns = batch[i].time_ns = MAX(batch[i].time_ns, now_ns + 1);
			g_array_append_val(frames, batch[i]);
		}
	}
	capture_file_free(file);
	return frames;
}

static inline void free_frames(GArray *frames)
{
	for (guint i = 0; i < frames->len; i++)
		g_free((gpointer)g_array_index(frames, struct frame, i).data);
	g_array_free(frames, TRUE);
}

static inline guint which_meter(const struct frame *frame, deal *how, guint number)
{
	struct meter_home home = { 0 };
	struct packet pkt;

	if (!how || home_parse(&home, frame, &pkt) != METER_OK)
		return 0;
	return how(&pkt, number);
}

/* Time goes on at every meter with every frame, as it does on every CPU. */
static inline struct run meter_frames(const GArray *frames, enum flow_detail detail,
				      guint64 active_ns, deal *how)
{
	struct run run = { .list = g_ptr_array_new_with_free_func(g_free), .detail = detail };
	struct native_options options = { .idle_ns = IDLE_NS,
					  .active_ns = active_ns,
					  .max_flows = FRAMES_MAX,
					  .detail = detail,
					  .sink = (native_sink *)on_batch };

	for (guint16 i = 0; i < METERS; i++) {
		run.homes[i] = (struct home){ NULL, &run, i };
		options.data = &run.homes[i];
		run.homes[i].meter = native_meter_new(&options, NULL);
	}
	for (guint i = 0; i < frames->len; i++) {
		const struct frame *frame = &g_array_index(frames, struct frame, i);

		run.now_ns = MAX(run.now_ns, frame->time_ns);
		for (guint k = 0; k < METERS; k++)
			native_meter_tick(run.homes[k].meter, run.now_ns);
		native_meter_frames(run.homes[which_meter(frame, how, i)].meter, frame, 1);
	}
	for (guint k = 0; k < METERS; k++) {
		native_meter_tick(run.homes[k].meter, run.now_ns);
		native_meter_finish(run.homes[k].meter);
		native_meter_free(run.homes[k].meter);
	}
	return run;
}

#endif
