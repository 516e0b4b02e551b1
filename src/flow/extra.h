/* SPDX-License-Identifier: BSD-2-Clause */
/* What a record says beyond what was metered: found out by the enrich stage when the record leaves,
 * told like any other field. A record has pointers to answers that many records share, so that
 * nothing is copied or allocated for it; they stay good as long as whoever gave them. */
#ifndef WEIR_FLOW_EXTRA_H
#define WEIR_FLOW_EXTRA_H

#include <glib.h>

#define FLOW_TEXT_MAX 255

/* Text as it may stand in a record: UTF-8 without a NUL, FLOW_TEXT_MAX octets at most. It does not
 * end in '\0'. */
struct flow_text {
	const char *octets; /* NULL where length is 0 */
	size_t length;
};

/* As much of the text as may stand in a record: up to size octets or a NUL, what is not UTF-8
 * replaced, the end cut between two characters. Free octets with g_free. */
char *flow_text_make(const char *from, gsize size);
struct flow_text flow_text_of(const char *made);
/* Of that text, what max octets hold without cutting a character. */
size_t flow_text_fit(const struct flow_text *text, size_t max);

struct flow_interface {
	guint32 index; /* whole; a flow's side has 16 bits of it */
	struct flow_text name;
	struct flow_text description; /* empty: it has none */
};

struct flow_extra {
	const struct flow_interface
		*interface[2]; /* of the sides' first packets; NULL: not known */
};

#endif
