/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that scan the kernel's flow tables, one bound to each CPU: only that CPU may touch
 * its table. */
#ifndef WEIR_CAPTURE_SCAN_H
#define WEIR_CAPTURE_SCAN_H

#include <stdbool.h>

#include "capture/kernel_meter.h"

struct scan;

/* Whether this process may run on each of so many CPUs that is there. */
bool scan_check(int cpus, GError **error);

/* Each table is looked through about once in period_ms. */
struct scan *scan_start(struct kernel_meter *meter, guint32 sets, guint period_ms);
/* Every flow that is in the tables now leaves, as forced, while packets come; records must be taken
 * from the ring meanwhile. When scan_flushed(), all of them are in the ring. */
void scan_flush(struct scan *scan);
bool scan_flushed(const struct scan *scan);
/* No packet comes any more: every flow leaves, and the threads end. Records must be taken from the
 * ring meanwhile, by another thread, until scan_done(). */
void scan_finish(struct scan *scan);
bool scan_done(const struct scan *scan);
/* A thread has ended early, and its flows stay in the cache; scan_free() says why. */
bool scan_failed(const struct scan *scan);
/* Flows in the tables, as the last round of each found them. */
guint64 scan_flows(const struct scan *scan);
/* When each of them was last at work, by the monotonic clock: of several, the one it was longest
 * ago for. A round of the table, or a CPU that is away, takes a second at most. */
gint64 scan_seen_us(const struct scan *scan);
/* Ends the threads if they have not ended yet. False: scanning failed, and the error says why. */
bool scan_free(struct scan *scan, GError **error);

#endif
