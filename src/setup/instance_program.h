/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies of weir's program, which later versions of it execute. */
#ifndef WEIR_SETUP_INSTANCE_PROGRAM_H
#define WEIR_SETUP_INSTANCE_PROGRAM_H

#include <glib.h>
#include <stdbool.h>

/* Of the one that runs. */
bool instance_program_copy(const char *path, GError **error);
/* What is there now, in memory, where nobody changes it; to be executed by its number and closed.
 * -1 with an error: it is not there, or is not this user's alone. */
int instance_program_open(const char *path, GError **error);

#endif
