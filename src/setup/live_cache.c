/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_cache.h"

#include <time.h>

#include "base/cpus.h"
#include "base/error.h"
#include "base/log.h"
#include "capture/filter.h"
#include "capture/native_meter.h"
#include "setup/copies.h"

#define RING_DEFAULT   (16u << 20)
#define EPOCH_READINGS 8

static guint64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

/* Packet times are the kernel's monotonic clock. One difference serves the whole run, so that a
 * flow's records agree whatever becomes of the wall clock. */
static guint64 epoch_difference(void)
{
	guint64 difference = 0;
	guint64 least = G_MAXUINT64;

	/* Whoever is held up between two readings is wrong by half of that. */
	for (int i = 0; i < EPOCH_READINGS; i++) {
		guint64 before = clock_ns(CLOCK_MONOTONIC);
		guint64 wall = clock_ns(CLOCK_REALTIME);
		guint64 took = clock_ns(CLOCK_MONOTONIC) - before;

		if (took >= least)
			continue;
		least = took;
		difference = wall - (before + took / 2);
	}
	return difference;
}

static struct kernel_options kernel_options_of(const struct live_options *options,
					       const struct instance_shape *shape)
{
	struct native_options hash = {
		.seed = shape->seed,
		.idle_ns = options->idle_timeout_ns,
		.active_ns = options->active_timeout_ns ? options->active_timeout_ns : G_MAXUINT64,
		.detail = (enum flow_detail)shape->detail,
		.sample = shape->sample,
		.tunnels = options->tunnels,
		.sample_random = shape->sample_random,
	};

	return (struct kernel_options){ .hook = KERNEL_HOOK_XDP,
					.every_hook = true,
					.settings = native_settings(&hash),
					.cache = (enum kernel_cache)shape->cache,
					.sets = shape->sets,
					.ring_octets = shape->ring_octets,
					.drop = options->drop };
}

/* Why the tables that were found are of no use to this run; NULL: they are. */
static const char *unfit(const struct instance_shape *found, const struct instance_shape *wanted)
{
	if (found->detail != wanted->detail)
		return "--detail";
	if (found->sets != wanted->sets)
		return "--max-flows";
	if (found->cache != wanted->cache)
		return "--cache";
	return found->ring_octets != wanted->ring_octets ? "--ring" : NULL;
}

struct kernel_meter *live_cache_again(struct live_cache *cache, const struct live_options *options,
				      GError **error)
{
	struct kernel_options kernel = kernel_options_of(options, &cache->shape);
	struct filter *filter = options->filter ? filter_new(options->filter, error) : NULL;
	struct kernel_meter *next;

	if (options->filter && !filter)
		return NULL;
	kernel.filter = filter;
	kernel.settings.other_gates = cache->other_gates;
	next = kernel_meter_again(cache->meter, &kernel, error);
	filter_free(filter);
	return next;
}

static bool open_meter(struct live_cache *cache, const struct live_options *options, GError **error)
{
	struct kernel_options kernel = kernel_options_of(options, &cache->shape);
	struct filter *filter = options->filter ? filter_new(options->filter, error) : NULL;

	if (options->filter && !filter)
		return false;
	kernel.filter = filter;
	kernel.dedup = options->dedup;

	if (cache->instance)
		kernel.pin = instance_tables(cache->instance);
	kernel.adopt = cache->adopted;
	kernel.settings.other_gates = cache->other_gates = cache->adopted;
	cache->meter = kernel_meter_new(&kernel, error);
	filter_free(filter);
	if (cache->meter && cache->instance && !options->ending)
		instance_ready(cache->instance);
	return cache->meter != NULL;
}

static bool open_old(struct live_cache *cache, const struct live_options *options, GError **error)
{
	struct instance_shape shape;
	const char *folder = instance_old_tables(cache->instance, &shape);
	struct kernel_options kernel;

	if (!folder)
		return true;
	kernel = kernel_options_of(options, &shape);
	kernel.pin = folder;
	kernel.adopt = true;
	cache->old_sets = shape.sets;
	cache->old = kernel_meter_new(&kernel, error);
	return cache->old != NULL;
}

/* Its process ended while it drained the tables before these. */
static bool refuse(const struct live_options *options, const char *why, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "instance %s: it has flows in tables of two kinds, and this would be a third: "
		    "start it with the %s it had, or end it by 'weir stop %s'",
		    options->instance, why, options->instance);
	return false;
}

/* What an earlier process left is taken over where it fits; where not, it is drained once packets
 * go to the new tables. */
