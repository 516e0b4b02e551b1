/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/ask.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "base/error.h"

#define PATIENCE_S 60
#define STEP	   65536
/* What a run says of everything in its cache is long, but not endless. */
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

/* Up to the end of the line, which is left out. */
static bool receive_line(GSocket *socket, GString *line, GError **error)
{
	g_autofree char *step = g_malloc(STEP);

	while (line->len < MOST) {
		gssize got = g_socket_receive(socket, step, STEP, NULL, error);

		if (got < 0)
			return false;
		g_string_append_len(line, step, got);
		if (line->len > 0 && line->str[line->len - 1] == '\n')
			return true;
		if (got == 0)
			break;
	}
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, "it went away without an answer");
	return false;
}

static bool converse(const char *path, const char *request, GString *answer, GError **error)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	g_autofree char *line = g_strconcat(request, "\n", NULL);
	g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
						 G_SOCKET_PROTOCOL_DEFAULT, error);

	if (!socket)
		return false;
	g_socket_set_timeout(socket, PATIENCE_S);
	return g_socket_connect(socket, address, NULL, error) && send_all(socket, line, error) &&
	       receive_line(socket, answer, error);
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

JsonObject *control_ask(const char *path, const char *request, GError **error)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	g_autoptr(GError) fault = NULL;

	if (!converse(path, request, answer, &fault)) {
		fail(error, path, fault->message);
		return NULL;
	}
	return read_answer(path, answer->str, error);
}
