/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/secure.h"

#include <string.h>

#include "base/error.h"

struct secure {
	char *ca_file;	       /* NULL: the system's */
	char *own_file;	       /* NULL: no certificate of ours */
	char *name;	       /* that the certificate must have */
	GTlsDatabase *anchors; /* NULL: whatever GIO takes */
	GTlsCertificate *own;  /* NULL: none */
	GSocketConnectable *peer;

	/* Of the last handshake. */
	GTlsCertificate *shown; /* by the collector; NULL: it came not so far */
	GTlsCertificateFlags faults;
};

static bool wrong_file(GError **error, const char *option, const char *path, GError *reason)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s=%s: %s; it must be a readable PEM file", option, path,
		    reason ? reason->message : "there is no certificate in it");
	g_clear_error(&reason);
	return false;
}

static bool load_anchors(struct secure *secure, const char *path, GError **error)
{
	GError *reason = NULL;
	g_autofree char *absolute = NULL; /* GIO wants it so */
	GList *list;

	if (!path) {
		secure->anchors = g_tls_backend_get_default_database(g_tls_backend_get_default());
		return true;
	}
	list = g_tls_certificate_list_new_from_file(path, &reason);
	if (!list)
		return wrong_file(error, "ca", path, reason);
	g_list_free_full(list, g_object_unref);
	absolute = g_canonicalize_filename(path, NULL);
	secure->anchors = g_tls_file_database_new(absolute, &reason);
	secure->ca_file = g_strdup(path);
	return secure->anchors || wrong_file(error, "ca", path, reason);
}

static bool has_key(GTlsCertificate *certificate)
{
	g_autofree char *pem = NULL;

	g_object_get(certificate, "private-key-pem", &pem, NULL);
	return pem != NULL;
}

/* One file may hold both. */
static bool load_own(struct secure *secure, const struct transport_options *options, GError **error)
{
	const char *key = options->key ? options->key : options->cert;
	g_autofree char *octets = NULL;
	g_autoptr(GTlsCertificate) alone = NULL;
	GError *reason = NULL;

	if (!options->cert && !options->key)
		return true;
	if (!options->cert) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "key= is of no use without cert=; name the certificate too");
		return false;
	}
	alone = g_tls_certificate_new_from_file(options->cert, &reason);
	if (!alone)
		return wrong_file(error, "cert", options->cert, reason);
	if (!options->key && !has_key(alone)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "cert=%s has no private key in it; name the file of the key with key=",
			    options->cert);
		return false;
	}
	if (!g_file_get_contents(key, &octets, NULL, &reason))
		return wrong_file(error, "key", key, reason);
	secure->own_file = g_strdup(options->cert);
	secure->own = g_tls_certificate_new_from_files(options->cert, key, &reason);
	return secure->own || wrong_file(error, "key", key, reason);
}

struct secure *secure_new(const struct transport_options *options, GError **error)
{
	struct secure *secure;

	if (!g_tls_backend_supports_tls(g_tls_backend_get_default())) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "GIO has no TLS on this system; install glib-networking");
		return NULL;
	}
	secure = g_new0(struct secure, 1);
	secure->name = g_strdup(options->name ? options->name : options->host);
	secure->peer = g_network_address_new(secure->name, options->port);
	if (load_anchors(secure, options->ca, error) && load_own(secure, options, error))
		return secure;
	secure_free(secure);
	return NULL;
}

void secure_free(struct secure *secure)
{
	if (!secure)
		return;
	g_clear_object(&secure->anchors);
	g_clear_object(&secure->own);
	g_clear_object(&secure->peer);
	g_clear_object(&secure->shown);
	g_free(secure->ca_file);
	g_free(secure->own_file);
	g_free(secure->name);
	g_free(secure);
}

GSocketConnectable *secure_peer(const struct secure *secure)
{
	return secure->peer;
}

/* What GIO found wrong; it calls nobody for a good one. Comes from within the handshake. */
static gboolean refuse(GObject *connection, GTlsCertificate *shown, GTlsCertificateFlags faults,
		       struct secure *secure)
{
	(void)connection;
	g_set_object(&secure->shown, shown);
	secure->faults = faults;
	return FALSE;
}

void secure_prepare(struct secure *secure, GObject *connection)
{
	g_clear_object(&secure->shown);
	secure->faults = 0;
	if (secure->anchors)
		g_object_set(connection, "database", secure->anchors, NULL);
	if (secure->own)
		g_object_set(connection, "certificate", secure->own, NULL);
	g_signal_connect(connection, "accept-certificate", G_CALLBACK(refuse), secure);
}

bool secure_version_good(GTlsProtocolVersion version, GError **error)
{
	if (version == G_TLS_PROTOCOL_VERSION_TLS_1_2 ||
	    version == G_TLS_PROTOCOL_VERSION_TLS_1_3 || version == G_TLS_PROTOCOL_VERSION_DTLS_1_2)
		return true;
	g_set_error(
		error, WEIR_ERROR, WEIR_ERROR_FAILED,
		"the collector offers nothing newer than TLS 1.1 or DTLS 1.0; these are not safe");
	return false;
}

