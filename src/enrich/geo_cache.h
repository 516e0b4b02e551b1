/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers by network: the prefix that a database itself gives one record, so that one answer serves
 * all of its addresses. Bounded: a new answer takes the place of an old one. */
#ifndef WEIR_ENRICH_GEO_CACHE_H
#define WEIR_ENRICH_GEO_CACHE_H

#include "enrich/geo_address.h"

struct geo_cache;

struct geo_answer {
	gconstpointer value; /* NULL: there is none */
	guint bits;	     /* of the prefix */
};

/* places: a power of two. */
struct geo_cache *geo_cache_new(guint places);
void geo_cache_free(struct geo_cache *cache);
void geo_cache_clear(struct geo_cache *cache);

/* Prefixes must not overlap: of one that holds another, either may be found. */
struct geo_answer geo_cache_find(struct geo_cache *cache, const struct geo_address *address);
void geo_cache_add(struct geo_cache *cache, const struct geo_address *address,
		   const struct geo_answer *answer);

#endif
