/* SPDX-License-Identifier: BSD-2-Clause */
/* Flow records for what comes after the meter: made traffic, metered at full detail. */
#ifndef WEIR_SETUP_BENCH_RECORDS_H
#define WEIR_SETUP_BENCH_RECORDS_H

#include <stdbool.h>

#include "flow/flow.h"

struct records;

struct records *records_make(GError **error);
void records_free(struct records *records);

guint records_batches(const struct records *records);
const struct flow_batch *records_batch(const struct records *records, guint index);

#endif
