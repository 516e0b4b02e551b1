/* SPDX-License-Identifier: BSD-2-Clause */
/* What TCP says in the parts of a flow, put together. */
#ifndef WEIR_DRAIN_JOIN_MERGE_TCP_H
#define WEIR_DRAIN_JOIN_MERGE_TCP_H

#include "flow/flow.h"

/* The FIN of a side, and whether any part saw it acknowledged; at every detail. */
void join_merge_fin(struct flow_record *to, const struct flow_record *const *parts, size_t count,
		    int which);
/* TCP quality, when the sides are merged. */
void join_merge_tcp(struct flow_record *to, const struct flow_record *const *record, size_t count);

#endif
