/* SPDX-License-Identifier: BSD-2-Clause */
/* The account across a change of the configuration: what those that end have made of the flows, and
 * where those that begin go on. */
#include "export/fanout_parts.h"

static guint64 lost_octets(const struct export_counts *counts)
{
	return counts->overflow_octets + counts->failed_octets + counts->untold_octets;
}

struct way *fanout_worst(struct fanout *fanout)
{
	struct way *found = NULL;
	guint64 most = 0;

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		struct export_counts sum = past_sum(way->before);

		counts_add(&sum, way_counts(way));
		if (!found || lost_octets(&sum) > most) {
			found = way;
			most = lost_octets(&sum);
		}
	}
	return found;
}

struct past *fanout_past_of(struct fanout *fanout, struct way *way, struct past *before)
{
	struct export_counts counts;
	struct past *past;

	if (way->as_past)
		return past_ref(way->as_past);
	counts = way_snapshot(way, &fanout->handed);
	past = past_new(before, &counts);
	past_settle(past);
	return past;
}

struct past *fanout_past_of_all(struct fanout *fanout)
{
	struct past *past = past_ref(fanout->common);

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);
		struct past *next;

		if (way->as_past)
			continue; /* it is among them */
		next = fanout_past_of(fanout, way, past);
		past_unref(past);
		past = next;
	}
	return past;
}

void fanout_begin_account(struct fanout *fanout, struct way *way, struct past *before)
{
	past_unref(way->before);
	way->before = past_ref(before);
	way->absent = fanout->handed;
	way->elsewhere = (struct tally){ 0 };
	if (way->file)
		counts_add(&way->base, way_counts(way));
}
