/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter's native home: frames in, flow records out, every frame in exactly one counter. */
#ifndef WEIR_CAPTURE_NATIVE_METER_H
#define WEIR_CAPTURE_NATIVE_METER_H

#include <stdbool.h>

#include "capture/frame.h"
#include "flow/flow.h"

struct native_meter;

/* The batch stays the meter's own, whoever adds to its extras; it is empty again when this returns.
 */
typedef void native_sink(void *data, struct flow_batch *batch);

struct native_options {
	guint64 idle_ns;
	guint64 active_ns; /* G_MAXUINT64: never */
	guint32 max_flows;
	enum flow_detail detail;
	guint32 circumstances;	      /* enum flow_circumstance, for every record */
	guint32 sample;		      /* one packet in so many; 0 and 1: every one */
	bool sample_random;	      /* each with that probability, not every Nth */
	struct meter_tunnels tunnels; /* zero: none is looked into */
	guint64 seed; /* of the table's hash, on which results never depend, and of sampling */
	native_sink *sink;
	void *data;
};

/* The settings every home of the meter shares; the seed spread over the hash's multipliers. */
struct meter_settings native_settings(const struct native_options *options);

struct native_meter *native_meter_new(const struct native_options *options, GError **error);
void native_meter_free(struct native_meter *meter);

/* Other time-outs, for the flows in the cache, too, from the next frame or tick on. */
void native_meter_set_timeouts(struct native_meter *meter, guint64 idle_ns, guint64 active_ns);

void native_meter_frames(struct native_meter *meter, const struct frame *frames, size_t count);
/* Live, between packets: time went on, so flows that have timed out leave, and the last batch. */
void native_meter_tick(struct native_meter *meter, guint64 now_ns);
/* No more frames: every flow leaves, and the last batch. */
void native_meter_finish(struct native_meter *meter);

const struct meter_counts *native_meter_counts(const struct native_meter *meter);
/* Of the flows still in the cache. */
guint32 native_meter_flows(const struct native_meter *meter);

/* Some of the flows in the cache, as records without an end, from *at on, which goes on: between
 * two looks the meter may be used. False: there are no more. */
typedef void native_look(void *data, const struct flow_record *record);
bool native_meter_look(const struct native_meter *meter, guint32 *at, native_look *look,
		       void *data);

/* Likewise, but the flows leave, as forced unless their time-out has passed. */
bool native_meter_flush(struct native_meter *meter, guint32 *at);

/* Parsing alone, for benchmarks: how many of the frames can be metered. */
size_t native_meter_parse(struct native_meter *meter, const struct frame *frames, size_t count);

#endif
