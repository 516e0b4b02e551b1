/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/past.h"

struct past {
	guint references;
	bool ending;
	struct past *before;
	struct export_counts counts;
};

/* Every count that adds up. */
static const size_t members[] = {
	offsetof(struct export_counts, flows),
	offsetof(struct export_counts, records),
	offsetof(struct export_counts, packets),
	offsetof(struct export_counts, octets),
	offsetof(struct export_counts, failed_flows),
	offsetof(struct export_counts, failed_packets),
	offsetof(struct export_counts, failed_octets),
	offsetof(struct export_counts, overflow_flows),
	offsetof(struct export_counts, overflow_packets),
	offsetof(struct export_counts, overflow_octets),
	offsetof(struct export_counts, spooled_flows),
	offsetof(struct export_counts, spooled_records),
	offsetof(struct export_counts, spooled_packets),
	offsetof(struct export_counts, spooled_octets),
	offsetof(struct export_counts, untold_flows),
	offsetof(struct export_counts, untold_packets),
	offsetof(struct export_counts, untold_octets),
};

static guint64 *member(struct export_counts *counts, size_t i)
{
	return (guint64 *)((char *)counts + members[i]);
}

static guint64 value(const struct export_counts *counts, size_t i)
{
	return *(const guint64 *)((const char *)counts + members[i]);
}

void counts_add(struct export_counts *sum, const struct export_counts *one)
{
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
		*member(sum, i) += value(one, i);
}

void counts_subtract(struct export_counts *from, const struct export_counts *one)
{
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
		*member(from, i) -= value(one, i);
}

struct past *past_ref(struct past *past)
{
	if (past)
		past->references++;
	return past;
}

void past_unref(struct past *past)
{
	while (past && --past->references == 0) {
		struct past *before = past->before;

		g_free(past);
		past = before;
	}
}

/* What has ended, and all before it, is one sum: a run that is reloaded for years stays short. */
static void fold(struct past *past)
{
	for (struct past *before = past->before; before && !before->ending; before = past->before) {
		past->before = past_ref(before->before);
		counts_add(&past->counts, &before->counts);
		past_unref(before);
	}
}

struct past *past_new(struct past *before, const struct export_counts *counts)
{
	struct past *past = g_new0(struct past, 1);

	past->references = 1;
	past->ending = true;
	past->before = past_ref(before);
	counts_add(&past->counts, counts);
	return past;
}

void past_set(struct past *past, const struct export_counts *counts)
{
	past->counts = (struct export_counts){ 0 };
	counts_add(&past->counts, counts);
}

void past_settle(struct past *past)
{
	past->ending = false;
	fold(past);
}

struct export_counts past_sum(const struct past *past)
{
	struct export_counts sum = { 0 };

	for (; past; past = past->before)
		counts_add(&sum, &past->counts);
	return sum;
}
