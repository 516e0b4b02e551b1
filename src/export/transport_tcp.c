/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of messages over TCP. What the other end's kernel has acknowledged is known; what its
 * process has read is not. */
#include <linux/sockios.h>
#include <linux/tcp.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "export/transport.h"

/* The window a collector offers when its buffer is empty is what it can hold unread; it may have
 * offered more than was looked at. */
#define WINDOWS	     2
#define UNREAD_LEAST (4u << 20)
#define UNREAD_MOST  (64u << 20)
/* Octets of idle talk read at a time. */
#define TALK	     512

struct transport {
	char *host;
	guint16 port;
	guint timeout_s;
	GSocketConnection *connection; /* NULL: not connected */
	bool broken;		       /* it did not end in order */
	guint64 window;		       /* the widest the other end has offered */
};

static struct transport *tcp_open(const struct transport_options *options, GError **error)
{
	struct transport *transport = g_new0(struct transport, 1);

	(void)error;
	transport->host = g_strdup(options->host);
	transport->port = options->port;
	transport->timeout_s = options->timeout_s;
	return transport;
}

static void tcp_disconnect(struct transport *transport)
{
	g_clear_object(&transport->connection);
}

static void tcp_free(struct transport *transport)
{
	tcp_disconnect(transport);
	g_free(transport->host);
	g_free(transport);
}

static bool tcp_connect(struct transport *transport, GCancellable *stop, GError **error)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();
	GSocket *socket;

	g_socket_client_set_enable_proxy(client, FALSE); /* of the user's browser */
	g_socket_client_set_timeout(client, transport->timeout_s);
	transport->connection = g_socket_client_connect_to_host(client, transport->host,
								transport->port, stop, error);
	if (!transport->connection)
		return false;
	transport->broken = false;
	transport->window = 0;
	socket = g_socket_connection_get_socket(transport->connection);
	g_socket_set_keepalive(socket, TRUE);
	/* A collector whose host is gone acknowledges nothing. */
	g_socket_set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
			    (gint)transport->timeout_s * 1000, NULL);
	return true;
}

static bool tcp_send(struct transport *transport, struct transport_batch *batch, GCancellable *stop,
		     GError **error)
{
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(transport->connection));

	for (batch->sent = 0; batch->sent < batch->count; batch->sent++) {
		const struct transport_octets *message = &batch->messages[batch->sent];

		if (!g_output_stream_write_all(out, message->octets, message->length, NULL, stop,
					       error))
			return false;
	}
	return true;
}

static int descriptor(const struct transport *transport)
{
	return g_socket_get_fd(g_socket_connection_get_socket(transport->connection));
}

static void look_at_window(struct transport *transport)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	if (getsockopt(descriptor(transport), IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
		transport->window = MAX(transport->window, info.tcpi_snd_wnd);
}

/* Collectors say nothing of use, but what they say stands before the end. */
static bool tcp_is_alive(struct transport *transport)
{
	char talk[TALK];
	ssize_t got;

	if (!transport->connection)
		return false;
	look_at_window(transport);
	do {
		got = recv(descriptor(transport), talk, sizeof(talk), MSG_DONTWAIT);
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0 && errno == EAGAIN)
		return true;
	transport->broken = got < 0;
	return false;
}

/* A collector that dies with octets unread breaks the connection: then it does not count that its
 * kernel has acknowledged them. */
static guint64 tcp_unconfirmed(struct transport *transport)
{
	int waiting = 0;

	if (!transport->connection)
		return 0;
	ioctl(descriptor(transport), SIOCOUTQ, &waiting);
	return transport->broken ? MAX((guint64)waiting, 1) : (guint64)waiting;
}

static guint64 tcp_unread_most(struct transport *transport)
{
	return CLAMP(transport->window * WINDOWS, UNREAD_LEAST, UNREAD_MOST);
}

static void tcp_finish(struct transport *transport)
{
	if (transport->connection)
		shutdown(descriptor(transport), SHUT_WR);
}

const struct transport_ops tcp_transport = {
	.name = "tcp",
	.sessions = true,
	.port = 4739,
	.open = tcp_open,
	.connect = tcp_connect,
	.send = tcp_send,
	.is_alive = tcp_is_alive,
	.unconfirmed = tcp_unconfirmed,
	.unread_most = tcp_unread_most,
	.finish = tcp_finish,
	.disconnect = tcp_disconnect,
	.free = tcp_free,
};
