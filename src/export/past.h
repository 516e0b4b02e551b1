/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of the flows that were given out before a destination came: the destinations before
 * it have counted them, and those may still be counting while they end.
 *
 *	way ──► past (ended) ──► past (ending: counts on) ──► ...
 */
#ifndef WEIR_EXPORT_PAST_H
#define WEIR_EXPORT_PAST_H

#include "export/fanout.h"

struct past;

/* before: or NULL; not taken. counts: so far. */
struct past *past_new(struct past *before, const struct export_counts *counts);
struct past *past_ref(struct past *past);
void past_unref(struct past *past);

/* Of one that is still ending: what it counts now. before stays as it is. */
void past_set(struct past *past, const struct export_counts *counts);
/* That was the last time. */
void past_settle(struct past *past);
/* All of it. NULL: nothing was before. */
struct export_counts past_sum(const struct past *past);

/* What becomes of flows; no names, and not what is told of messages. */
void counts_add(struct export_counts *sum, const struct export_counts *one);
void counts_subtract(struct export_counts *from, const struct export_counts *one);

#endif
