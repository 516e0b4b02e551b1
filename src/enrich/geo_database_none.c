/* SPDX-License-Identifier: BSD-2-Clause */
/* Built without libmaxminddb: no database opens, so nothing is ever asked of one. */
#include "base/error.h"
#include "enrich/geo_database.h"

struct geo_database *geo_database_open(const char *path, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: this weir was built without libmaxminddb; install libmaxminddb-dev and "
		    "build it again",
		    path);
	return NULL;
}

void geo_database_free(struct geo_database *database)
{
	(void)database;
}

const char *geo_database_path(const struct geo_database *database)
{
	(void)database;
	g_assert_not_reached();
}

const struct flow_database *geo_database_about(const struct geo_database *database)
{
	(void)database;
	g_assert_not_reached();
}

guint32 geo_database_holds(const struct geo_database *database)
{
	(void)database;
	g_assert_not_reached();
}

guint32 geo_database_find(const struct geo_database *database, const struct geo_address *address,
			  guint *ret_bits)
{
	(void)database;
	(void)address;
	*ret_bits = 128;
	return GEO_NO_RECORD;
}

void geo_database_read(const struct geo_database *database, guint32 record, GStringChunk *chunk,
		       struct flow_place *place)
{
	(void)database;
	(void)record;
	(void)chunk;
	(void)place;
	g_assert_not_reached();
}
