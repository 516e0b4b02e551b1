/* SPDX-License-Identifier: BSD-2-Clause */
/* What a scrape tells: samples of the metrics of metrics.def, all of one moment. Made by the thread
 * that knows the numbers, told by another. */
#ifndef WEIR_METRICS_PAGE_H
#define WEIR_METRICS_PAGE_H

#include <glib.h>
#include <stdbool.h>

enum metric_id {
#define METRIC(id, ...) METRIC_##id,
#include "metrics/metrics.def"
#undef METRIC
	METRICS,
};

enum metric_type {
	METRIC_TYPE_COUNTER,
	METRIC_TYPE_GAUGE,
	METRIC_TYPE_HISTOGRAM,
	METRIC_TYPE_INFO,
};

#define METRIC_LABELS 2

struct metric_row {
	const char *name;
	enum metric_type type;
	const char *unit;		   /* or NULL */
	const char *labels[METRIC_LABELS]; /* NULL: no more */
	const char *help;
};

extern const struct metric_row metric_rows[METRICS];

/* Observations, each in the first bucket whose bound is not below it; the last bucket has none. */
#define METRIC_BOUNDS_MAX 24

struct metric_bounds {
	guint count;
	double upper[METRIC_BOUNDS_MAX];
};

struct metric_histogram {
	guint64 buckets[METRIC_BOUNDS_MAX + 1];
	double sum;
};

/* Values of the row's labels, in its order; NULL where it has none. Any text. */
struct metric_labels {
	const char *values[METRIC_LABELS];
};

#define METRIC_NO_LABEL	      ((struct metric_labels){ { NULL, NULL } })
#define METRIC_LABEL(one)     ((struct metric_labels){ { (one), NULL } })
#define METRIC_PAIR(one, two) ((struct metric_labels){ { (one), (two) } })

struct metrics_page;

struct metrics_page *metrics_page_new(void);
void metrics_page_free(struct metrics_page *page);

/* A sample; the same labels of the same metric are told once, the first time. */
void metrics_add(struct metrics_page *page, enum metric_id id, struct metric_labels labels,
		 guint64 value);
void metrics_add_real(struct metrics_page *page, enum metric_id id, struct metric_labels labels,
		      double value);
/* The bounds outlive the page. */
void metrics_add_histogram(struct metrics_page *page, enum metric_id id,
			   struct metric_labels labels, const struct metric_bounds *bounds,
			   const struct metric_histogram *histogram);

void metric_observe(struct metric_histogram *histogram, const struct metric_bounds *bounds,
		    double value);

/* How it is told. */
enum metrics_form {
	METRICS_TEXT,	     /* Prometheus, version 0.0.4 */
	METRICS_OPENMETRICS, /* version 1.0.0 */
	METRICS_FORMS,
};

/* What an Accept header wants most of the two; NULL: there was none. */
enum metrics_form metrics_form_of(const char *accept);
const char *metrics_form_type(enum metrics_form form);
/* The families of the page; several pages may follow each other, if no family is in two of them. */
void metrics_page_append(const struct metrics_page *page, enum metrics_form form, GString *text);
/* The end of a form that has one. */
void metrics_form_end(enum metrics_form form, GString *text);

#endif
