/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "top/reading.h"

/* Those of one flow lie together among those of its key. */
static int by_key(gconstpointer a, gconstpointer b)
{
	const struct top_reading *left = a;
	const struct top_reading *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return (left->flow.id > right->flow.id) - (left->flow.id < right->flow.id);
}

/* The first of those with this key, if there are any. */
static guint find(const GArray *last, guint64 key)
{
	guint from = 0;
	guint to = last->len;

	while (from < to) {
		const guint middle = from + (to - from) / 2;

		if (g_array_index(last, struct top_reading, middle).key < key)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* What is told now was there then, or a part of it. A part of one packet may have begun with the
 * last packet of the whole. */
static bool goes_back(const struct top_reading *reading, const struct top_reading *before)
{
	return reading->first_ns <= before->last_ns;
}

static const struct top_reading *told_before(const struct top_reading *reading, const GArray *last)
{
	const struct top_reading *whole = NULL;

	for (guint i = find(last, reading->key); i < last->len; i++) {
		const struct top_reading *one = &g_array_index(last, struct top_reading, i);

		if (one->key != reading->key)
			break;
		if (!goes_back(reading, one))
			continue;
		if (one->flow.id == reading->flow.id)
			return one;
		whole = one;
	}
	return whole;
}

static bool same_end(const struct top_end *a, const struct top_end *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void swap(guint64 counts[2])
{
	const guint64 forth = counts[TOP_FORTH];

	counts[TOP_FORTH] = counts[TOP_BACK];
	counts[TOP_BACK] = forth;
}

static void turn(struct top_reading *reading)
{
	const struct top_end forth = reading->flow.end[TOP_FORTH];

	reading->flow.end[TOP_FORTH] = reading->flow.end[TOP_BACK];
	reading->flow.end[TOP_BACK] = forth;
	swap(reading->counts.packets);
	swap(reading->counts.octets);
	swap(reading->counts.retransmitted);
}

static void resume(struct top_reading *reading, const GArray *last)
{
	const struct top_reading *before = told_before(reading, last);

	reading->old = before;
	if (!before)
		return;
	reading->flow.id = before->flow.id;
	if (!same_end(&reading->flow.end[TOP_FORTH], &before->flow.end[TOP_FORTH]))
		turn(reading);
}

/* What was one flow may be told as several, when too long a time lies between what is left. */
static void add_part(struct top_reading *whole, const struct top_reading *part)
{
	top_counts_add(&whole->counts, &part->counts);
	whole->first_ns = MIN(whole->first_ns, part->first_ns);
	whole->last_ns = MAX(whole->last_ns, part->last_ns);
	whole->old |= part->old;
}

void top_readings_resume(GArray *readings, const GArray *last)
{
	struct top_reading *all = (gpointer)readings->data;
	guint kept = 0;

	for (guint i = 0; i < readings->len; i++)
		resume(&all[i], last);
	g_array_sort(readings, by_key);
	for (guint i = 0; i < readings->len; i++) {
		if (kept > 0 && all[i].flow.id == all[kept - 1].flow.id)
			add_part(&all[kept - 1], &all[i]);
		else
			all[kept++] = all[i];
	}
	g_array_set_size(readings, kept);
}
