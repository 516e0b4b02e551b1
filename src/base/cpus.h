/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's lists of CPUs: "0-3,8". */
#ifndef WEIR_BASE_CPUS_H
#define WEIR_BASE_CPUS_H

#include <glib.h>
#include <stdbool.h>

bool cpus_list_has(const char *list, int cpu);
guint cpus_list_count(const char *list);

/* A list of /sys/devices/system/cpu: "online", "present". NULL where the kernel does not tell; free
 * with g_free(). */
char *cpus_list(const char *name);
/* CPUs that are there: more may be possible. At least 1. */
guint cpus_present(void);

#endif
