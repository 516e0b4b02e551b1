/* SPDX-License-Identifier: BSD-2-Clause */
/* The database of the world under way: whose and where every address is, by each of the sources,
 * and what is written of it. Who names a country last has no say in that: the fresher source has,
 * and the user's own ranges have over both. geoip/README.md is the user's page of this. */
#ifndef WEIR_ENRICH_WORLD_H
#define WEIR_ENRICH_WORLD_H

#include <glib.h>
#include <stdbool.h>

#include "enrich/mmdb_write.h"

enum world_source {
	WORLD_COUNTRIES, /* the text files of tor-geoipdb: countries */
	WORLD_NETWORKS,	 /* what `location dump` prints: countries and autonomous systems */
	WORLD_SOURCES,
};

/* What the user's own ranges can say (world_own.def). */
enum world_own {
#define OWN(id, ...) WORLD_OWN_##id,
#include "enrich/world_own.def"
#undef OWN
	WORLD_OWN,
};

struct world;
struct world *world_new(void);
void world_free(struct world *world);

/* When a source was made, in seconds since 1970; 0: it does not say. */
void world_set_made(struct world *world, enum world_source source, gint64 made);
gint64 world_made(const struct world *world, enum world_source source);

/* Two capital letters; "" or NULL: not known. */
void world_set_country(struct world *world, const struct mmdb_range *range, const char *country);
/* The innermost network says all of what its addresses have of this source. number 0: no AS. */
void world_set_network(struct world *world, const struct mmdb_range *range, const char *country,
		       guint32 number);
void world_name_as(struct world *world, guint32 number, const char *name);
/* Texts that are good (world_csv.c); NULL: what was there stays. */
void world_set_own(struct world *world, const struct mmdb_range *range,
		   const char *const cells[WORLD_OWN]);

/* Nothing is changed in it afterwards. */
bool world_write(struct world *world, const char *path, guint64 build_epoch,
		 struct mmdb_size *ret_size, GError **error);

#endif
