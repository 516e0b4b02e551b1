/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the database of the world lies when nobody says where: what `weir geo build` writes, and
 * what is opened without --geo. */
#ifndef WEIR_ENRICH_GEO_PATH_H
#define WEIR_ENRICH_GEO_PATH_H

#include <stddef.h>

/* Written by `weir geo build` without --output. */
#define GEO_PATH_BUILT "/var/lib/weir/world.mmdb"

/* Of the environment: this file instead of those below, or "off": none. */
#define GEO_PATH_VARIABLE "WEIR_WORLD"

/* In the order to try them, NULL at the end. Built here comes before shipped with a package. */
static inline const char *const *geo_paths(void)
{
	static const char *const paths[] = { GEO_PATH_BUILT, "/usr/share/weir/world.mmdb", NULL };

	return paths;
}

#endif
