/* SPDX-License-Identifier: BSD-2-Clause */
/* A datagram a message, over DTLS. A collector answers nothing after the handshake, so one that
 * has gone is found by what comes back: a refusal of its host, or an alert of its own. One that has
 * come back unseen, with the old session forgotten, drops everything in silence; hence every
 * session ends after a while, and the handshake of the next one proves that somebody listens. */
#include <errno.h>
#include <sys/socket.h>

#include "base/error.h"
#include "export/reach.h"
#include "export/secure.h"

#define BATCH 64
#define TALK  2048

struct transport {
	char *host;
	guint16 port;
	guint timeout_s;
	guint renew_s;
	struct secure *secure;
	GSocket *socket; /* NULL: not connected */
	GDatagramBased *session;
	gint64 since_us;
	bool refused; /* it did not end in order */
};

/* g_tls_backend_supports_dtls denies it for backends that have it. */
static bool has_dtls(void)
{
	GType type = g_tls_backend_get_dtls_client_connection_type(g_tls_backend_get_default());

	return g_type_is_a(type, G_TYPE_DTLS_CLIENT_CONNECTION);
}

static struct transport *dtls_open(const struct transport_options *options, GError **error)
{
	struct secure *secure;
	struct transport *transport;

	if (!has_dtls()) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "GIO has no DTLS on this system; install glib-networking with GnuTLS, "
			    "or take tls");
		return NULL;
	}
	secure = secure_new(options, error);
	if (!secure)
		return NULL;
	transport = g_new0(struct transport, 1);
	transport->host = g_strdup(options->host);
	transport->port = options->port;
	transport->timeout_s = options->timeout_s;
	transport->renew_s = options->renew_s;
	transport->secure = secure;
	return transport;
}

static void dtls_disconnect(struct transport *transport)
{
	if (!transport->socket)
		return;
	if (transport->session)
		g_dtls_connection_close(G_DTLS_CONNECTION(transport->session), NULL, NULL);
	g_clear_object(&transport->session);
	g_clear_object(&transport->socket);
}

static void dtls_free(struct transport *transport)
{
	dtls_disconnect(transport);
	secure_free(transport->secure);
	g_free(transport->host);
	g_free(transport);
}

/* --- the handshake, within a time --- */

struct handshake {
	GAsyncResult *result;
	GCancellable *limit;
};

static void note_result(GObject *session, GAsyncResult *result, gpointer data)
{
	struct handshake *handshake = data;

	(void)session;
	handshake->result = g_object_ref(result);
}

static gboolean end_time(gpointer limit)
{
	g_cancellable_cancel(limit);
	return G_SOURCE_REMOVE;
}

static void pass_on(GCancellable *stop, GCancellable *limit)
{
	(void)stop;
	g_cancellable_cancel(limit);
}

static GSource *start_timer(GMainContext *context, guint timeout_s, GCancellable *limit)
{
	GSource *timer = g_timeout_source_new_seconds(timeout_s);

	g_source_set_callback(timer, end_time, limit, NULL);
	g_source_attach(timer, context);
	return timer;
}

/* The socket cannot have a time-out: with one, GIO's GSocket fails to send messages. So there is a
 * clock beside the handshake, in a context of this thread's own. */
static bool shake_in_time(GDtlsConnection *session, guint timeout_s, GCancellable *stop,
			  GError **error)
{
	struct handshake handshake = { .limit = g_cancellable_new() };
	GMainContext *context = g_main_context_new();
	GSource *timer = start_timer(context, timeout_s, handshake.limit);
	gulong handler = g_cancellable_connect(stop, G_CALLBACK(pass_on), handshake.limit, NULL);
	bool good;

	g_main_context_push_thread_default(context);
	g_dtls_connection_handshake_async(session, G_PRIORITY_DEFAULT, handshake.limit, note_result,
					  &handshake);
	while (!handshake.result)
		g_main_context_iteration(context, TRUE);
	good = g_dtls_connection_handshake_finish(session, handshake.result, error);
	g_main_context_pop_thread_default(context);
	g_cancellable_disconnect(stop, handler);
	g_source_destroy(timer);
	g_source_unref(timer);
	g_main_context_unref(context);
	g_object_unref(handshake.result);
	g_object_unref(handshake.limit);
	if (!good && !g_cancellable_is_cancelled(stop) &&
	    g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		g_clear_error(error);
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "nothing there answers the handshake");
	}
	return good;
}

