/* SPDX-License-Identifier: BSD-2-Clause */
/* Text as it may stand in a record. */
#ifndef WEIR_FLOW_TEXT_H
#define WEIR_FLOW_TEXT_H

#include <glib.h>

#define FLOW_TEXT_MAX 255

/* UTF-8 without a NUL, FLOW_TEXT_MAX octets at most. It does not end in '\0'. */
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

#endif
