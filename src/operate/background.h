/* SPDX-License-Identifier: BSD-2-Clause */
/* Instances that run in the background: by systemd where that runs, as weir@NAME, else as processes
 * of their own with a file for their number and one for what they say. Either way the configuration
 * is /etc/weir/NAME.conf. */
#ifndef WEIR_OPERATE_BACKGROUND_H
#define WEIR_OPERATE_BACKGROUND_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Starts it and waits until it answers. ret_process: whose number that is. WEIR_ERROR_FAILED: it
 * does not, and the last thing it said. */
bool background_start(const char *name, pid_t *ret_process, GError **error);
/* It has ended: its file goes, and systemd is told. */
void background_ended(const char *name);

#endif