static bool shake_hands(struct transport *transport, GCancellable *stop, GError **error)
{
	GDtlsConnection *session;

	transport->session = g_dtls_client_connection_new(G_DATAGRAM_BASED(transport->socket),
							  secure_peer(transport->secure), error);
	if (!transport->session)
		return false;
	session = G_DTLS_CONNECTION(transport->session);
	secure_prepare(transport->secure, G_OBJECT(session));
	return shake_in_time(session, transport->timeout_s, stop, error) &&
	       secure_version_good(g_dtls_connection_get_protocol_version(session), error);
}

static bool try_address(void *data, GSocketAddress *address, GCancellable *stop, GError **error)
{
	struct transport *transport = data;

	transport->socket = reach_datagrams(address, error);
	if (!transport->socket)
		return false;
	if (g_socket_connect(transport->socket, address, stop, error) &&
	    shake_hands(transport, stop, error))
		return true;
	secure_explain(transport->secure, error);
	dtls_disconnect(transport);
	return false;
}

static bool dtls_connect(struct transport *transport, GCancellable *stop, GError **error)
{
	g_autoptr(GSocketConnectable) place =
		g_network_address_new(transport->host, transport->port);

	transport->refused = false;
	if (!reach_any(place, try_address, transport, stop, error))
		return false;
	transport->since_us = g_get_monotonic_time(); /* however long the handshake took */
	return true;
}

/* Up to a batch; how many were sent, or -1. */
static gint send_batch(struct transport *transport, const struct transport_octets *messages,
		       guint count, GCancellable *stop, GError **error)
{
	GOutputVector vectors[BATCH];
	GOutputMessage headers[BATCH] = { 0 };

	for (guint i = 0; i < count; i++) {
		vectors[i] = (GOutputVector){ messages[i].octets, messages[i].length };
		headers[i].vectors = &vectors[i];
		headers[i].num_vectors = 1;
	}
	return g_datagram_based_send_messages(transport->session, headers, count, 0,
					      (gint64)transport->timeout_s * G_USEC_PER_SEC, stop,
					      error);
}

static bool dtls_send(struct transport *transport, struct transport_batch *batch,
		      GCancellable *stop, GError **error)
{
	batch->sent = 0;
	while (batch->sent < batch->count) {
		gint sent = send_batch(transport, batch->messages + batch->sent,
				       MIN(batch->count - batch->sent, BATCH), stop, error);

		if (sent <= 0) {
			secure_explain(transport->secure, error);
			return false;
		}
		batch->sent += (guint)sent;
	}
	return true;
}

/* Reads what comes back; false: it was the end, or a refusal. */
static bool listen_to(struct transport *transport)
{
	char talk[TALK];
	GInputVector vector = { talk, sizeof(talk) };
	gint got;

	do {
		GInputMessage message = { .vectors = &vector, .num_vectors = 1 };
		g_autoptr(GError) fault = NULL;

		got = g_datagram_based_receive_messages(transport->session, &message, 1, 0, 0, NULL,
							&fault);
		if (g_error_matches(fault, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
			return true;
		if (got > 0 && message.bytes_received == 0)
			return false;
		transport->refused = got <= 0;
	} while (got > 0);
	return false;
}

static bool is_old(const struct transport *transport)
{
	return transport->renew_s && g_get_monotonic_time() - transport->since_us >=
					     (gint64)transport->renew_s * G_USEC_PER_SEC;
}

static bool dtls_is_alive(struct transport *transport)
{
	return transport->session && !is_old(transport) && listen_to(transport);
}

static guint64 dtls_unconfirmed(struct transport *transport)
{
	return transport->refused ? 1 : 0;
}

/* GIO takes 1400 octets for what a path carries: a message has what headers and ciphers leave. */
const struct transport_ops dtls_transport = {
	.name = "dtls",
	.datagrams = true,
	.secure = true,
	.sessions = true,
	.port = 4740,
	.message_max = 1300,
	.message_most = 1300,
	.open = dtls_open,
	.connect = dtls_connect,
	.send = dtls_send,
	.is_alive = dtls_is_alive,
	.unconfirmed = dtls_unconfirmed,
	.disconnect = dtls_disconnect,
	.free = dtls_free,
};
