/* SPDX-License-Identifier: BSD-2-Clause */
/* A bearer token in a file that only its owner and his group can read. */
#ifndef WEIR_METRICS_SECRET_H
#define WEIR_METRICS_SECRET_H

#include <glib.h>
#include <stdbool.h>

/* Only a digest is kept: comparing takes the same time whatever is given. */
struct secret {
	guint8 digest[32];
};

/* Nobody else may read the file. option: in the error. */
bool secret_is_private(const char *option, const char *path, GError **error);
/* The token is the file's one line. */
bool secret_read(const char *path, struct secret *ret_secret, GError **error);
void secret_of(const char *token, struct secret *ret_secret);
/* header: "Bearer TOKEN", or NULL. */
bool secret_is_given(const struct secret *secret, const char *header);

#endif
