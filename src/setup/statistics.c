/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/statistics.h"

#include <unistd.h>

#include "base/clock.h"
#include "export/statistics.h"

#define REPLAY_PROCESS 1

struct statistics statistics_live(guint64 every_ns)
{
	return (struct statistics){
		.start_ns = clock_wall_ns(),
		.every_ns = every_ns,
		.live = true,
		.process = (guint32)getpid(),
	};
}

struct statistics statistics_replay(void)
{
	return (struct statistics){ .process = REPLAY_PROCESS };
}

/* Captures are not always in order. */
void statistics_packet(struct statistics *statistics, guint64 time_ns)
{
	if (statistics->end_ns == 0 || time_ns < statistics->start_ns)
		statistics->start_ns = time_ns;
	statistics->end_ns = MAX(statistics->end_ns, time_ns);
}

bool statistics_due(struct statistics *statistics, struct fanout *fanout)
{
	gint64 now = g_get_monotonic_time();

	/* Who comes back is told the names of interfaces at once. */
	if (fanout_has_returned(fanout))
		statistics->next_us = now;
	if (statistics->every_ns == 0 || now < statistics->next_us)
		return false;
	statistics->next_us = now + (gint64)(statistics->every_ns / 1000);
	return true;
}

/* Each that has a name, the one it has now; of indexes that end alike, the latest. */
static GPtrArray *interfaces_of(const struct interface_names *names)
{
	GPtrArray *interfaces = g_ptr_array_new();

	for (guint iface = 0; names && iface <= G_MAXUINT16; iface++) {
		const struct flow_interface *interface =
			interface_names_find(names, (guint16)iface, G_MAXUINT64);

		if (interface && interface->name.length > 0)
			g_ptr_array_add(interfaces, (gpointer)(guintptr)interface);
	}
	return interfaces;
}

static GPtrArray *databases_of(const struct places *places)
{
	const struct geo *geo = places_geo(places);
	GPtrArray *databases = g_ptr_array_new();

	for (guint i = 0; geo && i < geo_databases(geo); i++)
		g_ptr_array_add(databases, (gpointer)(guintptr)geo_database_at(geo, i));
	return databases;
}

bool statistics_tell(struct statistics *statistics, struct fanout *fanout,
		     const struct account *account, const struct interface_names *names,
		     GError **error)
{
	g_autoptr(GPtrArray) interfaces = interfaces_of(names);
	g_autoptr(GPtrArray) databases = databases_of(statistics->places);
	struct export_statistics run = {
		.start_ns = statistics->start_ns,
		.process = statistics->process,
		.interfaces = (const struct flow_interface *const *)interfaces->pdata,
		.interfaces_count = interfaces->len,
		.databases = (const struct flow_database *const *)databases->pdata,
		.databases_count = databases->len,
	};

	if (statistics->live)
		statistics->end_ns = clock_wall_ns();
	run.end_ns = statistics->end_ns;
	run.selected_packets = account->metered.packets;
	for (int reason = METER_OK + 1; reason < METER_VERDICTS; reason++) {
		if (reason == METER_NOT_SAMPLED)
			continue; /* left out on purpose: the sampling's own numbers tell of it */
		if (reason != METER_LOST && reason != METER_FILTERED)
			run.selected_packets += account->set_aside[reason].packets;
		run.ignored_packets += account->set_aside[reason].packets;
		run.ignored_octets += account->set_aside[reason].octets;
	}
	run.observed_packets = run.selected_packets + account->set_aside[METER_NOT_SAMPLED].packets;
	return fanout_report(fanout, &run, error);
}
