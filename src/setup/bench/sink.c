/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/bench/sink.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define STREAM_OCTETS	(256 * 1024)
#define DATAGRAMS	64
#define DATAGRAM_OCTETS 2048
#define RECEIVE_BUFFER	(64 << 20)
#define NAP_BUFFER	(16 << 20)
#define NAP_US		1000

struct sink {
	bool stream;
	bool naps;
	int socket; /* of a stream: the one that listens */
	int ended;  /* an eventfd */
	guint16 port;
	GThread *thread;
	struct sink_figures figures;
	guint8 octets[STREAM_OCTETS];
};

/* Woken by every datagram it would cost the sender a wake-up each, which a collector on another
 * host does not: with room enough it looks now and then. */
static void nap(const struct sink *sink)
{
	struct pollfd end = { .fd = sink->ended, .events = POLLIN };

	if (sink->naps && poll(&end, 1, 0) == 0)
		g_usleep(NAP_US);
}

/* False: there is nothing to read and nothing more comes. */
static bool wait_for(struct sink *sink)
{
	struct pollfd ends[] = { { .fd = sink->socket, .events = POLLIN },
				 { .fd = sink->ended, .events = POLLIN } };

	while (poll(ends, G_N_ELEMENTS(ends), -1) < 0 && errno == EINTR)
		;
	return ends[0].revents;
}

static void read_stream(struct sink *sink)
{
	ssize_t got = 1;
	int connection;

	if (!wait_for(sink))
		return;
	connection = accept4(sink->socket, NULL, NULL, SOCK_CLOEXEC);
	while (connection >= 0 && got > 0) {
		got = read(connection, sink->octets, sizeof(sink->octets));
		sink->figures.octets += (guint64)MAX(got, 0);
	}
	if (connection >= 0)
		close(connection);
}

static void read_datagrams(struct sink *sink)
{
	struct mmsghdr headers[DATAGRAMS] = { 0 };
	struct iovec vectors[DATAGRAMS];

	for (size_t i = 0; i < DATAGRAMS; i++) {
		vectors[i].iov_base = sink->octets + i * DATAGRAM_OCTETS;
		vectors[i].iov_len = DATAGRAM_OCTETS;
		headers[i].msg_hdr.msg_iov = &vectors[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	while (wait_for(sink)) {
		int got;

		do {
			got = recvmmsg(sink->socket, headers, DATAGRAMS, MSG_DONTWAIT, NULL);
			for (int i = 0; i < got; i++)
				sink->figures.octets += headers[i].msg_len;
		} while (got > 0);
		nap(sink);
	}
}

static gpointer run(gpointer data)
{
	struct sink *sink = data;
	struct timespec took;

	if (sink->stream)
		read_stream(sink);
	else
		read_datagrams(sink);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &took);
	sink->figures.cpu_ns = (guint64)took.tv_sec * 1000000000 + (guint64)took.tv_nsec;
	return NULL;
}

/* As much as the kernel gives: what it has no room for does not arrive. */
static void take_room(struct sink *sink)
{
	int room = RECEIVE_BUFFER;
	socklen_t length = sizeof(room);

	if (setsockopt(sink->socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, length))
		setsockopt(sink->socket, SOL_SOCKET, SO_RCVBUF, &room, length);
	sink->naps = getsockopt(sink->socket, SOL_SOCKET, SO_RCVBUF, &room, &length) == 0 &&
		     room >= NAP_BUFFER;
}

static bool open_socket(struct sink *sink)
{
	struct sockaddr_in place = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(place);

	sink->ended = eventfd(0, EFD_CLOEXEC);
	sink->socket = socket(AF_INET, (sink->stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (sink->ended < 0 || sink->socket < 0)
		return false;
	if (!sink->stream)
		take_room(sink);
	if (bind(sink->socket, (struct sockaddr *)&place, length) ||
	    (sink->stream && listen(sink->socket, 1)) ||
	    getsockname(sink->socket, (struct sockaddr *)&place, &length))
		return false;
	sink->port = ntohs(place.sin_port);
	return true;
}

static void free_sink(struct sink *sink)
{
	if (sink->socket >= 0)
		close(sink->socket);
	if (sink->ended >= 0)
		close(sink->ended);
	g_free(sink);
}

struct sink *sink_new(bool stream, GError **error)
{
	struct sink *sink = g_new0(struct sink, 1);

	sink->stream = stream;
	sink->socket = sink->ended = -1;
	if (!open_socket(sink)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "socket on loopback: %s",
			    g_strerror(errno));
		free_sink(sink);
		return NULL;
	}
	sink->thread = g_thread_new("sink", run, sink);
	return sink;
}

guint16 sink_port(const struct sink *sink)
{
	return sink->port;
}

struct sink_figures sink_finish(struct sink *sink)
{
	struct sink_figures figures;

	eventfd_write(sink->ended, 1);
	g_thread_join(sink->thread);
	figures = sink->figures;
	free_sink(sink);
	return figures;
}
