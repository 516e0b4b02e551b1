/* SPDX-License-Identifier: BSD-2-Clause */
/* One destination as the user named it, a file or a collector, and what it is given of the flows.
 */
#ifndef WEIR_EXPORT_WAY_H
#define WEIR_EXPORT_WAY_H

#include "export/destination.h"
#include "export/stream.h"

struct way {
	char *url;
	char *name;		  /* the user's own; NULL: none */
	struct destination *file; /* or */
	struct sender *sender;
	struct stream *stream;	   /* what the sender sends */
	struct tally elsewhere;	   /* flows that others were given instead */
	struct export_counts told; /* a copy for who asks */
};

/* What it owns itself: neither file nor sender nor stream. */
void way_clear(struct way *way);
bool way_is_healthy(const struct way *way);
bool way_write(struct way *way, const struct flow_batch *batch, GError **error);
/* What waits for one collector goes to another, whose messages are the same. */
void way_move(struct way *from, struct way *to);
/* Until asked again. */
const struct export_counts *way_counts(struct way *way);

/* What messages call it. */
static inline const char *way_label(const struct way *way)
{
	return way->name ? way->name : way->url;
}

#endif
