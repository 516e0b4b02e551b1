/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/columns.h"

#include "base/quantity.h"
#include "top/amount.h"

/* --- texts --- */

static char *rate_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	if (!facts->turn_ns)
		return g_strdup("-");
	return top_rate_text((double)top_octets(&sums->last) * 1e9 / (double)facts->turn_ns);
}

static char *share_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	double total = (double)top_octets(&facts->total->all);

	if (total == 0)
		return g_strdup("-");
	return g_strdup_printf("%.1f", (double)top_octets(&sums->all) * 100 / total);
}

static char *octets_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	return quantity_short((double)top_octets(&sums->all));
}

static char *sent_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	return quantity_short((double)sums->all.octets[TOP_FORTH]);
}

static char *received_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	return quantity_short((double)sums->all.octets[TOP_BACK]);
}

static char *packets_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	return quantity_short((double)top_packets(&sums->all));
}

static char *flows_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	return quantity_short((double)sums->flows);
}

static char *retransmitted_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	if (sums->tcp_flows == 0)
		return g_strdup("-");
	return quantity_short((double)top_retransmitted(&sums->all));
}

static char *rtt_text(const struct top_sums *sums, const struct top_column_facts *facts)
{
	(void)facts;
	return top_rtt_text(sums);
}

/* --- which --- */

/* In the order of the screen. */
enum place {
	RATE,
	SHARE,
	OCTETS,
	SENT,
	RECEIVED,
	PACKETS,
	FLOWS,
	RETRANSMITTED,
	RTT,
	PLACES,
};

static const struct top_column columns[PLACES] = {
	[RATE] = { "OCT/S", 6, TOP_BY_RATE, rate_text },
	[SHARE] = { "%", 6, TOP_SORTS, share_text },
	[OCTETS] = { "OCTETS", 7, TOP_BY_OCTETS, octets_text },
	[SENT] = { "SENT", 7, TOP_SORTS, sent_text },
	[RECEIVED] = { "RECVD", 7, TOP_SORTS, received_text },
	[PACKETS] = { "PKTS", 6, TOP_BY_PACKETS, packets_text },
	[FLOWS] = { "FLOWS", 6, TOP_BY_FLOWS, flows_text },
	[RETRANSMITTED] = { "RETR", 6, TOP_BY_RETRANSMISSIONS, retransmitted_text },
	[RTT] = { "RTT", 7, TOP_BY_RTT, rtt_text },
};

/* The most wanted first. */
static const enum place wishes[] = { OCTETS, RATE,	    SHARE, PACKETS, FLOWS,
				     RTT,    RETRANSMITTED, SENT,  RECEIVED };

/* Below that, a label says too little. */
static guint least_label(enum top_group group)
{
	static const guint least[TOP_GROUPS] = {
		[TOP_HOSTS] = 17,   [TOP_PAIRS] = 34,	   [TOP_FLOWS_EACH] = 47,
		[TOP_PORTS] = 12,   [TOP_PROTOCOLS] = 8,   [TOP_COUNTRIES] = 12,
		[TOP_SYSTEMS] = 24, [TOP_INTERFACES] = 12,
	};

	return least[group];
}

static bool is_of_use(enum place place, const struct top_query *query, bool rates)
{
	if (place == RATE)
		return rates;
	if (place == SHARE)
		return !rates;
	/* Of a flow, that is 1. */
	return place != FLOWS || query->group != TOP_FLOWS_EACH || query->sort == TOP_BY_FLOWS;
}

struct top_columns top_columns_for(const struct top_query *query, bool rates, guint width)
{
	struct top_columns chosen = { 0 };
	bool shown[PLACES] = { false };
	guint left = width;
	guint end = width;
	guint least;

	for (int place = 0; place < PLACES; place++) {
		if (columns[place].sort == query->sort && left >= 8 + columns[place].width) {
			shown[place] = true;
			left -= columns[place].width;
		}
	}
	/* Where the label has no room in any case, the figures shall have some. */
	least = MIN(least_label(query->group), width * 2 / 3);
	for (size_t i = 0; i < G_N_ELEMENTS(wishes); i++) {
		enum place place = wishes[i];

		if (shown[place] || !is_of_use(place, query, rates) ||
		    left < least + columns[place].width)
			continue;
		shown[place] = true;
		left -= columns[place].width;
	}
	for (int place = PLACES - 1; place >= 0; place--) {
		if (!shown[place])
			continue;
		chosen.places[chosen.count++] = (struct top_column_place){ &columns[place], end };
		end -= columns[place].width;
	}
	chosen.label_width = left;
	return chosen;
}
