/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_health.h"

/* What was lost longer ago is history. */
#define WHILE_US     (10 * G_USEC_PER_SEC)
#define SCAN_US	     (10 * G_USEC_PER_SEC)
/* Tables in sets give up a flow now and then that would have had room elsewhere; one that is full
 * gives up more of the flows that leave it than one in so many. */
#define EVICTED_PART 20

#define COUNT "%" G_GUINT64_FORMAT

static guint64 dropped_flows(const struct account *account)
{
	return account->dropped[ACCOUNT_OVERFLOW].records +
	       account->dropped[ACCOUNT_FAILED].records;
}

/* What has been counted in the last while, or up to twice as long. */
static struct live_moment lately(struct live_health *health, const struct account *account)
{
	const struct live_moment now = {
		.us = g_get_monotonic_time(),
		.exported = account->exported.flows,
		.evicted = account->evicted_flows,
		.no_room = account->set_aside[METER_NO_ROOM].packets,
		.dropped = dropped_flows(account),
	};

	if (health->then.us == 0) {
		health->then = now;
		health->next = now;
	} else if (now.us - health->next.us > WHILE_US) {
		health->then = health->next;
		health->next = now;
	}
	return (struct live_moment){
		.us = now.us - health->then.us,
		.exported = now.exported - health->then.exported,
		.evicted = now.evicted - health->then.evicted,
		.no_room = now.no_room - health->then.no_room,
		.dropped = now.dropped - health->then.dropped,
	};
}

static void say_table(struct health *health, const struct live_moment *lately,
		      const struct live_look *look, const struct account *account)
{
	if (lately->no_room > 0)
		health_say(health, HEALTH_FAILED, false, "table",
			   "full: " COUNT " packets found no room lately; --max-flows and --ring "
			   "make more",
			   lately->no_room);
	else if (lately->evicted * EVICTED_PART > lately->exported && lately->evicted > 0)
		health_say(health, HEALTH_FAILED, false, "table",
			   "full: " COUNT " flows lately left early to make room; --max-flows "
			   "makes it larger",
			   lately->evicted);
	else
		health_say(health, HEALTH_GOOD, false, "table",
			   COUNT " flows, with room for " COUNT, look->flows, account->max_flows);
}

static bool others_do(const struct fanout *fanout, const struct export_counts *counts)
{
	if (!counts->shared)
		return false;
	for (size_t i = 0; i < fanout_count(fanout); i++) {
		if (fanout_is_healthy(fanout, i))
			return true;
	}
	return false;
}

static void say_destination(struct health *health, const struct fanout *fanout, size_t i)
{
	const struct export_counts *counts = fanout_counts(fanout, i);
	const char *name = counts->name ? counts->name : counts->url;
	g_autofree char *about = g_strdup_printf("destination %s", name);

	if (fanout_is_healthy(fanout, i))
		health_say(health, HEALTH_GOOD, false, about, COUNT " flows", counts->flows);
	else if (fanout_state(fanout, i).queue_octets == 0)
		health_say(health, others_do(fanout, counts) ? HEALTH_DEGRADED : HEALTH_FAILED,
			   false, about, "it cannot be written; flows given to it are lost");
	else if (others_do(fanout, counts))
		health_say(health, HEALTH_DEGRADED, false, about,
			   "it cannot be reached; others get its flows");
	else
		health_say(health, HEALTH_FAILED, false, about,
			   "it cannot be reached; flows wait as long as there is room");
}

static void say_destinations(struct health *health, const struct live_moment *lately,
			     const struct fanout *fanout)
{
	for (size_t i = 0; i < fanout_count(fanout); i++)
		say_destination(health, fanout, i);
	if (lately->dropped > 0)
		health_say(health, HEALTH_FAILED, false, "export",
			   COUNT " flows were dropped lately", lately->dropped);
}

static void say_interfaces(struct health *health, const struct live_parts *parts,
			   const struct live_look *look)
{
	const char *const *interfaces = parts->options->interfaces;
	const guint count = MIN(g_strv_length((char **)(guintptr)interfaces), 64);
	guint away = 0;

	for (guint i = 0; i < count; i++)
		away += look->away >> i & 1;
	for (guint i = 0; i < count; i++) {
		g_autofree char *about = g_strdup_printf("interface %s", interfaces[i]);

		if (look->away >> i & 1)
			health_say(health, HEALTH_FAILED, away == count, about,
				   "it is down or gone, and not metered");
		else
			health_say(health, HEALTH_GOOD, true, about, "metered");
	}
}

static void say_scan(struct health *health, const struct live_look *look)
{
	const gint64 idle = g_get_monotonic_time() - look->scanned_us;

	if (look->scanned_us == 0)
		return;
	if (idle > SCAN_US)
		health_say(health, HEALTH_FAILED, true, "scan",
			   "nobody has looked for silent flows for %.0f s",
			   (double)idle / G_USEC_PER_SEC);
	else
		health_say(health, HEALTH_GOOD, true, "scan", "silent flows leave the table");
}

/* Records may have columns for places, and nobody who fills them. */
static void say_places(struct health *health, const struct live_parts *parts,
		       const struct live_look *look)
{
	if (!fanout_wants_places(parts->fanout))
		return;
	switch (places_state(look->places)) {
	case PLACES_OFF:
		break;
	case PLACES_NONE:
		health_say(health, HEALTH_DEGRADED, false, "geolocation",
			   "there is no database, so records say nothing of places; 'weir geo "
			   "build' makes one");
		break;
	case PLACES_MISSING:
		health_say(health, HEALTH_DEGRADED, false, "geolocation",
			   "a database is no longer there; what it said is used on");
		break;
	case PLACES_GOOD:
		health_say(health, HEALTH_GOOD, false, "geolocation", "%u databases",
			   geo_databases(places_geo(look->places)));
		break;
	}
}

struct health *live_health_of(struct live_health *health, const struct live_parts *parts,
			      const struct live_look *look, const struct account *account)
{
	const struct live_moment moment = lately(health, account);
	struct health *told = health_new();

	say_interfaces(told, parts, look);
	say_scan(told, look);
	say_table(told, &moment, look, account);
	say_destinations(told, &moment, parts->fanout);
	say_places(told, parts, look);
	return told;
}
