/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/netflow_time.h"

#define NS_PER_MS	 1000000
#define UPTIME_AT_START	 (G_GUINT64_CONSTANT(1) << 30) /* ms; half of what signed readers take */
#define UPTIME_MAX	 G_GUINT64_CONSTANT(0x7fffffff)
#define UPTIME_MAX_FORCE G_GUINT64_CONSTANT(0xffffffff) /* where a flow alone is that long */

static guint64 first_ms(const struct flow *flow)
{
	return flow_first_ns(flow) / NS_PER_MS;
}

/* Rounded up, so that no flow ends after its packet was sent. */
static guint64 last_s(const struct flow *flow)
{
	return flow_last_ns(flow) / FLOW_SECOND_NS + (flow_last_ns(flow) % FLOW_SECOND_NS != 0);
}

static guint64 whole_second(guint64 ms)
{
	return ms - ms % 1000;
}

bool netflow_time_tells(const struct flow *flow)
{
	guint64 end = last_s(flow);

	return end <= G_MAXUINT32 && end * 1000 - whole_second(first_ms(flow)) <= UPTIME_MAX_FORCE;
}

bool netflow_time_fits(const struct netflow_time *time, const struct flow *flow)
{
	return time->begun && first_ms(flow) >= time->boot_ms &&
	       last_s(flow) * 1000 <= time->boot_ms + UPTIME_MAX;
}

static void boot(struct netflow_time *time, const struct flow *flow)
{
	guint64 end_ms = last_s(flow) * 1000;
	guint64 boot_ms = end_ms > UPTIME_AT_START ? end_ms - UPTIME_AT_START : 0;

	time->begun = true;
	time->boot_ms = whole_second(MIN(boot_ms, first_ms(flow)));
	time->clock_s = last_s(flow);
}

void netflow_time_take(struct netflow_time *time, const struct flow *flow)
{
	if (netflow_time_fits(time, flow))
		time->clock_s = MAX(time->clock_s, last_s(flow));
	else
		boot(time, flow);
}

guint32 netflow_time_seconds(const struct netflow_time *time)
{
	return (guint32)time->clock_s;
}

guint32 netflow_time_uptime(const struct netflow_time *time)
{
	return (guint32)(time->clock_s * 1000 - time->boot_ms);
}

guint32 netflow_time_of(const struct netflow_time *time, guint64 ns)
{
	return (guint32)(ns / NS_PER_MS - time->boot_ms);
}
