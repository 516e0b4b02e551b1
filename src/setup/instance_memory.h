/* SPDX-License-Identifier: BSD-2-Clause */
/* How a run was started, for who ends it when its process is dead: its flows go where it said. */
#ifndef WEIR_SETUP_INSTANCE_MEMORY_H
#define WEIR_SETUP_INSTANCE_MEMORY_H

#include "setup/options.h"

/* Written beside, with the rights of who starts the run; it holds once the instance is the run's.
 */
void instance_memory_begin(const char *name, const struct options *options);
void instance_memory_keep(const char *name);
/* What was begun and is not to hold after all. */
void instance_memory_abandon(const char *name);
/* Nothing is left of the instance. */
void instance_memory_drop(const char *name);

/* The options of the run that left it, read again: by what it remembered, else by the configuration
 * that belongs to the name. NULL with an error of one line: nothing is known of them, what is there
 * is not to be believed, or has faults now. */
struct options *instance_memory_read(const char *name, GError **error);

#endif
