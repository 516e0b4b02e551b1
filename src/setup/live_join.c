/* SPDX-License-Identifier: BSD-2-Clause */
/* Where records wait: in the kernel, if they are to outlive this process. */
#include "setup/live_join.h"

#include "capture/kernel_pool.h"

#define SLOTS_MIN    4096
#define FLOWS_A_SLOT 16

struct live_join {
	struct kernel_pool *pool;
	struct join *join;
};

struct live_join *live_join_new(const struct live_join_options *options, GError **error)
{
	enum flow_detail detail = kernel_meter_detail(options->meter);
	guint64 slots = MIN(MAX(SLOTS_MIN, options->max_flows / FLOWS_A_SLOT), G_MAXINT32);
	struct live_join *live = g_new0(struct live_join, 1);
	struct join_options join = {
		.resume = kernel_ring_position(kernel_meter_ring(options->meter)),
		.idle_ns = options->idle_ns,
		.active_ns = options->active_ns ? options->active_ns : G_MAXUINT64,
		.seed = (guint64)g_random_int() << 32 | g_random_int(),
		.detail = detail,
		.commits = options->commits,
		.sink = options->sink,
		.data = options->data,
	};

	live->pool =
		kernel_pool_open(options->folder, join_pool_octets((guint32)slots, detail), error);
	if (!live->pool) {
		g_free(live);
		return NULL;
	}
	join.pool = kernel_pool_memory(live->pool);
	join.octets = kernel_pool_octets(live->pool);
	live->join = join_new(&join);
	return live;
}

void live_join_free(struct live_join *live)
{
	if (!live)
		return;
	join_free(live->join);
	kernel_pool_free(live->pool);
	g_free(live);
}

struct join *live_join_of(struct live_join *live)
{
	return live->join;
}

void live_join_tick(struct live_join *live)
{
	join_tick(live->join, (guint64)g_get_monotonic_time() * 1000);
}
