/* SPDX-License-Identifier: BSD-2-Clause */
/* A writer of MaxMind databases (file format 2.0), knowing nothing of what they are for.
 *
 *	tree = mmdb_tree_new();                  what every address is given: a number
 *	mmdb_tree_set(tree, &range, 1);          later ranges override earlier ones
 *	values = mmdb_values_new();              what numbers mean: maps, texts, figures
 *	meaning[1] = mmdb_map(values, ...);
 *	mmdb_write(&content, &info, "my.mmdb", &size, &error);
 *
 * Files are of IP version 6, with IPv4 at ::/96 and, leading to the same, at ::ffff:0:0/96,
 * 2002::/16 and 64:ff9b::/96. The same input gives the same octets. */
#ifndef WEIR_ENRICH_MMDB_WRITE_H
#define WEIR_ENRICH_MMDB_WRITE_H

#include <glib.h>
#include <stdbool.h>

#include "enrich/mmdb_tree.h"
#include "enrich/mmdb_value.h"

struct mmdb_info {
	const char *database_type;
	const char *description;      /* in English */
	const char *const *languages; /* of texts that come in several, NULL at the end */
	guint64 build_epoch;	      /* seconds since 1970 */
	guint least_bits; /* of a record; 0: 24. The file's are 24, 28 or 32, by need. */
};

/* Of a file that was written. */
struct mmdb_size {
	guint64 octets;
	guint32 nodes;
	guint record_bits;
};

struct mmdb_content {
	struct mmdb_tree *tree; /* is joined: nothing is changed in it afterwards */
	struct mmdb_values *values;
	const struct mmdb_value *const
		*meaning; /* of the tree's numbers, by number; [0] is unused */
};

/* The file is written beside path and renamed when it is complete, so that there is always a whole
 * one. */
bool mmdb_write(const struct mmdb_content *content, const struct mmdb_info *info, const char *path,
		struct mmdb_size *ret_size, GError **error);

#endif
