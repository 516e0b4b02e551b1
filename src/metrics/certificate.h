/* SPDX-License-Identifier: BSD-2-Clause */
/* What TLS shows who scrapes: a certificate and its key, in PEM files. */
#ifndef WEIR_METRICS_CERTIFICATE_H
#define WEIR_METRICS_CERTIFICATE_H

#include <gio/gio.h>
#include <stdbool.h>

/* Both are given, or neither is (NULL). */
bool certificate_is_whole(const char *certificate, const char *key, GError **error);
/* The certificate alone. */
bool certificate_is_good(const char *certificate, GError **error);
/* NULL: they do not fit, or others can read the key. */
GTlsCertificate *certificate_load(const char *certificate, const char *key, GError **error);

#endif
