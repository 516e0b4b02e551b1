/* SPDX-License-Identifier: BSD-2-Clause */
/* What a dead process left in the kernel. */
#ifndef WEIR_SETUP_STOP_ORPHAN_H
#define WEIR_SETUP_STOP_ORPHAN_H

#include "setup/options.h"

/* Writes it where these options say or, where they do not, where the run itself did; then nothing
 * is left of the instance. Where it is not known where that was, or cannot be written there,
 * everything stays as it is, with an error. */
bool stop_orphan(const struct options *options, const char *name, GError **error);

#endif
