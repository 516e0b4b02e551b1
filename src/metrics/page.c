/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/page.h"

#include <string.h>

#include "metrics/sample.h"

const struct metric_row metric_rows[METRICS] = {
#define METRIC(id, name, type, unit, label, other, help) \
	[METRIC_##id] = { name, METRIC_TYPE_##type, unit, { label, other }, help },
#include "metrics/metrics.def"
#undef METRIC
};

struct metrics_page *metrics_page_new(void)
{
	struct metrics_page *page = g_new0(struct metrics_page, 1);

	page->texts = g_string_chunk_new(1024);
	for (guint i = 0; i < METRICS; i++)
		page->samples[i] = g_array_new(FALSE, FALSE, sizeof(struct metric_sample));
	return page;
}

void metrics_page_free(struct metrics_page *page)
{
	if (!page)
		return;
	for (guint i = 0; i < METRICS; i++)
		g_array_unref(page->samples[i]);
	g_string_chunk_free(page->texts);
	g_free(page);
}

/* Texts of a page are kept once, so the same ones are at the same place. */
static bool is_told(const GArray *samples, const struct metric_sample *other)
{
	for (guint i = 0; i < samples->len; i++) {
		const struct metric_sample *sample =
			&g_array_index(samples, struct metric_sample, i);

		if (memcmp(sample->labels, other->labels, sizeof(sample->labels)) == 0)
			return true;
	}
	return false;
}

static void add(struct metrics_page *page, enum metric_id id, const struct metric_labels *labels,
		struct metric_sample sample)
{
	for (guint k = 0; k < METRIC_LABELS; k++) {
		if (labels->values[k])
			sample.labels[k] =
				g_string_chunk_insert_const(page->texts, labels->values[k]);
	}
	if (!is_told(page->samples[id], &sample))
		g_array_append_val(page->samples[id], sample);
}

void metrics_add(struct metrics_page *page, enum metric_id id, struct metric_labels labels,
		 guint64 value)
{
	add(page, id, &labels, (struct metric_sample){ .number = value });
}

void metrics_add_real(struct metrics_page *page, enum metric_id id, struct metric_labels labels,
		      double value)
{
	add(page, id, &labels, (struct metric_sample){ .is_real = true, .real = value });
}

void metrics_add_histogram(struct metrics_page *page, enum metric_id id,
			   struct metric_labels labels, const struct metric_bounds *bounds,
			   const struct metric_histogram *histogram)
{
	struct metric_sample sample = { .bounds = bounds, .histogram = *histogram };

	add(page, id, &labels, sample);
}

void metric_observe(struct metric_histogram *histogram, const struct metric_bounds *bounds,
		    double value)
{
	guint i = 0;

	while (i < bounds->count && value > bounds->upper[i])
		i++;
	histogram->buckets[i]++;
	histogram->sum += value;
}
