/* SPDX-License-Identifier: BSD-2-Clause */
/* The levels of detail that are measured side by side: one, or all. */
#ifndef WEIR_SETUP_BENCH_LEVELS_H
#define WEIR_SETUP_BENCH_LEVELS_H

#include <glib.h>

#include "flow/flow.h"

struct bench_levels {
	guint count;
	enum flow_detail detail[FLOW_DETAILS]; /* from less to more */
};

static inline const char *bench_level_name(enum flow_detail detail)
{
	static const char *const names[FLOW_DETAILS] = { "basic", "tcp", "full" };

	return names[detail];
}

#endif
