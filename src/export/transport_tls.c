/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of messages over TLS. As with TCP it is known what the other end's kernel has
 * acknowledged. That the collector has read it is known when it ends the session in order: with its
 * close-notify, and with a FIN behind it, as a RST there says that it left octets unread. Many end
 * without a close-notify of their own; that does once they have been told that no more comes. */
#include <linux/sockios.h>
#include <linux/tcp.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "export/secure.h"

/* In TLS 1.3 our side of the handshake is over before the collector has judged our certificate.
 * What it says next is tickets, or a refusal; one that says nothing is given so long. */
#define VERDICT_US   (G_USEC_PER_SEC / 2)
/* From the close-notify to the end of the connection. */
#define END_US	     (2 * G_USEC_PER_SEC)
/* Our own close-notify is not worth more. */
#define CLOSE_S	     1
#define TALK	     512
/* The window a collector offers when its buffer is empty is what it can hold unread; it may have
 * offered more than was looked at. */
#define WINDOWS	     2
#define UNREAD_LEAST (4u << 20)
#define UNREAD_MOST  (64u << 20)

struct transport {
	char *host;
	guint16 port;
	guint timeout_s;
	struct secure *secure;
	GSocketConnection *base; /* NULL: not connected */
	GIOStream *session;
	bool finishing; /* no more comes */
	bool finished;	/* and it has been told so */
	bool broken;	/* it did not end in order */
	guint64 window; /* the widest the other end has offered */
};

static struct transport *tls_open(const struct transport_options *options, GError **error)
{
	struct secure *secure = secure_new(options, error);
	struct transport *transport;

	if (!secure)
		return NULL;
	transport = g_new0(struct transport, 1);
	transport->host = g_strdup(options->host);
	transport->port = options->port;
	transport->timeout_s = options->timeout_s;
	transport->secure = secure;
	return transport;
}

static GSocket *socket_of(const struct transport *transport)
{
	return g_socket_connection_get_socket(transport->base);
}

static void tls_disconnect(struct transport *transport)
{
	if (!transport->base)
		return;
	g_socket_set_timeout(socket_of(transport), CLOSE_S);
	if (transport->broken)
		g_socket_close(socket_of(transport), NULL);
	if (transport->session)
		g_io_stream_close(transport->session, NULL, NULL);
	g_clear_object(&transport->session);
	g_clear_object(&transport->base);
}

static void tls_free(struct transport *transport)
{
	tls_disconnect(transport);
	secure_free(transport->secure);
	g_free(transport->host);
	g_free(transport);
}

static bool reach(struct transport *transport, GCancellable *stop, GError **error)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();

	g_socket_client_set_enable_proxy(client, FALSE); /* of the user's browser */
	g_socket_client_set_timeout(client, transport->timeout_s);
	transport->base = g_socket_client_connect_to_host(client, transport->host, transport->port,
							  stop, error);
	if (!transport->base)
		return false;
	g_socket_set_keepalive(socket_of(transport), TRUE);
	/* A collector whose host is gone acknowledges nothing. */
	g_socket_set_option(socket_of(transport), IPPROTO_TCP, TCP_USER_TIMEOUT,
			    (gint)transport->timeout_s * 1000, NULL);
	return true;
}

