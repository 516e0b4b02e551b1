/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of an instance, and the state beside them that says what of them was exported. */
#ifndef WEIR_SETUP_INSTANCE_STATE_H
#define WEIR_SETUP_INSTANCE_STATE_H

#include "setup/instance_parts.h"

struct state {
	guint64 layout;
	guint64 ready;
	guint64 owner; /* the process and when it began; 0: nobody */
	guint64 epoch_ns;
	struct instance_shape shape;
	guint64 committed; /* how often; totals[committed % 2] hold */
	guint64 intended;  /* committed + 1 while a process hands over */
	struct account_flows intent;
	struct instance_totals totals[2];
};

struct generation {
	char *name;   /* in the instance's folder */
	char *folder; /* the way to it, which is open; NULL: there is none */
	int fd;
	guint number;
	struct state *state;
};

/* Its state is not opened with it. False: there is no folder of this name. */
bool generation_open(struct generation *generation, int folder, const char *name);
void generation_close(struct generation *generation);

/* NULL: there is none, or it was never ready. ret_strange: it is another weir's. */
struct state *state_open(const char *folder, bool *ret_strange);
struct state *state_make(const char *folder, GError **error);

#endif
