/* SPDX-License-Identifier: BSD-2-Clause */
/* What every address of IPv4 and IPv6 is given: a number. Ranges are told one after another and
 * later ones have the last word. Equal neighbours are one, so memory goes with what differs. */
#ifndef WEIR_ENRICH_MMDB_TREE_H
#define WEIR_ENRICH_MMDB_TREE_H

#include <glib.h>

#include "enrich/mmdb_range.h"

struct mmdb_tree;
struct mmdb_tree *mmdb_tree_new(void);
void mmdb_tree_free(struct mmdb_tree *tree);

/* What addresses that had a number have from now on; 0: none. Called for every stretch of addresses
 * that had the same. */
typedef guint32 mmdb_change(guint32 number, void *data);

/* Numbers are below 2^31. */
void mmdb_tree_change(struct mmdb_tree *tree, const struct mmdb_range *range, mmdb_change *change,
		      void *data);
void mmdb_tree_set(struct mmdb_tree *tree, const struct mmdb_range *range, guint32 number);

/* The binary tree of a file: nodes of two records, the root first. */
typedef guint32 mmdb_record;
#define MMDB_LEAF 0x80000000u /* | number; else: index of a node */

struct mmdb_node {
	mmdb_record records[2];
};

/* IPv4 is given its place at ::/96 and the prefixes that lead there; nothing is changed later. */
void mmdb_tree_join(struct mmdb_tree *tree);
mmdb_record mmdb_tree_root(const struct mmdb_tree *tree);
/* Good until the tree is changed. */
const struct mmdb_node *mmdb_tree_nodes(const struct mmdb_tree *tree, guint32 *ret_count);

#endif
