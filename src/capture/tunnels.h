/* SPDX-License-Identifier: BSD-2-Clause */
/* Which tunnels the meter looks into, as the user says it. */
#ifndef WEIR_CAPTURE_TUNNELS_H
#define WEIR_CAPTURE_TUNNELS_H

#include <glib.h>
#include <stdbool.h>

#include "meter/types.h"

/* In the order of the option's choices. */
enum tunnel_view {
	TUNNEL_VIEW_INNER, /* flows are those inside */
	TUNNEL_VIEW_OUTER, /* flows are the carriers' */
	TUNNEL_VIEW_BOTH,  /* flows are those inside, apart for each carrier */
};

struct tunnel_options {
	enum tunnel_view view;
	const char *mirrors; /* "vxlan,gre": removed without a trace; NULL: ERSPAN alone */
	const char *ports;   /* "vxlan:4789,geneve:none": of each kind named, only these; or NULL */
};

/* WEIR_ERROR_USAGE: a word is none, or there are too many ports. */
bool tunnels_parse(const struct tunnel_options *options, struct meter_tunnels *ret_tunnels,
		   GError **error);
/* "vxlan"; "" for TUNNEL_NONE, and for what is no kind. */
const char *tunnel_name(guint kind);

#endif
