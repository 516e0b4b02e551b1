/* SPDX-License-Identifier: BSD-2-Clause */
/* Every flow read so far, within bounded memory, and what they come to. The sums are exact however
 * many flows there were: those there is no room for go on as part of a coarser entry. */
#ifndef WEIR_TOP_MODEL_H
#define WEIR_TOP_MODEL_H

#include "top/flow.h"

/* How much of a flow an entry still tells. */
enum top_grain {
	TOP_GRAIN_FLOW,	   /* one flow */
	TOP_GRAIN_SERVICE, /* all from one host to a port of another: no source port */
	TOP_GRAIN_PAIR,	   /* all between two hosts in one protocol: no ports */
	TOP_GRAIN_REST,	   /* of the others no more than their sum is known */
};

/* Of a selection, or of an entry. */
struct top_sums {
	guint64 flows;
	guint64 tcp_flows;  /* whose retransmissions were counted */
	guint64 rtt_flows;  /* whose round trip is known */
	guint64 rtt_sum_us; /* of these */
	struct top_counts all;
	struct top_counts last; /* in the last turn that is complete */
};

struct top_entry {
	enum top_grain grain;
	struct top_flow flow; /* what the grain leaves out is 0 */
	struct top_sums sums;

	/* The record under way, as far as it was counted; which 0: there is none. */
	guint64 which;
	struct top_counts record;
	/* What came in the turn under way, if that is `turn`. */
	guint64 turn;
	struct top_counts fresh;

	/* Whether the filter of this number takes it: asked once. */
	guint32 filter;
	bool taken;
};

struct top_model;

/* room: entries at most, at least 8. */
struct top_model *top_model_new(guint room);
void top_model_free(struct top_model *model);

/* True: a flow that was not known before. */
bool top_model_read(struct top_model *model, const struct top_reading *reading);
/* What was read so far. */
const struct top_counts *top_model_read_so_far(const struct top_model *model);
/* All packets so far that are in no flow that was read: fewer than before where some of them turn
 * out to be in one. */
void top_model_lose(struct top_model *model, const struct top_counts *counts);
/* What came since the last turn took so long: its rates are now the ones to show. */
void top_model_turn(struct top_model *model, guint64 took_ns);
/* Of the last turn; 0: there was none. */
guint64 top_model_turn_ns(const struct top_model *model);

guint top_model_entries(const struct top_model *model);
/* From 0 to top_model_entries(); up to date until the model is told more. */
struct top_entry *top_model_entry(struct top_model *model, guint index);
/* In no entry. What was last may be less than nothing: sums with it are right, modulo 2^64. */
const struct top_sums *top_model_rest(const struct top_model *model);

void top_sums_add(struct top_sums *sum, const struct top_sums *more);

#endif
