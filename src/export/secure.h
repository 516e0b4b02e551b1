/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates: which of a collector is good, and which of ours it is shown. What is wrong with
 * one is said in words. */
#ifndef WEIR_EXPORT_SECURE_H
#define WEIR_EXPORT_SECURE_H

#include "export/transport.h"

struct secure;

/* Reads the files; what is wrong with them is a usage error. */
struct secure *secure_new(const struct transport_options *options, GError **error);
void secure_free(struct secure *secure);

/* Whose certificate is wanted. */
GSocketConnectable *secure_peer(const struct secure *secure);
/* Before the handshake of a connection for TLS or DTLS; secure outlives it. */
void secure_prepare(struct secure *secure, GObject *connection);
/* After a handshake: what GIO would take, but the standard (RFC 7011, 10.4) does not. */
bool secure_version_good(GTlsProtocolVersion version, GError **error);
/* Says in words why a connection failed; also of one that broke later. */
void secure_explain(const struct secure *secure, GError **error);

#endif
