/* SPDX-License-Identifier: BSD-2-Clause */
/* What the records that leave the cache add up to: by protocol, by interface, and as histograms. A
 * record costs some additions; nothing is allocated for it. */
#ifndef WEIR_METRICS_FLOW_TALLY_H
#define WEIR_METRICS_FLOW_TALLY_H

#include "flow/flow.h"
#include "metrics/page.h"

/* More interfaces than that are told as one, called "other". */
#define FLOW_TALLY_INTERFACES 64

struct flow_tally;

struct flow_tally *flow_tally_new(void);
void flow_tally_free(struct flow_tally *tally);

void flow_tally_take(struct flow_tally *tally, const struct flow_batch *batch);

/* What the interface of this number is called; NULL: nobody knows. */
typedef const char *flow_tally_name(void *data, guint16 iface);

/* Interfaces of one name are told together. */
void flow_tally_tell(const struct flow_tally *tally, struct metrics_page *page,
		     flow_tally_name *name, void *data);

#endif
