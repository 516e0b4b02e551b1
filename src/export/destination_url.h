/* SPDX-License-Identifier: BSD-2-Clause */
/* Where records go, as the user writes it: "ipfix+file:PATH?template=NAME&domain=N",
 * "ipfix+udp://HOST:PORT?refresh=60". */
#ifndef WEIR_EXPORT_DESTINATION_URL_H
#define WEIR_EXPORT_DESTINATION_URL_H

#include "export/encoder.h"
#include "export/transport.h"

struct destination_url {
	const struct encoder_ops *ops;
	const struct transport_ops *transport; /* NULL: a file */
	char *path; /* of a file, with rotation a pattern; "-" is standard output */
	char *host;
	guint16 port;
	char *template_name; /* NULL: not said */
	bool has_domain;
	guint32 domain;
	guint16 mtu; /* octets of a message at most; 0: not said */
	/* Of files. */
	guint64 rotate_ns;     /* a new one at every multiple of it; 0: never */
	guint64 rotate_octets; /* a new one when it has so many; 0: never */
	bool gzip;
	/* Of collectors; where not said, what suits most. */
	guint64 queue_octets;
	guint64 refresh_s;
	guint64 refresh_messages;
	guint64 linger_s;
	guint64 pace; /* messages a second at most; 0: no limit; G_MAXUINT64: not said */
	guint64 timeout_s;
	guint64 renew_s;
	char *spool; /* folder for what a collector cannot take yet; NULL: none */
	guint64 spool_octets;
	/* Of those with certificates; NULL: not said. */
	char *ca;
	char *cert;
	char *key;
	char *name;
	char *fault; /* while parsing: the option that is wrong */
};

/* A "?" begins the options; one that belongs to the path is written %3F, and a "%" as %25. With
 * rotation, a "%" before a conversion of export/file_pattern.h is itself. */
bool destination_url_parse(const char *url, struct destination_url *ret_url, GError **error);
/* The same with another name for it in errors. ret_key: where an option is wrong, its name, free
 * with g_free; else untouched. May be NULL. */
bool destination_url_parse_as(const char *url, const char *label, struct destination_url *ret_url,
			      char **ret_key, GError **error);
void destination_url_clear(struct destination_url *url);

/* The names of all options; NULL-terminated, free with g_strfreev. */
char **destination_url_keys(void);
/* The URL with one more option; free with g_free. */
char *destination_url_with(const char *url, const char *key, const char *value);

#endif
