/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows that another version of weir left in the kernel. */
#ifndef WEIR_SETUP_LIVE_OTHER_H
#define WEIR_SETUP_LIVE_OTHER_H

#include "setup/instance.h"
#include "setup/live.h"

/* No packet goes to its tables any more: that version's own program writes its flows, to the
 * collectors of this run and to files beside those of this run. What it counted, now or for a
 * process that was killed before it could take that, is added to the instance's totals. A run that
 * only ends takes no more than what was written for an earlier one. */
void live_other_drain(struct instance *instance, const struct live_options *options);

#endif
