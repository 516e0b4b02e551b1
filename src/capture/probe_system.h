/* SPDX-License-Identifier: BSD-2-Clause */
/* What this system says of itself to anybody. */
#ifndef WEIR_CAPTURE_PROBE_SYSTEM_H
#define WEIR_CAPTURE_PROBE_SYSTEM_H

#include <glib.h>
#include <stdbool.h>

/* "6.1.0-18-amd64": 6 and 1; false: it does not begin so. */
bool probe_release(const char *release, guint *ret_major, guint *ret_minor);

/* Octets that can be taken without swapping; 0: not told. */
guint64 probe_memory_free(void);

#endif