static bool open_pinned(struct live_cache *cache, const struct live_options *options,
			GError **error)
{
	const struct instance_shape *found = instance_shape(cache->instance);
	const struct instance_totals *totals;
	struct instance_shape old;
	const char *why = found ? unfit(found, &cache->shape) : NULL;

	if (why && instance_old_tables(cache->instance, &old))
		return refuse(options, why, error);
	cache->adopted = found && !why;
	if (cache->adopted)
		cache->shape.seed = found->seed;
	else if (!instance_begin(cache->instance, &cache->shape, cache->epoch_ns, error))
		return false;
	instance_sample(cache->instance, cache->shape.sample, cache->shape.sample_random);
	cache->epoch_ns = instance_epoch(cache->instance);
	if (why && !options->quiet)
		log_line("instance %s: tables for another %s were there; they are drained",
			 options->instance, why);
	if (!open_meter(cache, options, error) || !open_old(cache, options, error))
		return false;
	totals = instance_totals(cache->instance);
	kernel_ring_skip(kernel_meter_ring(cache->meter), totals->position);
	if (cache->old)
		kernel_ring_skip(kernel_meter_ring(cache->old), totals->old_position);
	return true;
}

bool live_cache_claim(struct live_cache *cache, const struct live_options *options, GError **error)
{
	GError *reason = NULL;

	cache->instance = options->ending ? instance_find(options->instance, &reason)
					  : instance_open(options->instance, &reason);
	if (cache->instance)
		return true;
	if (options->ending || options->instance_given ||
	    g_error_matches(reason, WEIR_ERROR, WEIR_ERROR_USAGE)) {
		g_propagate_error(error, reason);
		return false;
	}
	log_warning("%s; a restart will begin a new account", reason->message);
	g_error_free(reason);
	return true;
}

bool live_cache_open(struct live_cache *cache, const struct live_options *options,
		     enum flow_detail detail, GError **error)
{
	cache->shape = (struct instance_shape){
		.detail = detail,
		.cache = options->cache,
		.sets = kernel_cache_places(options->cache, options->max_flows,
					    (int)cpus_present()),
		.ring_octets = options->ring_octets ? options->ring_octets : RING_DEFAULT,
		.max_flows = options->max_flows,
		.seed = (guint64)g_random_int() << 32 | g_random_int(),
		.sample = options->export.sampling,
		.sample_random = options->export.random_sampling,
	};
	cache->epoch_ns = epoch_difference();
	if (options->ending)
		cache->shape = *instance_shape(cache->instance);
	return cache->instance ? open_pinned(cache, options, error)
			       : open_meter(cache, options, error);
}

struct fanout *live_cache_fanout(const struct live_cache *cache, const struct live_options *options,
				 GError **error)
{
	struct export_options export = options->export;

	/* Who goes on, or has a name of its own, begins no file anew that has flows in it. */
	export.beside = !options->ending && cache->instance &&
			(options->instance_given || instance_shape(cache->instance));
	if (options->ending) {
		const struct instance_shape *shape = instance_shape(cache->instance);

		export.sampling = shape->sample;
		export.random_sampling = shape->sample_random;
	}
	return fanout_new(&export, error);
}

void live_cache_tell(const struct live_cache *cache, const struct live_options *options)
{
	struct account_flows doubt = { 0 };

	if (cache->instance)
		doubt = instance_doubt(cache->instance);

	if (options->quiet)
		return;
	log_line("room for %" G_GUINT64_FORMAT " flows in %" G_GUINT64_FORMAT
		 " MiB of kernel memory (%d %s tables of %u %s)",
		 cache->shape.max_flows, kernel_meter_memory(cache->meter) >> 20,
		 kernel_meter_cpus(cache->meter),
		 kernel_cache_name((enum kernel_cache)cache->shape.cache), cache->shape.sets,
		 kernel_cache_place((enum kernel_cache)cache->shape.cache));
	if (cache->adopted)
		log_line("instance %s: going on where an earlier process ended", options->instance);
	if (doubt.flows > 0)
		log_warning("instance %s: %" G_GUINT64_FORMAT " flows (%" G_GUINT64_FORMAT
			    " packets) may be written twice: that process was writing them when it "
			    "died",
			    options->instance, doubt.flows, doubt.packets);
}

void live_cache_close(struct live_cache *cache)
{
	kernel_meter_free(cache->meter);
	kernel_meter_free(cache->old);
	instance_free(cache->instance);
}

void live_cache_to_wall_clock(const struct live_cache *cache, struct flow *flow)
{
	const guint64 epoch_ns = cache->epoch_ns;

	flow->last_ns += epoch_ns;
	for (int i = 0; i < 2; i++) {
		struct flow_side *side = &flow->side[i];

		if (side->packets) {
			side->first_ns += epoch_ns;
			side->last_ns += epoch_ns;
		}
		if (side->whole)
			side->whole += epoch_ns;
	}
}

