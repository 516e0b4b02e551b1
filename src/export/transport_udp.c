/* SPDX-License-Identifier: BSD-2-Clause */
/* A datagram a message, many at a call (sendmmsg). Whether they arrive nobody says; refusals that
 * come back are found in the socket's queue of errors, as a call that sent some datagrams before it
 * met one says nothing of it. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/log.h"
#include "export/reach.h"
#include "export/transport.h"

#define BATCH	     64
#define POLL_MS	     200
/* Of IP and UDP. */
#define HEADERS_IPV4 28
#define HEADERS_MAX  48

/* The beginning of struct sock_extended_err; its header cannot be the first of all. */
struct told_error {
	guint32 number;
	guint8 origin;
};

#define ORIGIN_LOCAL 1

struct transport {
	char *host;
	guint16 port;
	GSocket *socket; /* NULL: not connected */
	size_t room;	 /* for a message in a packet of this path, as far as is known */
	bool warned;	 /* that messages have no room there */
};

static struct transport *udp_open(const struct transport_options *options, GError **error)
{
	struct transport *transport = g_new0(struct transport, 1);

	(void)error;
	transport->host = g_strdup(options->host);
	transport->port = options->port;
	return transport;
}

static void udp_disconnect(struct transport *transport)
{
	g_clear_object(&transport->socket);
}

static void udp_free(struct transport *transport)
{
	udp_disconnect(transport);
	g_free(transport->host);
	g_free(transport);
}

static bool try_address(void *data, GSocketAddress *address, GCancellable *stop, GError **error)
{
	struct transport *transport = data;

	transport->socket = reach_datagrams(address, error);
	if (!transport->socket)
		return false;
	g_socket_set_blocking(transport->socket, FALSE);
	if (g_socket_get_family(transport->socket) == G_SOCKET_FAMILY_IPV6)
		g_socket_set_option(transport->socket, IPPROTO_IPV6, IPV6_RECVERR, 1, NULL);
	else
		g_socket_set_option(transport->socket, IPPROTO_IP, IP_RECVERR, 1, NULL);
	if (g_socket_connect(transport->socket, address, stop, error))
		return true;
	g_clear_object(&transport->socket);
	return false;
}

/* What the system knows of the path: the interface's limit, and what came back from others. */
static size_t room_of(GSocket *socket)
{
	const bool ipv6 = g_socket_get_family(socket) == G_SOCKET_FAMILY_IPV6;
	int mtu;

	if (!g_socket_get_option(socket, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_MTU : IP_MTU,
				 &mtu, NULL) ||
	    mtu <= HEADERS_MAX)
		return G_MAXSIZE;
	return (size_t)mtu - (ipv6 ? HEADERS_MAX : HEADERS_IPV4);
}

static bool udp_connect(struct transport *transport, GCancellable *stop, GError **error)
{
	g_autoptr(GSocketConnectable) place =
		g_network_address_new(transport->host, transport->port);

	if (!reach_any(place, try_address, transport, stop, error))
		return false;
	transport->room = room_of(transport->socket);
	return true;
}

/* The system cuts such a message into fragments: it arrives, or all of it is lost with one of them.
 * RFC 7011, section 10.3.3, leaves it to the user to tell how long they may be. */
static void warn_of_length(struct transport *transport, const struct transport_batch *batch)
{
	for (guint i = 0; i < batch->count && !transport->warned; i++) {
		if (batch->messages[i].length <= transport->room)
			continue;
		transport->warned = true;
		log_warning("%s: messages of %zu octets are sent in pieces, as the way there takes "
			    "%zu; give it ?mtu=%zu, or a shorter template",
			    transport->host, batch->messages[i].length, transport->room,
			    transport->room);
	}
}

static bool wait_for_room(struct transport *transport, GCancellable *stop, GError **error)
{
	struct pollfd socket = { .fd = g_socket_get_fd(transport->socket), .events = POLLOUT };

	if (g_cancellable_set_error_if_cancelled(stop, error))
		return false;
	poll(&socket, 1, POLL_MS);
	return true;
}

static bool is_full(int code)
{
	return code == EAGAIN || code == ENOBUFS || code == EINTR;
}

/* Sends up to a batch of messages; how many the kernel took, or -1 with errno. */
static int send_batch(struct transport *transport, const struct transport_octets *messages,
		      guint count)
{
	struct mmsghdr headers[BATCH] = { 0 };
	struct iovec vectors[BATCH];

	for (guint i = 0; i < count; i++) {
		vectors[i].iov_base = (void *)messages[i].octets;
		vectors[i].iov_len = messages[i].length;
		headers[i].msg_hdr.msg_iov = &vectors[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(g_socket_get_fd(transport->socket), headers, count, 0);
}

static bool udp_send(struct transport *transport, struct transport_batch *batch, GCancellable *stop,
		     GError **error)
{
	bool refused = false;

	warn_of_length(transport, batch);
	batch->sent = 0;
	while (batch->sent < batch->count) {
		int sent = send_batch(transport, batch->messages + batch->sent,
				      MIN(batch->count - batch->sent, BATCH));

		if (sent > 0) {
			batch->sent += (guint)sent;
			refused = false;
		} else if (is_full(errno)) {
			if (!wait_for_room(transport, stop, error))
				return false;
		} else if (errno == ECONNREFUSED && !refused) {
			refused = true; /* an earlier one: this one was not sent yet */
		} else {
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s", g_strerror(errno));
			return false;
		}
	}
	return true;
}

/* One of the errors that wait, or 0. Those of this host's own making do not count: the datagram
 * was not sent, and the call has said so. */
static int waiting_error(int fd)
{
	char control[256];
	struct msghdr header = { .msg_control = control, .msg_controllen = sizeof(control) };

	if (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part;
	     part = CMSG_NXTHDR(&header, part)) {
		struct told_error told;

		memcpy(&told, CMSG_DATA(part), sizeof(told));
		if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
		    (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR))
			return told.origin == ORIGIN_LOCAL ? -1 : (int)told.number;
	}
	return -1;
}

static bool udp_is_alive(struct transport *transport)
{
	bool refused = false;
	int told;

	if (!transport->socket)
		return false;
	while ((told = waiting_error(g_socket_get_fd(transport->socket))) != 0)
		refused |= told == ECONNREFUSED;
	return !refused;
}

static guint64 udp_unconfirmed(struct transport *transport)
{
	(void)transport;
	return 0;
}

const struct transport_ops udp_transport = {
	.name = "udp",
	.datagrams = true,
	.port = 4739,
	.message_max = 1400,
	.open = udp_open,
	.connect = udp_connect,
	.send = udp_send,
	.is_alive = udp_is_alive,
	.unconfirmed = udp_unconfirmed,
	.disconnect = udp_disconnect,
	.free = udp_free,
};
