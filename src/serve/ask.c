/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "serve/peer.h"

#define PATIENCE_S 60
#define STEP	   65536
/* What a run says of its cache is long, but not endless. */
#define MOST	   (1u << 30)

static bool fail(GError **error, const char *path, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", path, what);
	return false;
}

static bool send_all(GSocket *socket, const char *text, GError **error)
{
	for (size_t length = strlen(text); length > 0;) {
		gssize sent = g_socket_send(socket, text, length, NULL, error);

		if (sent < 0)
			return false;
		text += sent;
		length -= (size_t)sent;
	}
	return true;
}

static bool receive_some(GSocket *socket, GString *text, GError **error)
{
	gsize before = text->len;
	gssize got;

	if (before >= MOST) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, "its answer has no end");
		return false;
	}
	g_string_set_size(text, before + STEP);
	got = g_socket_receive(socket, text->str + before, STEP, NULL, error);
	g_string_set_size(text, before + (gsize)MAX(got, 0));
	if (got == 0)
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "it went away without an answer");
	return got > 0;
}

/* Behind the end of the line that begins there; 0: it has not come yet. */
static gsize end_of_line(const GString *text, gsize from)
{
	const char *end = memchr(text->str + from, '\n', text->len - from);

	return end ? (gsize)(end + 1 - text->str) : 0;
}

static GSocket *connect_to(const char *path, GError **error)
{
	const int place = peer_place(path);
	const int code = errno;
	g_autoptr(GSocketAddress) address = peer_address(place);
	g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
						 G_SOCKET_PROTOCOL_DEFAULT, error);
	bool good = place >= 0 && socket;

	if (place < 0 && socket)
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, g_strerror(code));
	if (socket)
		g_socket_set_timeout(socket, PATIENCE_S);
	good = good && g_socket_connect(socket, address, NULL, error);
	if (place >= 0)
		close(place);
	return good ? g_steal_pointer(&socket) : NULL;
}

/* The first line of the answer, without its end; what came behind it is in more. */
static char *converse(GSocket *socket, const char *request, GString *more, GError **error)
{
	g_autofree char *line = g_strconcat(request, "\n", NULL);
	gsize end;
	char *first;

	if (!send_all(socket, line, error))
		return NULL;
	while (!(end = end_of_line(more, 0))) {
		if (!receive_some(socket, more, error))
			return NULL;
	}
	first = g_strndup(more->str, end - 1);
	g_string_erase(more, 0, (gssize)end);
	return first;
}

static bool receive_lines(GSocket *socket, guint64 lines, GString *text, GError **error)
{
	gsize from = 0;

	while (lines > 0) {
		gsize end = end_of_line(text, from);

		if (end) {
			from = end;
			lines--;
		} else if (!receive_some(socket, text, error)) {
			return false;
		}
	}
	return true;
}

static JsonObject *read_answer(const char *path, const char *text, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonNode *root = NULL;
	JsonObject *object;

	if (json_parser_load_from_data(parser, text, -1, NULL))
		root = json_parser_get_root(parser);
	object = root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
	if (!object || !json_object_has_member(object, "status")) {
		fail(error, path, "what answers there is no weir");
		return NULL;
	}
	if (json_object_has_member(object, "answer"))
		return json_object_ref(json_object_get_object_member(object, "answer"));
	g_set_error_literal(
		error, WEIR_ERROR,
		json_object_get_int_member(object, "status") == CONTROL_USAGE ? WEIR_ERROR_USAGE
									      : WEIR_ERROR_FAILED,
		json_object_get_string_member_with_default(object, "error", "it does not say why"));
	return NULL;
}

/* Whoever is told to end is the one who answers, whatever he calls himself. */
static void name_process(GSocket *socket, JsonObject *answer)
{
	if (json_object_has_member(answer, "process"))
		json_object_set_int_member(answer, "process",
					   peer_process(g_socket_get_fd(socket)));
}

static guint64 lines_of(JsonObject *answer)
{
	return (guint64)MAX(json_object_get_int_member_with_default(answer, "lines", 0), 0);
}

JsonObject *control_ask_lines(const char *path, const char *request, GString *ret_lines,
			      GError **error)
{
	g_autoptr(GError) fault = NULL;
	g_autoptr(GSocket) socket = connect_to(path, &fault);
	g_autofree char *first = NULL;
	g_autoptr(JsonObject) answer = NULL;

	if (socket)
		first = converse(socket, request, ret_lines, &fault);
	if (first) {
		answer = read_answer(path, first, error);
		if (!answer)
			return NULL;
		name_process(socket, answer);
		if (receive_lines(socket, lines_of(answer), ret_lines, &fault))
			return g_steal_pointer(&answer);
	}
	fail(error, path, fault->message);
	return NULL;
}

JsonObject *control_ask(const char *path, const char *request, GError **error)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	return control_ask_lines(path, request, lines, error);
}
