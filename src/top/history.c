/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/history.h"

#include <string.h>

#define SECOND_NS 1000000000
/* Of a capture, at first: short ones are drawn too. */
#define BIN_NS	  1000000

struct top_history top_history_live(guint64 bin_ns)
{
	return (struct top_history){ .rolling = true, .bin_ns = bin_ns };
}

struct top_history top_history_capture(void)
{
	return (struct top_history){ .bin_ns = BIN_NS };
}

void top_history_push(struct top_history *history, const guint64 amounts[TOP_KINDS])
{
	bool full = history->count == TOP_BINS;

	for (int kind = 0; kind < TOP_KINDS; kind++) {
		guint64 *bins = history->amounts[kind];

		if (full)
			memmove(bins, bins + 1, (TOP_BINS - 1) * sizeof(*bins));
		bins[full ? TOP_BINS - 1 : history->count] = amounts[kind];
	}
	history->count += !full;
}

/* Two bins become one. */
static void halve(struct top_history *history)
{
	for (int kind = 0; kind < TOP_KINDS; kind++) {
		guint64 *bins = history->amounts[kind];

		for (guint i = 0; i < TOP_BINS / 2; i++)
			bins[i] = bins[2 * i] + bins[2 * i + 1];
		memset(bins + TOP_BINS / 2, 0, TOP_BINS / 2 * sizeof(*bins));
	}
	history->bin_ns *= 2;
	history->count = (history->count + 1) / 2;
}

void top_history_add(struct top_history *history, enum top_kind kind, guint64 time_ns,
		     guint64 amount)
{
	guint64 bin;

	if (history->count == 0)
		history->first_ns = time_ns;
	bin = time_ns > history->first_ns ? (time_ns - history->first_ns) / history->bin_ns : 0;
	for (; bin >= TOP_BINS; bin /= 2)
		halve(history);
	history->amounts[kind][bin] += amount;
	history->count = MAX(history->count, (guint)bin + 1);
}

/* What lies between two places, counted in bins and parts of them. */
static double between(const guint64 *bins, guint count, double from, double to)
{
	double sum = 0;

	for (guint i = (guint)from; i < count && i < to; i++)
		sum += (double)bins[i] * (MIN(to, i + 1.0) - MAX(from, (double)i));
	return sum;
}

static double rolling_rate(const struct top_history *history, enum top_kind kind, guint back)
{
	if (back > history->count)
		return -1;
	return (double)history->amounts[kind][history->count - back] * SECOND_NS /
	       (double)history->bin_ns;
}

void top_history_rates(const struct top_history *history, enum top_kind kind, guint columns,
		       double *ret_rates)
{
	double step = (double)history->count / MAX(columns, 1);
	double seconds = step * (double)history->bin_ns / SECOND_NS;

	for (guint i = 0; i < columns; i++) {
		if (history->count == 0)
			ret_rates[i] = -1;
		else if (history->rolling)
			ret_rates[i] = rolling_rate(history, kind, columns - i);
		else
			ret_rates[i] = between(history->amounts[kind], history->count, i * step,
					       (i + 1) * step) /
				       seconds;
	}
}
