/* SPDX-License-Identifier: BSD-2-Clause */
/* Geolocation of a run: which databases, and whether records have room for what they say. */
#ifndef WEIR_SETUP_PLACES_H
#define WEIR_SETUP_PLACES_H

#include "enrich/geo.h"
#include "export/fanout.h"
#include "setup/account.h"
#include "setup/options.h"
#include "setup/reload.h"

struct places_options {
	const char *const *words; /* of --geo: auto, off, paths; NULL-terminated; NULL: off */
	bool quiet;
};

struct places;

struct places_options places_options_of(const struct options *options);

/* Databases that were named are opened now, and must be good. Those that were not, when a template
 * first has columns for what they say; without any the run goes on. */
struct places *places_new(const struct places_options *options, GError **error);
void places_free(struct places *places);

/* Before the batch is written; the answers are good until this is called twice more. */
void places_enrich(struct places *places, const struct fanout *fanout, struct flow_batch *batch);
/* The same for who shows records, whatever the templates of those that are written want. */
void places_look(struct places *places, struct flow_batch *batch);
/* Between batches: see geo_tick(). */
void places_tick(struct places *places);
/* Other databases are opened when the run is told to reload, the same ones read anew. */
void places_join(struct places *places, struct reload *reload);
void places_settle(const struct places *places, struct account *account);
enum places_state {
	PLACES_OFF,
	PLACES_NONE,	/* there is no database */
	PLACES_MISSING, /* of those that are open, one is no longer there */
	PLACES_GOOD,
};

enum places_state places_state(const struct places *places);
/* NULL: nothing is open. */
const struct geo *places_geo(const struct places *places);

/* All databases at once, for whoever only asks; NULL: --geo off. */
struct geo *places_open(const struct places_options *options, GError **error);

#endif
