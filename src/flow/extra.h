/* SPDX-License-Identifier: BSD-2-Clause */
/* What a record says beyond what was metered: found out by the enrich stage when the record leaves,
 * told like any other field. A record has pointers to answers that many records share, so that
 * nothing is copied or allocated for it; they stay good as long as whoever gave them says. */
#ifndef WEIR_FLOW_EXTRA_H
#define WEIR_FLOW_EXTRA_H

#include "flow/place.h"

struct flow_interface {
	guint32 index; /* whole; a flow's side has 16 bits of it */
	struct flow_text name;
	struct flow_text description; /* empty: it has none */
};

struct flow_extra {
	const struct flow_interface
		*interface[2]; /* of the sides' first packets; NULL: not known */
	/* Of both ends' addresses, by enum flow_side_index; NULL: nobody looked. */
	const struct flow_place *place[2];
};

#endif
