/* SPDX-License-Identifier: BSD-2-Clause */
/* The forms weir can write. */
#include <string.h>

#include "export/encoder.h"

const struct encoder_ops *const encoders[] = {
	&ipfix_encoder, &netflow9_encoder, &netflow5_encoder, &json_encoder, &text_encoder, NULL,
};

const struct encoder_ops *encoder_by_scheme(const char *scheme, size_t length)
{
	for (size_t i = 0; encoders[i] != NULL; i++) {
		const char *known = encoders[i]->scheme;

		if (strlen(known) == length && memcmp(known, scheme, length) == 0)
			return encoders[i];
	}
	return NULL;
}
