/* SPDX-License-Identifier: BSD-2-Clause */
/* The first so many of any number of flows in some order: those that are not among them are
 * forgotten at once, so it takes the memory of that many alone. */
#ifndef WEIR_SERVE_FLOW_RANK_H
#define WEIR_SERVE_FLOW_RANK_H

#include "flow/flow.h"

/* Both directions count; largest, and latest, first. */
enum flow_sort {
	FLOW_SORT_OCTETS,
	FLOW_SORT_PACKETS,
	FLOW_SORT_START,
	FLOW_SORT_LAST,
	FLOW_SORT_DURATION,
	FLOW_SORT_RETRANSMISSIONS, /* packets */
	FLOW_SORT_RTT,		   /* the worse side's mean; where none ran, of the handshake */
	FLOW_SORT_RESPONSE,	   /* the worse side's mean */
	FLOW_SORTS,
};

/* "octets", ... */
const char *flow_sort_name(enum flow_sort sort);
/* The least that knows it. */
enum flow_detail flow_sort_detail(enum flow_sort sort);
/* What the flow is sorted by: octets, packets, nanoseconds or microseconds. */
guint64 flow_sort_value(enum flow_sort sort, const struct flow_record *record);

struct flow_rank;

/* detail: of every record; what a record has beyond is not looked at. */
struct flow_rank *flow_rank_new(enum flow_sort sort, guint limit, enum flow_detail detail);
void flow_rank_free(struct flow_rank *rank);

/* Copies the record if it is among the first so far. */
void flow_rank_offer(struct flow_rank *rank, const struct flow_record *record);
/* Nothing more is offered: in their order from here on. */
void flow_rank_settle(struct flow_rank *rank);
guint flow_rank_count(const struct flow_rank *rank);
/* Cut to its detail. */
const struct flow_record *flow_rank_at(const struct flow_rank *rank, guint place);

#endif
