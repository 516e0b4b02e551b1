/* SPDX-License-Identifier: BSD-2-Clause */
/* Each rounding is one that IEEE 754 prescribes, so the results are alike on every machine. */
#include "flow/statistics.h"

#include <math.h>

double statistics_mean(guint64 sum, guint64 count)
{
	return count > 0 ? (double)sum / (double)count : 0;
}

/* The root of a whole number, over another: as near as a double comes, or next to it. One step of
 * Newton's method on what the first rounding of each operation left over. */
static double root_over(unsigned __int128 square, guint64 divisor)
{
	double rounded = (double)square;
	double root = sqrt(rounded);
	double under = (double)divisor;
	double rest = fma(-root, root, rounded);
	double quotient = root / under;

	if (rounded < 0x1p127)
		rest += (double)((__int128)square - (__int128)rounded);
	return quotient + (fma(-quotient, under, root) + rest / (2 * root)) / under;
}

/* sqrt(n * squares - sum * sum) / n. The difference is exact, so that equal numbers give exactly
 * 0. */
double statistics_deviation(guint64 sum, guint64 squares, guint64 count)
{
	unsigned __int128 mean_part = (unsigned __int128)sum * sum;
	unsigned __int128 square_part = (unsigned __int128)squares * count;

	if (square_part <= mean_part)
		return 0;
	return root_over(square_part - mean_part, count);
}
