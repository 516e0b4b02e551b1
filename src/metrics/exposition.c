/* SPDX-License-Identifier: BSD-2-Clause */
/* A page as text. The two forms differ in the name of a family (OpenMetrics leaves out a counter's
 * _total), in what they call an info, in units, and in the end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/sample.h"

static const char *const types[METRICS_FORMS] = {
	[METRICS_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const char *metrics_form_type(enum metrics_form form)
{
	return types[form];
}

/* --- texts --- */

/* Whatever a label says becomes UTF-8 in one line. */
static void append_escaped(GString *text, const char *value, const char *special)
{
	g_autofree char *valid = g_utf8_make_valid(value, -1);

	for (const char *c = valid; *c; c++) {
		if (*c == '\n')
			g_string_append(text, "\\n");
		else if (strchr(special, *c))
			g_string_append_printf(text, "\\%c", *c);
		else
			g_string_append_c(text, *c);
	}
}

/* The shortest that reads back as the same number. */
static void append_real(GString *text, double value)
{
	char buffer[G_ASCII_DTOSTR_BUF_SIZE];

	if (isinf(value) || isnan(value)) {
		g_string_append(text, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 6; digits <= 17; digits++) {
		char format[8];

		g_snprintf(format, sizeof(format), "%%.%dg", digits);
		g_ascii_formatd(buffer, sizeof(buffer), format, value);
		if (g_ascii_strtod(buffer, NULL) == value)
			break;
	}
	g_string_append(text, buffer);
	/* Bounds are to be spelled alike by everybody: 1.0, not 1. */
	if (!strpbrk(buffer, ".e"))
		g_string_append(text, ".0");
}

/* --- samples --- */

static void append_label(GString *text, bool *begun, const char *name, const char *value)
{
	g_string_append_printf(text, "%s%s=\"", *begun ? "," : "{", name);
	append_escaped(text, value, "\\\"");
	g_string_append_c(text, '"');
	*begun = true;
}

/* The name of a series, up to its value; le: of a bucket, or NULL. */
static void begin_sample(GString *text, const struct metric_row *row, const char *suffix,
			 const struct metric_sample *sample, const char *le)
{
	bool begun = false;

	g_string_append_printf(text, "%s%s", row->name, suffix);
	for (guint k = 0; k < METRIC_LABELS && row->labels[k]; k++)
		append_label(text, &begun, row->labels[k],
			     sample->labels[k] ? sample->labels[k] : "");
	if (le)
		append_label(text, &begun, "le", le);
	g_string_append(text, begun ? "} " : " ");
}

static void end_sample(GString *text, guint64 value)
{
	g_string_append_printf(text, "%" G_GUINT64_FORMAT "\n", value);
}

static void tell_histogram(GString *text, const struct metric_row *row,
			   const struct metric_sample *sample)
{
	const struct metric_bounds *bounds = sample->bounds;
	guint64 sum = 0;

	for (guint i = 0; i <= bounds->count; i++) {
		g_autoptr(GString) le = g_string_new(NULL);

		append_real(le, i < bounds->count ? bounds->upper[i] : INFINITY);
		sum += sample->histogram.buckets[i];
		begin_sample(text, row, "_bucket", sample, le->str);
		end_sample(text, sum);
	}
	begin_sample(text, row, "_sum", sample, NULL);
	append_real(text, sample->histogram.sum);
	g_string_append_c(text, '\n');
	begin_sample(text, row, "_count", sample, NULL);
	end_sample(text, sum);
}

static void tell_sample(GString *text, const struct metric_row *row,
			const struct metric_sample *sample)
{
	static const char *const suffixes[] = {
		[METRIC_TYPE_COUNTER] = "_total",
		[METRIC_TYPE_GAUGE] = "",
		[METRIC_TYPE_INFO] = "_info",
	};

	if (sample->bounds) {
		tell_histogram(text, row, sample);
		return;
	}
	begin_sample(text, row, suffixes[row->type], sample, NULL);
	if (!sample->is_real) {
		end_sample(text, sample->number);
		return;
	}
	append_real(text, sample->real);
	g_string_append_c(text, '\n');
}

/* --- families --- */

static void tell_head(GString *text, const struct metric_row *row, enum metrics_form form)
{
	static const char *const names[] = {
		[METRIC_TYPE_COUNTER] = "counter",
		[METRIC_TYPE_GAUGE] = "gauge",
		[METRIC_TYPE_HISTOGRAM] = "histogram",
		[METRIC_TYPE_INFO] = "info",
	};
	const char *suffix = "";
	const char *type = names[row->type];

	if (form == METRICS_TEXT && row->type == METRIC_TYPE_COUNTER)
		suffix = "_total";
	if (form == METRICS_TEXT && row->type == METRIC_TYPE_INFO) {
		suffix = "_info";
		type = names[METRIC_TYPE_GAUGE];
	}
	g_string_append_printf(text, "# TYPE %s%s %s\n", row->name, suffix, type);
	if (form == METRICS_OPENMETRICS && row->unit)
		g_string_append_printf(text, "# UNIT %s %s\n", row->name, row->unit);
	g_string_append_printf(text, "# HELP %s%s ", row->name, suffix);
	append_escaped(text, row->help, form == METRICS_OPENMETRICS ? "\\\"" : "\\");
	g_string_append_c(text, '\n');
}

void metrics_page_append(const struct metrics_page *page, enum metrics_form form, GString *text)
{
	for (guint id = 0; id < METRICS; id++) {
		const GArray *samples = page->samples[id];

		if (samples->len > 0)
			tell_head(text, &metric_rows[id], form);
		for (guint i = 0; i < samples->len; i++)
			tell_sample(text, &metric_rows[id],
				    &g_array_index(samples, struct metric_sample, i));
	}
}

void metrics_form_end(enum metrics_form form, GString *text)
{
	if (form == METRICS_OPENMETRICS)
		g_string_append(text, "# EOF\n");
}

/* --- which form --- */

static void unquote(char *value)
{
	const gsize length = strlen(value);

	if (length < 2 || value[0] != '"' || value[length - 1] != '"')
		return;
	value[length - 1] = '\0';
	memmove(value, value + 1, length - 1);
}

/* The weight of a range that includes the type, or -1. */
static double weight_of(char *range, const char *type, const char *version)
{
	g_auto(GStrv) parts = g_strsplit(range, ";", -1);
	double weight = 1;

	if (!parts[0] || g_ascii_strcasecmp(g_strstrip(parts[0]), type) != 0)
		return -1;
	for (char **part = parts + 1; *part; part++) {
		char *value = strchr(*part, '=');

		if (!value)
			continue;
		*value++ = '\0';
		g_strstrip(*part);
		unquote(g_strstrip(value));
		if (g_ascii_strcasecmp(*part, "q") == 0)
			weight = CLAMP(g_ascii_strtod(value, NULL), 0, 1);
		else if (g_ascii_strcasecmp(*part, "version") == 0 && strcmp(value, version) != 0)
			return -1;
	}
	return weight;
}

enum metrics_form metrics_form_of(const char *accept)
{
	g_auto(GStrv) ranges = g_strsplit(accept ? accept : "", ",", 32);
	double open = 0;
	double text = 0;

	for (char **range = ranges; *range; range++) {
		open = MAX(open, weight_of(*range, "application/openmetrics-text", "1.0.0"));
		text = MAX(text, weight_of(*range, "text/plain", "0.0.4"));
		text = MAX(text, weight_of(*range, "text/*", ""));
	}
	return open > 0 && open >= text ? METRICS_OPENMETRICS : METRICS_TEXT;
}