/* FIN or RST, once the session is over. */
static bool ended_in_order(struct transport *transport)
{
	char octet;

	g_socket_condition_timed_wait(socket_of(transport), G_IO_IN | G_IO_HUP | G_IO_ERR, END_US,
				      NULL, NULL);
	return recv(g_socket_get_fd(socket_of(transport)), &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Reads what the collector says, nothing of which is for us but the end. False: that was it; with
 * an error if it was not in order. */
static bool listen_to(struct transport *transport, GError **error)
{
	GPollableInputStream *in =
		G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(transport->session));
	GError *fault = NULL;
	char talk[TALK];
	gssize got;

	do {
		g_clear_error(&fault);
		got = g_pollable_input_stream_read_nonblocking(in, talk, sizeof(talk), NULL,
							       &fault);
	} while (got > 0 || (g_error_matches(fault, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) &&
			     g_socket_get_available_bytes(socket_of(transport)) > 0));
	if (g_error_matches(fault, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
		g_error_free(fault);
		return true;
	}
	if (transport->finished && g_error_matches(fault, G_TLS_ERROR, G_TLS_ERROR_EOF))
		g_clear_error(&fault);
	transport->broken = fault || !ended_in_order(transport);
	if (fault)
		g_propagate_error(error, fault);
	return false;
}

static bool await_verdict(struct transport *transport, GCancellable *stop, GError **error)
{
	GError *fault = NULL;

	if (g_tls_connection_get_protocol_version(G_TLS_CONNECTION(transport->session)) <
	    G_TLS_PROTOCOL_VERSION_TLS_1_3)
		return true;
	if (!g_socket_condition_timed_wait(socket_of(transport), G_IO_IN, VERDICT_US, stop,
					   &fault) &&
	    !g_error_matches(fault, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) {
		g_propagate_error(error, fault);
		return false;
	}
	g_clear_error(&fault);
	if (listen_to(transport, error))
		return true;
	if (error && !*error)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "the collector ended the session at once");
	return false;
}

static bool shake_hands(struct transport *transport, GCancellable *stop, GError **error)
{
	GTlsConnection *session;

	transport->session = g_tls_client_connection_new(G_IO_STREAM(transport->base),
							 secure_peer(transport->secure), error);
	if (!transport->session)
		return false;
	session = G_TLS_CONNECTION(transport->session);
	secure_prepare(transport->secure, G_OBJECT(session));
	return g_tls_connection_handshake(session, stop, error) &&
	       secure_version_good(g_tls_connection_get_protocol_version(session), error) &&
	       await_verdict(transport, stop, error);
}

static bool tls_connect(struct transport *transport, GCancellable *stop, GError **error)
{
	transport->broken = transport->finishing = transport->finished = false;
	transport->window = 0;
	if (!reach(transport, stop, error))
		return false;
	if (shake_hands(transport, stop, error))
		return true;
	secure_explain(transport->secure, error);
	transport->broken = true;
	tls_disconnect(transport);
	return false;
}

static bool tls_send(struct transport *transport, struct transport_batch *batch, GCancellable *stop,
		     GError **error)
{
	GOutputStream *out = g_io_stream_get_output_stream(transport->session);

	for (batch->sent = 0; batch->sent < batch->count; batch->sent++) {
		const struct transport_octets *message = &batch->messages[batch->sent];

		if (!g_output_stream_write_all(out, message->octets, message->length, NULL, stop,
					       error)) {
			transport->broken = true;
			secure_explain(transport->secure, error);
			return false;
		}
	}
	return true;
}

static void look_at_window(struct transport *transport)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	if (getsockopt(g_socket_get_fd(socket_of(transport)), IPPROTO_TCP, TCP_INFO, &info,
		       &length) == 0)
		transport->window = MAX(transport->window, info.tcpi_snd_wnd);
}

/* The close-notify, as soon as there is room for it. */
static void tell_end(struct transport *transport)
{
	GOutputStream *out = g_io_stream_get_output_stream(transport->session);

	if (transport->finished ||
	    !g_pollable_output_stream_is_writable(G_POLLABLE_OUTPUT_STREAM(out)))
		return;
	transport->finished = true;
	g_output_stream_close(out, NULL, NULL);
}

static bool tls_is_alive(struct transport *transport)
{
	if (!transport->base || transport->broken)
		return false;
	look_at_window(transport);
	if (transport->finishing)
		tell_end(transport);
	return listen_to(transport, NULL);
}

static guint64 tls_unconfirmed(struct transport *transport)
{
	int waiting = 0;

	if (!transport->base)
		return 0;
	ioctl(g_socket_get_fd(socket_of(transport)), SIOCOUTQ, &waiting);
	return transport->broken ? MAX((guint64)waiting, 1) : (guint64)waiting;
}

static guint64 tls_unread_most(struct transport *transport)
{
	return CLAMP(transport->window * WINDOWS, UNREAD_LEAST, UNREAD_MOST);
}

static void tls_finish(struct transport *transport)
{
	transport->finishing = true;
	if (transport->base && !transport->broken)
		tell_end(transport);
}

const struct transport_ops tls_transport = {
	.name = "tls",
	.secure = true,
	.sessions = true,
	.port = 4740,
	.open = tls_open,
	.connect = tls_connect,
	.send = tls_send,
	.is_alive = tls_is_alive,
	.unconfirmed = tls_unconfirmed,
	.unread_most = tls_unread_most,
	.finish = tls_finish,
	.disconnect = tls_disconnect,
	.free = tls_free,
};
