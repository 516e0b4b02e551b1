/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of others, an interface's name or a place's, made fit for a record. */
#include "flow/text.h"

#include <string.h>

size_t flow_text_fit(const struct flow_text *text, size_t max)
{
	size_t length = MIN(text->length, max);

	if (length == text->length)
		return length;
	/* Octets 10xxxxxx go on with a character. */
	while (length > 0 && ((guint8)text->octets[length] & 0xc0) == 0x80)
		length--;
	return length;
}

char *flow_text_make(const char *from, gsize size)
{
	g_autofree char *valid = g_utf8_make_valid(from, (gssize)strnlen(from, size));
	const struct flow_text text = { valid, strlen(valid) };

	return g_strndup(valid, flow_text_fit(&text, FLOW_TEXT_MAX));
}

struct flow_text flow_text_of(const char *made)
{
	if (!made || !*made)
		return (struct flow_text){ NULL, 0 };
	return (struct flow_text){ made, strlen(made) };
}
