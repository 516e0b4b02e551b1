/* SPDX-License-Identifier: BSD-2-Clause */
/* A message of SCTP a message, in order, reliably, on the first stream of an association; by the
 * kernel's own SCTP, where it has any. */
/* linux/sctp.h wants the types of the others before it. */
/* clang-format off */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <linux/sctp.h>
/* clang-format on */

#include "base/error.h"
#include "export/reach.h"
#include "export/transport.h"

struct transport {
	char *host;
	guint16 port;
	guint timeout_s;
	GSocket *socket; /* NULL: not connected */
	bool broken;	 /* it did not end in order */
	bool ended;	 /* it did: nothing was on its way then */
};

static bool kernel_has_sctp(GError **error)
{
	g_autoptr(GSocket) probe = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
						G_SOCKET_PROTOCOL_SCTP, NULL);

	if (!probe)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "this kernel has no SCTP; load its module sctp, or take tcp");
	return probe != NULL;
}

static struct transport *sctp_open(const struct transport_options *options, GError **error)
{
	struct transport *transport;

	if (!kernel_has_sctp(error))
		return NULL;
	transport = g_new0(struct transport, 1);
	transport->host = g_strdup(options->host);
	transport->port = options->port;
	transport->timeout_s = options->timeout_s;
	return transport;
}

static void sctp_disconnect(struct transport *transport)
{
	g_clear_object(&transport->socket);
}

static void sctp_free(struct transport *transport)
{
	sctp_disconnect(transport);
	g_free(transport->host);
	g_free(transport);
}

static bool try_address(void *data, GSocketAddress *address, GCancellable *stop, GError **error)
{
	struct transport *transport = data;

	transport->socket = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM,
					 G_SOCKET_PROTOCOL_SCTP, error);
	if (!transport->socket)
		return false;
	g_socket_set_timeout(transport->socket, transport->timeout_s);
	if (g_socket_connect(transport->socket, address, stop, error))
		return true;
	g_clear_object(&transport->socket);
	return false;
}

static bool sctp_connect(struct transport *transport, GCancellable *stop, GError **error)
{
	g_autoptr(GSocketConnectable) place =
		g_network_address_new(transport->host, transport->port);

	transport->broken = transport->ended = false;
	return reach_any(place, try_address, transport, stop, error);
}

/* SCTP takes a message whole or not at all. */
static bool sctp_send(struct transport *transport, struct transport_batch *batch,
		      GCancellable *stop, GError **error)
{
	for (batch->sent = 0; batch->sent < batch->count; batch->sent++) {
		const struct transport_octets *message = &batch->messages[batch->sent];

		if (g_socket_send(transport->socket, (const char *)message->octets, message->length,
				  stop, error) < 0)
			return false;
	}
	return true;
}

/* Collectors say nothing of use: what can be read is the end. */
static bool sctp_is_alive(struct transport *transport)
{
	char octet;
	ssize_t got;

	if (!transport->socket)
		return false;
	do {
		got = recv(g_socket_get_fd(transport->socket), &octet, 1, MSG_DONTWAIT);
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0 && errno == EAGAIN)
		return true;
	transport->broken = got < 0;
	transport->ended = got == 0;
	return false;
}

/* In chunks, as nobody tells octets; 0 is 0 in both. */
static guint64 sctp_unconfirmed(struct transport *transport)
{
	struct sctp_status status = { 0 };
	socklen_t length = sizeof(status);

	if (!transport->socket || transport->ended)
		return 0;
	if (transport->broken || getsockopt(g_socket_get_fd(transport->socket), IPPROTO_SCTP,
					    SCTP_STATUS, &status, &length) != 0)
		return 1;
	return (guint64)status.sstat_unackdata + status.sstat_penddata;
}

const struct transport_ops sctp_transport = {
	.name = "sctp",
	.sessions = true,
	.port = 4739,
	.open = sctp_open,
	.connect = sctp_connect,
	.send = sctp_send,
	.is_alive = sctp_is_alive,
	.unconfirmed = sctp_unconfirmed,
	.disconnect = sctp_disconnect,
	.free = sctp_free,
};
