/* SPDX-License-Identifier: BSD-2-Clause */
/* Each rounding is one that IEEE 754 prescribes, so the results are alike on every machine. */
#include "flow/statistics.h"

#include <math.h>

double statistics_mean(guint64 sum, guint64 count)
{
	return count > 0 ? (double)sum / (double)count : 0;
}

/* sqrt(n * squares - sum * sum) / n. The difference is exact, so that equal numbers give exactly
 * 0; conversion, root and division are each rounded once. */
double statistics_deviation(guint64 sum, guint64 squares, guint64 count)
{
	unsigned __int128 mean_part = (unsigned __int128)sum * sum;
	unsigned __int128 square_part = (unsigned __int128)squares * count;

	if (square_part <= mean_part)
		return 0;
	return sqrt((double)(square_part - mean_part)) / (double)count;
}
