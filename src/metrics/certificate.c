/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/certificate.h"

#include "base/error.h"
#include "metrics/secret.h"

bool certificate_is_whole(const char *certificate, const char *key, GError **error)
{
	if (!certificate == !key)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s: TLS takes a certificate and its key; give --metrics-cert and "
		    "--metrics-key, or neither",
		    certificate ? "--metrics-cert" : "--metrics-key");
	return false;
}

bool certificate_is_good(const char *certificate, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(GTlsCertificate) loaded = g_tls_certificate_new_from_file(certificate, &reason);

	if (!loaded)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "--metrics-cert %s: %s",
			    certificate, reason->message);
	return loaded;
}

GTlsCertificate *certificate_load(const char *certificate, const char *key, GError **error)
{
	g_autoptr(GError) reason = NULL;
	GTlsCertificate *loaded;

	if (!secret_is_private("--metrics-key", key, error))
		return NULL;
	loaded = g_tls_certificate_new_from_files(certificate, key, &reason);
	if (!loaded)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--metrics-cert %s, --metrics-key %s: %s", certificate, key,
			    reason->message);
	return loaded;
}
