/* SPDX-License-Identifier: BSD-2-Clause */
/* Where weir top has its flows from. */
#ifndef WEIR_SETUP_TOP_SOURCE_H
#define WEIR_SETUP_TOP_SOURCE_H

#include "setup/options.h"
#include "top/desk.h"

struct top_input {
	const struct options *options;
	const char *const *files; /* captures, NULL-terminated; NULL: an instance is asked */
	const char *socket;	  /* of the instance */
	bool once;		  /* nobody looks before it is all there */
};

/* Fills the desk until there is no more, or nobody looks any more. False: what went wrong; what was
 * read until then stays on the desk. */
typedef bool top_source_run(struct top_desk *desk, const struct top_input *input, GError **error);

top_source_run top_capture_run;
top_source_run top_instance_run;

#endif