static guint64 less(guint64 from, guint64 what)
{
	return from > what ? from - what : 0;
}

/* What waits for the destinations in memory would be lost with this process, and the next one has
 * to say so. */
static void fear_for_waiting(struct instance_totals *totals, const struct instance_totals *earlier,
			     struct tally handed)
{
	struct account_drops *failed = &totals->dropped[ACCOUNT_FAILED];

	handed.flows = less(handed.flows, totals->exported.flows - earlier->exported.flows);
	handed.packets = less(handed.packets, totals->exported.packets - earlier->exported.packets);
	handed.octets = less(handed.octets, totals->exported.octets - earlier->exported.octets);
	for (size_t i = 0; i < ACCOUNT_DROP_REASONS; i++) {
		const struct account_drops *now = &totals->dropped[i];
		const struct account_drops *then = &earlier->dropped[i];

		handed.flows = less(handed.flows, now->records - then->records);
		handed.packets = less(handed.packets, now->packets - then->packets);
		handed.octets = less(handed.octets, now->octets - then->octets);
	}
	failed->records += handed.flows;
	failed->packets += handed.packets;
	failed->octets += handed.octets;
}

static struct instance_totals totals_of(const struct instance_totals *earlier,
					const struct fanout *fanout)
{
	struct instance_totals totals = *earlier;
	struct account sum = { .earlier = totals.exported };

	memcpy(sum.earlier_dropped, totals.dropped, sizeof(totals.dropped));
	account_add_fanout(&sum, fanout);
	totals.exported = sum.exported;
	/* Out of this instance's hands: whoever sends it from the disk counts it apart. */
	totals.exported.flows += sum.spooled.flows;
	totals.exported.records += sum.spooled.records;
	totals.exported.packets += sum.spooled.packets;
	totals.exported.octets += sum.spooled.octets;
	memcpy(totals.dropped, sum.dropped, sizeof(totals.dropped));
	account_clear(&sum);
	return totals;
}

void live_cache_commit(struct live_cache *cache, const struct instance_totals *earlier,
		       const struct fanout *fanout)
{
	struct instance_totals totals;
	guint64 before;

	if (!cache->instance)
		return;
	totals = totals_of(earlier, fanout);
	before = totals.dropped[ACCOUNT_FAILED].records;
	fear_for_waiting(&totals, earlier, fanout_handed(fanout));
	cache->waiting = totals.dropped[ACCOUNT_FAILED].records > before;
	totals.position = kernel_ring_position(kernel_meter_ring(cache->meter));
	totals.old_position = cache->old ? kernel_ring_position(kernel_meter_ring(cache->old)) : 0;
	instance_commit(cache->instance, &totals);
}

void live_cache_end(struct live_cache *cache, const struct live_options *options,
		    const struct account *account)
{
	if (!cache->instance || (options->tell && !options->tell(options->tell_data, account)))
		return;
	instance_end(cache->instance);
}

struct links_options live_cache_links(const struct live_cache *cache,
				      const struct live_options *options)
{
	struct links_options links = { .interfaces = options->interfaces,
				       .attach = options->attach };

	if (cache->instance)
		links.attach.pin = instance_folder(cache->instance);
	/* Frames for other hosts must not be missed while a service is away. */
	links.attach.stay = options->instance_given;
	return links;
}

void live_cache_look(const struct live_cache *cache, struct live_look *ret_look)
{
	const struct kernel_ring *ring = kernel_meter_ring(cache->meter);

	ret_look->ring_used = kernel_ring_held(ring);
	ret_look->ring_room = kernel_ring_octets(ring);
}

void live_cache_settle(const struct live_cache *cache, const struct instance_totals *earlier,
		       struct account *account)
{
	account->earlier = earlier->exported;
	memcpy(account->earlier_dropped, earlier->dropped, sizeof(earlier->dropped));
	account->in_doubt = earlier->doubted;
	account->max_flows = cache->shape.max_flows;
	account->memory_octets = kernel_meter_memory(cache->meter);
}

void live_cache_seen(const struct live_cache *cache, const struct instance_totals *earlier,
		     const struct interface_names *names, struct account *account)
{
	GArray *copies = kernel_meter_copies(cache->meter, NULL);
	struct meter_counts counts;

	if (copies) {
		copies_settle(account, (const struct dedup_pair *)(void *)copies->data, copies->len,
			      names);
		g_array_unref(copies);
	}
	if (!kernel_meter_counts(cache->meter, &counts, NULL))
		return;
	meter_counts_add(&counts, &earlier->gone);
	account_add_counts(account, &counts);
	for (int v = METER_OK; v < METER_VERDICTS; v++) {
		account->seen.packets += counts.packets[v];
		account->seen.frame_octets += counts.frame_octets[v];
	}
}