/* --- in words --- */

static char *day(GDateTime *moment)
{
	char *text = moment ? g_date_time_format_iso8601(moment) : g_strdup("an unknown day");

	g_clear_pointer(&moment, g_date_time_unref);
	return text;
}

/* Whom the certificate is for, as it says. */
static char *holders(GTlsCertificate *certificate)
{
	g_autoptr(GPtrArray) names = g_tls_certificate_get_dns_names(certificate);
	g_autoptr(GPtrArray) addresses = g_tls_certificate_get_ip_addresses(certificate);
	GString *list = g_string_new(NULL);

	for (guint i = 0; names && i < names->len; i++) {
		gsize length;
		const char *name = g_bytes_get_data(names->pdata[i], &length);
		g_autofree char *text = g_utf8_make_valid(length ? name : "", (gssize)length);

		g_string_append_printf(list, "%s%s", list->len ? ", " : "", text);
	}
	for (guint i = 0; addresses && i < addresses->len; i++) {
		g_autofree char *text = g_inet_address_to_string(addresses->pdata[i]);

		g_string_append_printf(list, "%s%s", list->len ? ", " : "", text);
	}
	if (list->len == 0)
		g_string_append(list, "nobody in particular");
	return g_string_free(list, FALSE);
}

static char *say_unknown(const struct secure *secure)
{
	if (secure->ca_file)
		return g_strdup_printf("no CA of ca=%s has signed it", secure->ca_file);
	return g_strdup("no CA that this system knows has signed it; name its CA with ca=");
}

static char *say_identity(const struct secure *secure)
{
	g_autofree char *names = holders(secure->shown);

	return g_strdup_printf("it is for %s, not for %s; name= says whom to expect", names,
			       secure->name);
}

static char *say_early(const struct secure *secure)
{
	g_autofree char *text = day(g_tls_certificate_get_not_valid_before(secure->shown));

	return g_strdup_printf("it is not valid before %s", text);
}

static char *say_expired(const struct secure *secure)
{
	g_autofree char *text = day(g_tls_certificate_get_not_valid_after(secure->shown));

	return g_strdup_printf("it expired at %s", text);
}

static char *say_revoked(const struct secure *secure)
{
	(void)secure;
	return g_strdup("it has been revoked");
}

static char *say_insecure(const struct secure *secure)
{
	(void)secure;
	return g_strdup("its key or signature is too weak");
}

static char *say_damaged(const struct secure *secure)
{
	(void)secure;
	return g_strdup("it cannot be verified");
}

static const struct {
	GTlsCertificateFlags fault;
	char *(*say)(const struct secure *secure);
} faults[] = {
	{ G_TLS_CERTIFICATE_UNKNOWN_CA, say_unknown },
	{ G_TLS_CERTIFICATE_BAD_IDENTITY, say_identity },
	{ G_TLS_CERTIFICATE_NOT_ACTIVATED, say_early },
	{ G_TLS_CERTIFICATE_EXPIRED, say_expired },
	{ G_TLS_CERTIFICATE_REVOKED, say_revoked },
	{ G_TLS_CERTIFICATE_INSECURE, say_insecure },
	{ G_TLS_CERTIFICATE_GENERIC_ERROR, say_damaged },
};

static char *say_faults(const struct secure *secure)
{
	GString *text = g_string_new("the collector's certificate is refused: ");
	const char *between = "";

	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_autofree char *one = NULL;

		if (!(secure->faults & faults[i].fault))
			continue;
		one = faults[i].say(secure);
		g_string_append_printf(text, "%s%s", between, one);
		between = ", and ";
	}
	return g_string_free(text, FALSE);
}

/* An alert of the collector, most likely; which it was is in the text of GIO alone. */
static char *say_refusal(const struct secure *secure, const char *reason)
{
	g_autofree char *short_reason = g_strdup(reason);
	size_t length = strlen(short_reason);

	if (length > 0 && short_reason[length - 1] == '.')
		short_reason[length - 1] = '\0';
	if (secure->own)
		return g_strdup_printf("the collector refuses the session (%s); it was shown the "
				       "certificate of cert=%s",
				       short_reason, secure->own_file);
	return g_strdup_printf("the collector refuses the session (%s); if it wants a certificate "
			       "of ours, name one with cert= and key=",
			       short_reason);
}

void secure_explain(const struct secure *secure, GError **error)
{
	char *text;

	if (!error || !*error || (*error)->domain != G_TLS_ERROR)
		return;
	if (secure->faults)
		text = say_faults(secure);
	else if ((*error)->code == G_TLS_ERROR_NOT_TLS)
		text = g_strdup("what answers there does not speak TLS");
	else
		text = say_refusal(secure, (*error)->message);
	g_clear_error(error);
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, text);
	g_free(text);
}
