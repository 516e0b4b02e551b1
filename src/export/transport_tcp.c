/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of messages over TCP. What the other end's kernel has acknowledged is known; what its
 * process has read is not. */
#include <linux/sockios.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "export/transport.h"

struct transport {
	char *host;
	guint16 port;
	guint timeout_s;
	GSocketConnection *connection; /* NULL: not connected */
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

	g_socket_client_set_timeout(client, transport->timeout_s);
	transport->connection = g_socket_client_connect_to_host(client, transport->host,
								transport->port, stop, error);
	if (!transport->connection)
		return false;
	socket = g_socket_connection_get_socket(transport->connection);
	g_socket_set_keepalive(socket, TRUE);
	/* A collector whose host is gone acknowledges nothing. */
	g_socket_set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
			    (gint)transport->timeout_s * 1000, NULL);
	return true;
}

static bool tcp_send(struct transport *transport, const struct transport_octets *messages,
		     guint count, GCancellable *stop, guint *ret_sent, GError **error)
{
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(transport->connection));

	for (*ret_sent = 0; *ret_sent < count; (*ret_sent)++) {
		const struct transport_octets *message = &messages[*ret_sent];

		if (!g_output_stream_write_all(out, message->octets, message->length, NULL, stop,
					       error))
			return false;
	}
	return true;
}

/* Collectors say nothing: what can be read is the end. */
static bool tcp_is_alive(struct transport *transport)
{
	char octet;
	ssize_t got;

	if (!transport->connection)
		return false;
	got = recv(g_socket_get_fd(g_socket_connection_get_socket(transport->connection)), &octet,
		   1, MSG_PEEK | MSG_DONTWAIT);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static guint64 tcp_unconfirmed(struct transport *transport)
{
	int waiting = 0;

	if (transport->connection)
		ioctl(g_socket_get_fd(g_socket_connection_get_socket(transport->connection)),
		      SIOCOUTQ, &waiting);
	return (guint64)waiting;
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
	.disconnect = tcp_disconnect,
	.free = tcp_free,
};
