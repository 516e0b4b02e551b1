/* SPDX-License-Identifier: BSD-2-Clause */
/* What of the export changes while a run goes on: destinations, templates, who gets what, and how
 * often statistics are told. */
#ifndef WEIR_SETUP_LIVE_RELOAD_H
#define WEIR_SETUP_LIVE_RELOAD_H

#include "setup/live_control.h"

struct live_reload;

/* Registers its parts; outlives the reload. */
struct live_reload *live_reload_new(const struct live_parts *parts, struct reload *reload);
void live_reload_free(struct live_reload *reload);

#endif
