/* SPDX-License-Identifier: BSD-2-Clause */
/* What the options of a destination mean (destination_url_keys()), for the documents. */
#ifndef WEIR_EXPORT_DESTINATION_KEYS_H
#define WEIR_EXPORT_DESTINATION_KEYS_H

#include <glib.h>

struct destination_key {
	const char *name;
	const char *argument;
	const char *standard; /* as a user would write it; NULL: none, or help says which */
	const char *carriers; /* which destinations have it */
	const char *help;
};

extern const struct destination_key destination_keys[];
extern const gsize destination_keys_count;

#endif
