/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the ends of a record are and whose, by databases, in the order given: the first that knows
 * something is believed. Addresses that are special (private, documentation, ...) are labelled so;
 * only a user's own database, one with labels or sites, is asked about them.
 *
 * Answers are remembered. They stay good until the geo_enrich() after the next one, whatever
 * becomes of the databases. All calls come from one thread. */
#ifndef WEIR_ENRICH_GEO_H
#define WEIR_ENRICH_GEO_H

#include "flow/flow.h"

#define GEO_DATABASES_MAX 8

struct geo;

struct geo_counts {
	guint64 lookups; /* of addresses */
	guint64 hits;	 /* that were answered from memory */
	guint64 reloads;
	guint64 reload_failures;
};

/* Paths, NULL-terminated; none: special addresses are labelled all the same. */
struct geo *geo_new(const char *const *paths, GError **error);
void geo_free(struct geo *geo);

/* The places of every record in the batch. */
void geo_enrich(struct geo *geo, struct flow_batch *batch);
/* 16 octets, where IPv4 is mapped; version is that of the packet. ret_bits, which may be NULL, is
 * how long the prefix with this answer is; of an address that holds an IPv4 one, of that. */
const struct flow_place *geo_find(struct geo *geo, const guint8 octets[16], guint8 version,
				  guint *ret_bits);

/* To be called often, between batches: databases whose files were replaced are opened by another
 * thread, and taken when they are ready. Where one is damaged the old ones stay. Both are said in a
 * line. */
void geo_tick(struct geo *geo);
/* The same now, whether they were replaced or not. */
void geo_reload(struct geo *geo);

const struct geo_counts *geo_counts(const struct geo *geo);
guint geo_databases(const struct geo *geo);
/* As they are now; good until geo_tick(). */
const struct flow_database *geo_database_at(const struct geo *geo, guint index);
const char *geo_path_at(const struct geo *geo, guint index);
guint32 geo_holds_at(const struct geo *geo, guint index);

#endif
