/* SPDX-License-Identifier: BSD-2-Clause */
/* Which destination a flow goes to, where each goes to one. */
#ifndef WEIR_EXPORT_SHARE_H
#define WEIR_EXPORT_SHARE_H

#include "export/fanout.h"

/* The flow's own, of all destinations those that are healthy: as long as it is healthy, it is the
 * same for every record of the flow and both directions. When none is, they count as if all were.
 */
size_t share_by_hash(const struct flow_key *key, const bool *healthy, size_t count);
/* The first that is healthy; where none is, as before. */
size_t share_by_order(const bool *healthy, size_t count, size_t before);

#endif
