/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows made up for the tests of the exporters: the same for the same number. */
#ifndef WEIR_TESTS_LIB_FLOW_MAKER_H
#define WEIR_TESTS_LIB_FLOW_MAKER_H

#include "flow/flow.h"

/* Every third flow is IPv6, every fifth has one side only, every seventh counts beyond 32 bits. */
void flow_maker_make(struct flow_record *record, guint64 number);
/* What the enrich stage would find: interfaces with and without a name and a description. */
void flow_maker_extra(struct flow_extra *extra, const struct flow_record *record, guint64 number);
/* The flows from number on, as many as a batch takes, but count at most. */
void flow_maker_fill(struct flow_batch *batch, guint64 number, guint64 count);

#endif
