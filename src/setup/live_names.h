/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a live run's interfaces: asked of the kernel now and then, given to the records. */
#ifndef WEIR_SETUP_LIVE_NAMES_H
#define WEIR_SETUP_LIVE_NAMES_H

#include "flow/flow.h"

struct interface_names;
struct live_names;

/* interfaces: as the user names them, NULL-terminated; outlives this. NULL: none. */
struct live_names *live_names_new(const char *const *interfaces);
void live_names_free(struct live_names *names);
/* To be called often: looks once a second. One that is gone keeps the name it had. */
void live_names_look(struct live_names *names);
/* What is known so far. */
const struct interface_names *live_names_table(const struct live_names *names);
void live_names_enrich(const struct live_names *names, struct flow_batch *batch);

#endif
