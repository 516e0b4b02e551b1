/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/amount.h"

#include "base/quantity.h"

guint64 top_rtt_us(const struct top_sums *sums)
{
	return sums->rtt_flows ? sums->rtt_sum_us / sums->rtt_flows : 0;
}

char *top_rtt_text(const struct top_sums *sums)
{
	guint64 us = top_rtt_us(sums);

	if (us == 0)
		return g_strdup("-");
	if (us < 1000)
		return g_strdup_printf("%uus", (guint)us);
	if (us < 100000)
		return g_strdup_printf("%.1fms", (double)us / 1000);
	if (us < 1000000)
		return g_strdup_printf("%ums", (guint)(us / 1000));
	return g_strdup_printf("%.1fs", (double)us / 1000000);
}

char *top_rate_text(double rate)
{
	return rate > 0 && rate < 9.95 ? g_strdup_printf("%.1f", rate) : quantity_short(rate);
}
