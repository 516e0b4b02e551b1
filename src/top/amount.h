/* SPDX-License-Identifier: BSD-2-Clause */
/* Amounts in few characters. */
#ifndef WEIR_TOP_AMOUNT_H
#define WEIR_TOP_AMOUNT_H

#include "top/model.h"

/* 0.25ms 12.3ms 1.25s: the mean of the flows whose round trip is known; "-" where none is. Free
 * with g_free. */
char *top_rtt_text(const struct top_sums *sums);
/* The same as a number of microseconds; 0: not known. */
guint64 top_rtt_us(const struct top_sums *sums);

/* A rate, which is of interest below 10 too: 0.3 4.56k; free with g_free. */
char *top_rate_text(double rate);

#endif
