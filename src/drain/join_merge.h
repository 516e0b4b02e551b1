/* SPDX-License-Identifier: BSD-2-Clause */
/* One record made of its parts: see join.h for what becomes of each metric. */
#ifndef WEIR_DRAIN_JOIN_MERGE_H
#define WEIR_DRAIN_JOIN_MERGE_H

#include "flow/flow.h"

/* Two parts or more of one flow, in order of their first packets. */
void join_merge(struct flow_record *ret_record, const struct flow_record *const *parts,
		size_t count);

/* The flow's first packet asked for a connection. */
bool join_opens_connection(const struct flow *flow);

#endif
