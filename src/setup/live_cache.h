/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's flow cache of a run: found where an earlier process left it, or made. */
#ifndef WEIR_SETUP_LIVE_CACHE_H
#define WEIR_SETUP_LIVE_CACHE_H

#include "capture/links.h"
#include "setup/instance.h"
#include "setup/live.h"
#include "setup/live_look.h"

struct interface_names;

struct live_cache {
	struct instance *instance; /* NULL: nothing outlives this process */
	struct kernel_meter *meter;
	struct instance_shape shape;
	struct kernel_meter *old; /* tables of another shape, to be drained; NULL: none */
	guint32 old_sets;
	guint64 epoch_ns; /* between the kernel's clock and 1970 */
	bool adopted;
	bool other_gates; /* flows may have met another active time-out */
	bool waiting;	  /* at the last commit, flows for destinations */
};

/* Takes the instance, so that nobody else does; then what is in it, or something new. */
bool live_cache_claim(struct live_cache *cache, const struct live_options *options, GError **error);
bool live_cache_open(struct live_cache *cache, const struct live_options *options,
		     enum flow_detail detail, GError **error);
/* Where the records go. Who only brings out what is left is not told how that was sampled: the
 * instance knows. */
struct fanout *live_cache_fanout(const struct live_cache *cache, const struct live_options *options,
				 GError **error);
/* What it costs, and what was found. */
void live_cache_tell(const struct live_cache *cache, const struct live_options *options);
/* Programs with these time-outs and this filter, to be exchanged for those there are. */
struct kernel_meter *live_cache_again(struct live_cache *cache, const struct live_options *options,
				      GError **error);
void live_cache_close(struct live_cache *cache);
/* The kernel's times become those since 1970. */
void live_cache_to_wall_clock(const struct live_cache *cache, struct flow *flow);

/* Says for the next process what has been exported and dropped, by this process and those before
 * it, and how far the rings have been read. */
void live_cache_commit(struct live_cache *cache, const struct instance_totals *earlier,
		       const struct fanout *fanout);
/* All of it is out, and this is its account: the instance is no more, once that was told. */
void live_cache_end(struct live_cache *cache, const struct live_options *options,
		    const struct account *account);
/* What is to be metered, and where that is pinned; who is told of it is the caller's. */
struct links_options live_cache_links(const struct live_cache *cache,
				      const struct live_options *options);
/* The ring's part. */
void live_cache_look(const struct live_cache *cache, struct live_look *ret_look);
/* What processes before this one did, and the room there is. */
void live_cache_settle(const struct live_cache *cache, const struct instance_totals *earlier,
		       struct account *account);
/* Adds what came to the hooks, and what became of it there; interfaces by the names they have. */
void live_cache_seen(const struct live_cache *cache, const struct instance_totals *earlier,
		     const struct interface_names *names, struct account *account);

#endif
