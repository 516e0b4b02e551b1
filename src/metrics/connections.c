/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is connected: so many at a time, each with a deadline. libsoup knows of neither, so the
 * connections are taken here and given to it. One whose time is over is shut down, and libsoup
 * finds that it has ended. */
#include "metrics/server_parts.h"

#define LOOK_MS 1000

struct client {
	struct metrics_server *server;
	GSocketConnection *connection; /* not ours: told when it goes */
	GSocketAddress *address;       /* by which its requests are known */
	gint64 deadline_us;
	bool idle; /* it has had an answer, and asks nothing now */
	bool expelled;
};

static void give_time(struct client *client, guint seconds, bool idle)
{
	client->deadline_us = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
	client->idle = idle;
}

static void on_gone(gpointer data, GObject *connection)
{
	struct client *client = data;

	(void)connection;
	g_queue_remove(&client->server->clients, client);
	g_object_unref(client->address);
	g_free(client);
}

static void expel(struct client *client)
{
	if (client->expelled)
		return;
	client->expelled = true;
	client->server->expelled++;
	g_socket_shutdown(g_socket_connection_get_socket(client->connection), TRUE, TRUE, NULL);
}

/* Who waits between two scrapes goes before who is at one, the longest first. */
static void make_room(struct metrics_server *server)
{
	struct client *worst = NULL;

	if (server->clients.length < SERVER_CLIENTS)
		return;
	for (GList *link = server->clients.head; link; link = link->next) {
		struct client *client = link->data;

		if (!client->expelled &&
		    (!worst || client->idle > worst->idle ||
		     (client->idle == worst->idle && client->deadline_us < worst->deadline_us)))
			worst = client;
	}
	if (worst)
		expel(worst);
}

static gboolean on_look(gpointer data)
{
	struct metrics_server *server = data;
	const gint64 now = g_get_monotonic_time();

	for (GList *link = server->clients.head; link; link = link->next) {
		struct client *client = link->data;

		if (now >= client->deadline_us)
			expel(client);
	}
	return G_SOURCE_CONTINUE;
}

/* --- connections --- */

static GIOStream *stream_of(const struct metrics_server *server, GSocketConnection *connection)
{
	if (!server->certificate)
		return g_object_ref(G_IO_STREAM(connection));
	return g_tls_server_connection_new(G_IO_STREAM(connection), server->certificate, NULL);
}

static void take(struct metrics_server *server, GSocket *socket)
{
	g_autoptr(GSocketConnection) connection =
		g_socket_connection_factory_create_connection(socket);
	g_autoptr(GSocketAddress) local = g_socket_get_local_address(socket, NULL);
	g_autoptr(GSocketAddress) remote = g_socket_get_remote_address(socket, NULL);
	g_autoptr(GIOStream) stream = stream_of(server, connection);
	struct client *client;

	if (!stream || !local || !remote)
		return; /* gone again */
	client = g_new0(struct client, 1);
	client->server = server;
	client->connection = connection;
	client->address = g_object_ref(remote);
	give_time(client, SERVER_REQUEST_S, false);
	g_queue_push_tail(&server->clients, client);
	g_object_weak_ref(G_OBJECT(connection), on_gone, client);
	soup_server_accept_iostream(server->soup, stream, local, remote, NULL);
}

static gboolean on_connection(GSocket *listening, GIOCondition condition, gpointer data)
{
	struct metrics_server *server = data;
	g_autoptr(GSocket) socket = g_socket_accept(listening, NULL, NULL);

	(void)condition;
	if (!socket)
		return G_SOURCE_CONTINUE;
	make_room(server);
	/* Those shut down go a moment later; more of them than that come too fast for anybody. */
	if (server->clients.length < 2 * SERVER_CLIENTS)
		take(server, socket);
	else
		server->expelled++;
	return G_SOURCE_CONTINUE;
}

/* --- requests --- */

static struct client *client_of(struct metrics_server *server, SoupServerMessage *message)
{
	GSocketAddress *address = soup_server_message_get_remote_address(message);

	for (GList *link = server->clients.head; link; link = link->next) {
		struct client *client = link->data;

		if (client->address == address)
			return client;
	}
	return NULL;
}

static void on_read(SoupServer *soup, SoupServerMessage *message, gpointer data)
{
	struct client *client = client_of(data, message);

	(void)soup;
	if (client)
		give_time(client, SERVER_REQUEST_S, false);
}

static void on_finished(SoupServer *soup, SoupServerMessage *message, gpointer data)
{
	struct client *client = client_of(data, message);

	(void)soup;
	if (client)
		give_time(client, SERVER_IDLE_S, true);
}

/* --- all --- */

static void attach(struct metrics_server *server, GSource *source, GSourceFunc callback)
{
	g_source_set_callback(source, callback, server, NULL);
	g_source_attach(source, server->context);
	g_source_unref(source);
}

void connections_begin(struct metrics_server *server)
{
	g_queue_init(&server->clients);
	g_signal_connect(server->soup, "request-read", G_CALLBACK(on_read), server);
	g_signal_connect(server->soup, "request-finished", G_CALLBACK(on_finished), server);
	attach(server, g_timeout_source_new(LOOK_MS), on_look);
	for (guint i = 0; i < server->sockets->len; i++)
		attach(server,
		       g_socket_create_source(g_ptr_array_index(server->sockets, i), G_IO_IN, NULL),
		       G_SOURCE_FUNC(on_connection));
}

/* libsoup lets go of them when it ends. */
void connections_end(struct metrics_server *server)
{
	for (GList *link = server->clients.head; link; link = link->next)
		expel(link->data);
	g_signal_handlers_disconnect_by_data(server->soup, server);
	for (guint i = 0; i < server->sockets->len; i++)
		g_socket_close(g_ptr_array_index(server->sockets, i), NULL);
}
