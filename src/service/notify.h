/* SPDX-License-Identifier: BSD-2-Clause */
/* What the service manager is told, as sd_notify(3) does it: datagrams to NOTIFY_SOCKET. */
#ifndef WEIR_SERVICE_NOTIFY_H
#define WEIR_SERVICE_NOTIFY_H

#include <glib.h>
#include <stdbool.h>

struct notify;

/* NULL: nobody asked for it; what follows does nothing then. Programs that are started later are
 * not asked any more. */
struct notify *notify_new(void);
void notify_free(struct notify *notify);

void notify_ready(struct notify *notify);
/* Until notify_ready(). */
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);
/* A line for people. */
void notify_status(struct notify *notify, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* It is time for another such line. */
bool notify_status_due(struct notify *notify);
/* The work has gone on since the last time: the watchdog hears of it as often as it wants to, and
 * ends the process when it hears nothing for too long. */
void notify_alive(struct notify *notify);

#endif
