/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's grace period: what was running on any CPU when it was asked for has ended after it.
 */
#ifndef WEIR_CAPTURE_GRACE_H
#define WEIR_CAPTURE_GRACE_H

#include <glib.h>
#include <stdbool.h>

/* After this no program that was taken off before is running any more. */
bool grace_wait(GError **error);

#endif
