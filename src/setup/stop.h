/* SPDX-License-Identifier: BSD-2-Clause */
/* When a run is to end early: at SIGINT, SIGTERM or SIGHUP, or after its time. A second signal ends
 * it at once. */
#ifndef WEIR_SETUP_STOP_H
#define WEIR_SETUP_STOP_H

#include <glib.h>
#include <stdbool.h>

/* From now on; duration_ns 0: no end of its own. */
void stop_watch(guint64 duration_ns);
bool stop_wanted(void);
/* From now on SIGHUP is no reason to end, unless it says that the window of the run is closed. */
void stop_watch_reload(void);
/* It came since it was asked for. */
bool stop_reload_wanted(void);
/* By SIGTERM, as a service is told: another process may go on. */
bool stop_was_term(void);

#endif
