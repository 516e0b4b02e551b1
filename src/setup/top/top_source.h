/* SPDX-License-Identifier: BSD-2-Clause */
/* Where weir top has its flows from. */
#ifndef WEIR_SETUP_TOP_SOURCE_H
#define WEIR_SETUP_TOP_SOURCE_H

#include "setup/options.h"
#include "top/desk.h"

/* Fills the desk until there is no more, or nobody looks any more. False: what went wrong; what was
 * read until then stays on the desk. once: nobody looks before it returns. */
typedef bool top_source_run(struct top_desk *desk, const struct options *options, bool once,
			    GError **error);

/* Capture files: the arguments. */
top_source_run top_capture_run;

#endif
