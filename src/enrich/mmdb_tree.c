/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary trie over the bits of addresses, one for IPv4 and one for IPv6, joined at the end: so
 * that IPv4 is not walked through 96 zeros, and ::/0 does not mean it. */
#include "enrich/mmdb_tree.h"

#include <assert.h>
#include <stdbool.h>

#define NODES_FIRST 1024
#define NONE	    G_MAXUINT32

struct mmdb_tree {
	struct mmdb_node *nodes;
	guint32 count;
	guint32 room;
	guint32 spare; /* given back nodes, chained by their first record; NONE: no more */
	mmdb_record roots[2];
	bool joined;
};

enum {
	ROOT_4,
	ROOT_6
};

/* A change on its way down. A bound no longer matters from the bit on where the rest of it is all
 * zeros (first) or all ones (last): what lies below is covered wholly. */
struct walk {
	struct mmdb_tree *tree;
	const struct mmdb_range *range;
	guint first_matters; /* bits */
	guint last_matters;
	mmdb_change *change; /* NULL: hang graft there */
	void *data;
	mmdb_record graft;
};

/* Which bounds the path so far runs along. */
enum {
	ALONG_FIRST = 1 << 0,
	ALONG_LAST = 1 << 1
};

struct mmdb_tree *mmdb_tree_new(void)
{
	struct mmdb_tree *tree = g_new0(struct mmdb_tree, 1);

	tree->spare = NONE;
	tree->roots[ROOT_4] = MMDB_LEAF;
	tree->roots[ROOT_6] = MMDB_LEAF;
	return tree;
}

void mmdb_tree_free(struct mmdb_tree *tree)
{
	if (!tree)
		return;
	g_free(tree->nodes);
	g_free(tree);
}

static guint32 node_new(struct mmdb_tree *tree, mmdb_record both)
{
	guint32 index = tree->spare;

	if (index != NONE) {
		tree->spare = tree->nodes[index].records[0];
	} else {
		if (tree->count == tree->room) {
			tree->room = tree->room ? tree->room * 2 : NODES_FIRST;
			tree->nodes = g_renew(struct mmdb_node, tree->nodes, tree->room);
		}
		index = tree->count++;
		assert(index < MMDB_LEAF);
	}
	tree->nodes[index] = (struct mmdb_node){ { both, both } };
	return index;
}

static void node_give_back(struct mmdb_tree *tree, guint32 index)
{
	tree->nodes[index].records[0] = tree->spare;
	tree->spare = index;
}

/* One leaf instead of a node whose two are equal. */
static mmdb_record merged(struct mmdb_tree *tree, guint32 index)
{
	const struct mmdb_node node = tree->nodes[index];

	if (!(node.records[0] & MMDB_LEAF) || node.records[0] != node.records[1])
		return index;
	node_give_back(tree, index);
	return node.records[0];
}

/* Recursion as deep as an address has bits, here and below. */
static mmdb_record change_all(const struct walk *walk, mmdb_record record)
{
	struct mmdb_tree *tree = walk->tree;

	if (!walk->change)
		return walk->graft;
	if (record & MMDB_LEAF)
		return MMDB_LEAF | walk->change(record & ~MMDB_LEAF, walk->data);
	for (guint side = 0; side < 2; side++) {
		mmdb_record below = change_all(walk, tree->nodes[record].records[side]);

		tree->nodes[record].records[side] = below;
	}
	return merged(tree, record);
}

static mmdb_record change_range(const struct walk *walk, mmdb_record record, guint depth,
				unsigned int along)
{
	struct mmdb_tree *tree = walk->tree;
	unsigned int least = 0;
	unsigned int most = 1;

	if (depth >= walk->first_matters)
		along &= ~(unsigned int)ALONG_FIRST;
	if (depth >= walk->last_matters)
		along &= ~(unsigned int)ALONG_LAST;
	if (!along)
		return change_all(walk, record);
	if (record & MMDB_LEAF)
		record = node_new(tree, record);
	if (along & ALONG_FIRST)
		least = mmdb_address_bit(walk->range->first, depth);
	if (along & ALONG_LAST)
		most = mmdb_address_bit(walk->range->last, depth);
	for (unsigned int side = least; side <= most; side++) {
		unsigned int still = along;
		mmdb_record below;

		if (side != least)
			still &= ~(unsigned int)ALONG_FIRST;
		if (side != most)
			still &= ~(unsigned int)ALONG_LAST;
		below = change_range(walk, tree->nodes[record].records[side], depth + 1, still);
		tree->nodes[record].records[side] = below; /* nodes may have moved */
	}
	return merged(tree, record);
}

static void run(struct walk *walk, const struct mmdb_range *range)
{
	mmdb_record *root = &walk->tree->roots[range->bits == MMDB_BITS_4 ? ROOT_4 : ROOT_6];

	walk->range = range;
	walk->first_matters = range->bits - mmdb_address_trailing(range->first, range->bits, 0);
	walk->last_matters = range->bits - mmdb_address_trailing(range->last, range->bits, 1);
	*root = change_range(walk, *root, 0, ALONG_FIRST | ALONG_LAST);
}

void mmdb_tree_change(struct mmdb_tree *tree, const struct mmdb_range *range, mmdb_change *change,
		      void *data)
{
	struct walk walk = { .tree = tree, .change = change, .data = data };

	assert(!tree->joined);
	run(&walk, range);
}

static guint32 set_to(G_GNUC_UNUSED guint32 old, void *data)
{
	return *(const guint32 *)data;
}

void mmdb_tree_set(struct mmdb_tree *tree, const struct mmdb_range *range, guint32 number)
{
	mmdb_tree_change(tree, range, set_to, &number);
}

void mmdb_tree_join(struct mmdb_tree *tree)
{
	struct walk walk = { .tree = tree, .graft = tree->roots[ROOT_4] };
	struct mmdb_range range;

	tree->joined = true;
	for (guint i = 0; mmdb_place_of_ipv4(i, &range); i++)
		run(&walk, &range);
}

mmdb_record mmdb_tree_root(const struct mmdb_tree *tree)
{
	assert(tree->joined);
	return tree->roots[ROOT_6];
}

const struct mmdb_node *mmdb_tree_nodes(const struct mmdb_tree *tree, guint32 *ret_count)
{
	*ret_count = tree->count;
	return tree->nodes;
}
