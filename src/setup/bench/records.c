/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/bench/records.h"

#include "capture/native_meter.h"
#include "setup/bench/traffic.h"

/* More records than the caches near a core hold, few enough to be made in no time. */
#define FLOWS	  4096
#define PACKETS	  (FLOWS * 17)
#define IDLE_NS	  (15 * FLOW_SECOND_NS)
#define ACTIVE_NS (60 * FLOW_SECOND_NS)
#define SEED	  1

struct records {
	GPtrArray *batches; /* of struct flow_batch */
};

static const struct flow_interface interface = { 1, { "eth1", 4 }, { "span port", 9 } };

static void keep(void *data, struct flow_batch *batch)
{
	struct records *records = data;
	struct flow_batch *copy = g_memdup2(batch, sizeof(*batch));

	for (size_t i = 0; i < copy->count; i++) {
		for (size_t side = 0; side < G_N_ELEMENTS(copy->extras[i].interface); side++) {
			if (copy->records[i].flow.side[side].packets > 0)
				copy->extras[i].interface[side] = &interface;
		}
	}
	g_ptr_array_add(records->batches, copy);
}

struct records *records_make(GError **error)
{
	struct records *records = g_new0(struct records, 1);
	const struct native_options options = {
		.idle_ns = IDLE_NS,
		.active_ns = ACTIVE_NS,
		.max_flows = FLOWS,
		.detail = FLOW_DETAIL_FULL,
		.circumstances = FLOW_FILE_CLOCK,
		.seed = SEED,
		.sink = keep,
		.data = records,
	};
	struct native_meter *meter = native_meter_new(&options, error);
	struct traffic *traffic;
	struct frame frame;

	records->batches = g_ptr_array_new_with_free_func(g_free);
	if (!meter) {
		records_free(records);
		return NULL;
	}
	traffic = traffic_new(&(struct traffic_options){
		.kind = traffic_kind_by_name("mix"),
		.packets = PACKETS,
		.flows = FLOWS,
		.seed = SEED,
	});
	while (traffic_next(traffic, &frame))
		native_meter_frames(meter, &frame, 1);
	native_meter_finish(meter);
	native_meter_free(meter);
	traffic_free(traffic);
	return records;
}

void records_free(struct records *records)
{
	if (!records)
		return;
	g_ptr_array_unref(records->batches);
	g_free(records);
}

guint records_batches(const struct records *records)
{
	return records->batches->len;
}

const struct flow_batch *records_batch(const struct records *records, guint index)
{
	return g_ptr_array_index(records->batches, index % records->batches->len);
}
