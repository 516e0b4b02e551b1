/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a page share. */
#ifndef WEIR_METRICS_SAMPLE_H
#define WEIR_METRICS_SAMPLE_H

#include "metrics/page.h"

struct metric_sample {
	const char *labels[METRIC_LABELS];
	bool is_real;
	guint64 number;
	double real;
	const struct metric_bounds *bounds; /* of a histogram; NULL: it is none */
	struct metric_histogram histogram;
};

struct metrics_page {
	GStringChunk *texts;
	GArray *samples[METRICS]; /* of struct metric_sample */
};

#endif
