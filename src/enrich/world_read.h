/* SPDX-License-Identifier: BSD-2-Clause */
/* The sources of the world, as text. Errors name file and line. */
#ifndef WEIR_ENRICH_WORLD_READ_H
#define WEIR_ENRICH_WORLD_READ_H

#include "enrich/world.h"

/* FIRST,LAST,COUNTRY: as tor-geoipdb has them, IPv4 as numbers, IPv6 as addresses. */
bool world_read_countries(struct world *world, const char *path, GError **error);
/* What `location dump` prints; - is standard input, NULL: runs it. */
bool world_read_networks(struct world *world, const char *path, GError **error);
/* The user's own ranges, columns named in the first line (world_own.def). Errors name the column
 * too. */
bool world_read_own(struct world *world, const char *path, GError **error);

#endif
