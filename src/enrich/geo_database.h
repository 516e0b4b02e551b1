/* SPDX-License-Identifier: BSD-2-Clause */
/* One geolocation database, through libmaxminddb. */
#ifndef WEIR_ENRICH_GEO_DATABASE_H
#define WEIR_ENRICH_GEO_DATABASE_H

#include "enrich/geo_address.h"
#include "flow/place.h"

struct geo_database;

/* What it holds is found out from what is in it. Fails where the file is damaged, or has nothing
 * that weir reads. Takes as long as reading the file once. */
struct geo_database *geo_database_open(const char *path, GError **error);
void geo_database_free(struct geo_database *database);

const char *geo_database_path(const struct geo_database *database);
const struct flow_database *geo_database_about(const struct geo_database *database);
/* A bit for each enum flow_place_value that it may know. */
guint32 geo_database_holds(const struct geo_database *database);

#define GEO_NO_RECORD G_MAXUINT32
/* The record of the address, and how long the prefix is that has the same one. */
guint32 geo_database_find(const struct geo_database *database, const struct geo_address *address,
			  guint *ret_bits);
/* Adds to the place what the record knows and the place does not. Texts are put into chunk. */
void geo_database_read(const struct geo_database *database, guint32 record, GStringChunk *chunk,
		       struct flow_place *place);

#endif
