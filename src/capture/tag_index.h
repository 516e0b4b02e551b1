/* SPDX-License-Identifier: BSD-2-Clause */
/* Which slots may hold the flow of a hash: open addressing over (tag, slot) cells. The tag is the
 * upper half of the hash, and its top bits are the cell's home, so that a cell can be moved without
 * looking at its flow. As small as the flows there are allow, so that it stays in the processor's
 * cache: it grows by moving between two areas set apart at the start. Inline, as part of the
 * table's hottest loop. */
#ifndef WEIR_CAPTURE_TAG_INDEX_H
#define WEIR_CAPTURE_TAG_INDEX_H

#include <glib.h>
#include <string.h>

#define TAG_INDEX_BITS_MIN 12

struct tag_cell {
	guint32 tag;
	guint32 number; /* of the slot, counted from 1; 0: empty */
};

struct tag_index {
	struct tag_cell *cells;
	struct tag_cell *other_area; /* where the next, larger index will be: all zero */
	guint32 mask;
	guint32 home_shift;
};

/* At most half of the cells are in use, so that a search is short. Octets of one area. */
static inline gsize tag_index_area(guint32 max_slots)
{
	guint32 bits = TAG_INDEX_BITS_MIN;

	while (((guint64)1 << bits) < (guint64)max_slots * 2)
		bits++;
	return ((gsize)1 << bits) * sizeof(struct tag_cell);
}

static inline void tag_index_size(struct tag_index *index, guint32 bits)
{
	index->mask = (1u << bits) - 1;
	index->home_shift = 32 - bits;
}

static inline guint32 tag_of(guint64 hash)
{
	return (guint32)(hash >> 32);
}

static inline guint32 tag_index_home(const struct tag_index *index, guint32 tag)
{
	return tag >> index->home_shift;
}

static inline guint32 tag_index_after(const struct tag_index *index, guint32 at)
{
	return (at + 1) & index->mask;
}

static inline void tag_index_put(struct tag_index *index, struct tag_cell cell)
{
	guint32 at = tag_index_home(index, cell.tag);

	while (index->cells[at].number != 0)
		at = tag_index_after(index, at);
	index->cells[at] = cell;
}

static inline void tag_index_grow(struct tag_index *index)
{
	struct tag_cell *old = index->cells;
	guint32 mask = index->mask;

	index->cells = index->other_area;
	index->other_area = old;
	tag_index_size(index, 32 - index->home_shift + 1);
	for (guint32 at = 0; at <= mask; at++) {
		if (old[at].number != 0)
			tag_index_put(index, old[at]);
	}
	/* What comes there after the next move must find it empty. */
	memset(old, 0, ((gsize)mask + 1) * sizeof(*old));
}

/* count is that of the slots indexed, this one among them. */
static inline void tag_index_add(struct tag_index *index, guint32 tag, guint32 slot, guint32 count)
{
	if ((guint64)count * 2 > (guint64)index->mask + 1)
		tag_index_grow(index);
	tag_index_put(index, (struct tag_cell){ tag, slot + 1 });
}

/* The cells behind the hole that could lie nearer their home move up: no tombstones. */
static inline void tag_index_close(struct tag_index *index, guint32 hole)
{
	guint32 mask = index->mask;

	for (guint32 at = tag_index_after(index, hole); index->cells[at].number != 0;
	     at = tag_index_after(index, at)) {
		guint32 home = tag_index_home(index, index->cells[at].tag);

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		index->cells[hole] = index->cells[at];
		hole = at;
	}
	index->cells[hole].number = 0;
}

static inline void tag_index_remove(struct tag_index *index, guint32 tag, guint32 slot)
{
	guint32 at = tag_index_home(index, tag);

	while (index->cells[at].number != slot + 1)
		at = tag_index_after(index, at);
	tag_index_close(index, at);
}

#endif
