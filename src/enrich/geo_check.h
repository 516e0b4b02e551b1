/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a MaxMind database is whole. libmaxminddb trusts much of what it reads, and a database is
 * looked up in for months: each node and each record is looked at once, before. */
#ifndef WEIR_ENRICH_GEO_CHECK_H
#define WEIR_ENRICH_GEO_CHECK_H

#include <glib.h>
#include <stdbool.h>

/* What was found on the way. */
struct geo_found {
	const char *const *wanted; /* keys of maps, NULL at the end, 64 at most */
	guint64 keys;		   /* a bit for each of them that some map has */
	GArray *samples;	   /* guint32: some records, by their offset in the data */
};

/* The error says what is wrong and nothing of the file's name. */
bool geo_check(const guint8 *octets, gsize length, struct geo_found *found, GError **error);

#endif
