/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs "stats" and "status": what a run says of itself. */
#ifndef WEIR_OPERATE_LIVE_STATS_H
#define WEIR_OPERATE_LIVE_STATS_H

#include "serve/control.h"
#include "setup/live_control.h"

struct live_stats;

/* parts outlive it. */
struct live_stats *live_stats_new(const struct live_parts *parts);
void live_stats_free(struct live_stats *stats);

/* To be called often: remembers once a second what there was, for rates. */
void live_stats_turn(struct live_stats *stats);

/* The account as account_to_json() tells it, and
 * - instance, process, version, since, at;
 * - rates, a second, over the last one or two ("seconds"): seenPackets, seenOctets, meteredPackets,
 *   meteredOctets, setAsidePackets, exportedFlows, exportedRecords, droppedRecords;
 * - ring, where there is one: octets, heldOctets (read and not written down yet), waitingOctets;
 * - destinations[].healthy. */
void live_stats_tell(const struct live_stats *stats, JsonBuilder *answer);
/* The same for people: lines. */
GString *live_stats_text(const struct live_stats *stats);
/* Who runs, since when, on what, and how its destinations are. */
void live_stats_status(const struct live_stats *stats, JsonBuilder *answer);

#endif
