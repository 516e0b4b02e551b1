/* SPDX-License-Identifier: BSD-2-Clause */
/* Mean and deviation of whole numbers from what the meter keeps of them: how many, their sum and
 * the sum of their squares. 0 where there are none. */
#ifndef WEIR_FLOW_STATISTICS_H
#define WEIR_FLOW_STATISTICS_H

#include <glib.h>

double statistics_mean(guint64 sum, guint64 count);
/* Of the whole population. */
double statistics_deviation(guint64 sum, guint64 squares, guint64 count);

#endif
