/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run may do: with whose rights it goes on once that has been prepared which only root can
 * prepare. Before there is a second thread. */
#ifndef WEIR_SETUP_LIVE_RIGHTS_H
#define WEIR_SETUP_LIVE_RIGHTS_H

#include "setup/live.h"

/* Before a file is made or anything of the instance is opened. */
bool live_rights_begin(const struct options *options, const char *instance, GError **error);
/* The hooks are looked at, nothing is loaded yet. Threads may begin from here on: metrics do. */
bool live_rights_settle(const struct live_options *options, GError **error);

#endif
