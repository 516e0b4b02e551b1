/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection reads until a line has its end, answers, and reads on when the answer is gone; it
 * never waits, and never holds more than a line and an answer. Patience is for a client's whole
 * move: a line that trickles in does not buy time. */
#include <string.h>

#include "serve/control_parts.h"

#define PATIENCE_MS 10000

struct control_client {
	struct control *control;
	GSocket *socket;
	enum peer_rights rights;
	GSource *source; /* of what it waits for */
	GSource *timer;
	size_t length; /* of what came of the next requests */
	char request[CONTROL_REQUEST];
	struct control_reply *reply; /* that it waits for; NULL: none */
	char *answer;		     /* NULL: none is on its way */
	size_t answer_length;
	size_t answer_sent;
	bool ending; /* with this answer */
};

static void drop_source(GSource **source)
{
	if (!*source)
		return;
	g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

void control_client_free(struct control_client *client)
{
	client->control->clients = g_list_remove(client->control->clients, client);
	drop_source(&client->source);
	drop_source(&client->timer);
	if (client->reply)
		client->reply->client = NULL;
	g_socket_close(client->socket, NULL);
	g_object_unref(client->socket);
	g_free(client->answer);
	g_free(client);
}

static gboolean on_impatience(gpointer data)
{
	control_client_free(data);
	return G_SOURCE_REMOVE;
}

static void begin_patience(struct control_client *client)
{
	const guint wanted = client->control->options.patience_ms;

	drop_source(&client->timer);
	client->timer = g_timeout_source_new(wanted ? wanted : PATIENCE_MS);
	/* What came while this run had no time is read first. */
	g_source_set_priority(client->timer, G_PRIORITY_DEFAULT + 1);
	g_source_set_callback(client->timer, on_impatience, client, NULL);
	g_source_attach(client->timer, NULL);
}

static gboolean on_ready(GSocket *socket, GIOCondition condition, gpointer data);

static void wait_for(struct control_client *client, GIOCondition condition)
{
	drop_source(&client->source);
	client->source = g_socket_create_source(client->socket, condition, NULL);
	g_source_set_callback(client->source, G_SOURCE_FUNC(on_ready), client, NULL);
	g_source_attach(client->source, NULL);
}

static void set_answer(struct control_client *client, char *answer, size_t length)
{
	client->answer = answer;
	client->answer_length = length;
	client->answer_sent = 0;
	begin_patience(client);
}

static void refuse(struct control_client *client, const char *message)
{
	char *answer = control_refusal(CONTROL_USAGE, message);

	set_answer(client, answer, strlen(answer));
}

/* Until a reply comes, the client is asked for nothing, and is not short of patience. */
static void answer(struct control_client *client, const char *request)
{
	struct control_reply *reply = g_new0(struct control_reply, 1);
	char *text;

	reply->client = client;
	client->reply = reply;
	text = control_answer(client->control, request, client->rights, reply);
	if (!text) {
		if (client->reply)
			drop_source(&client->timer);
		return;
	}
	client->reply = NULL;
	g_free(reply);
	set_answer(client, text, strlen(text));
}

static void answer_late(struct control_client *client, GString *answer)
{
	const size_t length = answer->len;

	client->reply = NULL;
	set_answer(client, g_string_free(answer, FALSE), length);
	wait_for(client, G_IO_OUT);
}

/* The first request that is whole is answered. */
static void take_request(struct control_client *client)
{
	char *end = memchr(client->request, '\n', client->length);
	size_t taken;

	if (!end && client->length < sizeof(client->request))
		return;
	if (!end) {
		client->ending = true;
		refuse(client, "the request has no end");
		return;
	}
	*end = '\0';
	taken = (size_t)(end + 1 - client->request);
	if (strlen(client->request) + 1 < taken)
		refuse(client, "a request is a line of text");
	else
		answer(client, client->request);
	client->length -= taken;
	memmove(client->request, client->request + taken, client->length);
}

/* False: the client is gone. */
static bool receive(struct control_client *client)
{
	g_autoptr(GError) error = NULL;
	gssize got = g_socket_receive(client->socket, client->request + client->length,
				      sizeof(client->request) - client->length, NULL, &error);

	if (got > 0)
		client->length += (size_t)got;
	return got > 0 || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static bool send_some(struct control_client *client)
{
	g_autoptr(GError) error = NULL;
	gssize sent = g_socket_send(client->socket, client->answer + client->answer_sent,
				    client->answer_length - client->answer_sent, NULL, &error);

	if (sent < 0)
		return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
	client->answer_sent += (size_t)sent;
	if (client->answer_sent < client->answer_length)
		return true;
	g_clear_pointer(&client->answer, g_free);
	begin_patience(client);
	return !client->ending;
}

/* One step at a time: a client with many requests lets others have their turn. */
static gboolean on_ready(GSocket *socket, GIOCondition condition, gpointer data)
{
	struct control_client *client = data;
	bool good;

	(void)socket;
	(void)condition;
	if (client->answer)
		good = send_some(client);
	else
		good = !client->reply && receive(client); /* hung up while it waited */
	if (!good) {
		control_client_free(client);
		return G_SOURCE_REMOVE;
	}
	if (!client->answer)
		take_request(client);
	wait_for(client, client->answer ? G_IO_OUT : client->reply ? G_IO_HUP : G_IO_IN);
	return G_SOURCE_REMOVE;
}

struct control_client *control_client_new(struct control *control, GSocket *socket,
					  enum peer_rights rights)
{
	struct control_client *client = g_new0(struct control_client, 1);

	client->control = control;
	client->socket = socket;
	client->rights = rights;
	g_socket_set_blocking(socket, FALSE);
	begin_patience(client);
	wait_for(client, G_IO_IN);
	return client;
}

/* --- replies that come later --- */

static void reply_with(struct control_reply *reply, GString *answer)
{
	if (reply->client)
		answer_late(reply->client, answer);
	else
		g_string_free(answer, TRUE);
	g_free(reply);
}

void control_reply_done(struct control_reply *reply, const char *answer, GString *lines)
{
	g_autofree char *first = g_strdup_printf("{\"status\":0,\"answer\":%s}\n", answer);

	if (!lines)
		lines = g_string_new(NULL);
	g_string_prepend(lines, first);
	reply_with(reply, lines);
}

void control_reply_failed(struct control_reply *reply, const GError *error)
{
	g_autofree char *answer = control_error(error);

	reply_with(reply, g_string_new(answer));
}
