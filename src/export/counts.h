/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs of a destination's account. */
#ifndef WEIR_EXPORT_COUNTS_H
#define WEIR_EXPORT_COUNTS_H

#include "export/fanout.h"
#include "export/message.h"

/* Handed over, and not after all. */
void counts_sent(struct export_counts *counts, const struct message *message);
void counts_unsent(struct export_counts *counts, const struct message *message);
/* On disk when it could not be sent, and off it again. */
void counts_spooled(struct export_counts *counts, const struct message *message);
void counts_unspooled(struct export_counts *counts, const struct message *message);
/* Flows that do not arrive, by reason. */
void counts_failed(struct export_counts *counts, const struct tally *lost);
void counts_overflow(struct export_counts *counts, const struct tally *lost);
void counts_untold(struct export_counts *counts, const struct tally *untold);

#endif
