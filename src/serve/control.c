/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/control.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "serve/control_parts.h"

#define BACKLOG CONTROL_CLIENTS

char *control_path(const char *instance)
{
	return g_strdup_printf(CONTROL_FOLDER "/%s.sock", instance);
}

/* --- requests --- */

static char *to_line(JsonBuilder *json)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_builder_get_root(json);
	g_autofree char *text = NULL;

	json_generator_set_root(generator, root);
	text = json_generator_to_data(generator, NULL);
	return g_strconcat(text, "\n", NULL);
}

char *control_refusal(enum control_status status, const char *message)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autofree char *text = g_utf8_make_valid(message, -1);

	json_builder_begin_object(json);
	json_builder_set_member_name(json, "status");
	json_builder_add_int_value(json, status);
	json_builder_set_member_name(json, "error");
	json_builder_add_string_value(json, text);
	json_builder_end_object(json);
	return to_line(json);
}

static char *unknown_verb(const struct control *control, const char *verb)
{
	g_autoptr(GString) list = g_string_new(NULL);
	g_autofree char *text = NULL;

	for (const struct control_verb *row = control->options.verbs; row->name; row++)
		g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", row->name);
	text = g_strdup_printf("there is no verb \"%.64s\"; there is %s", verb, list->str);
	return control_refusal(CONTROL_USAGE, text);
}

static char *refuse(const GError *error)
{
	return control_refusal(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE)
				       ? CONTROL_USAGE
				       : CONTROL_FAILED,
			       error->message);
}

static char *begin(const struct control *control, const struct control_verb *row,
		   const char *argument, struct control_reply *reply)
{
	g_autoptr(GError) error = NULL;

	return row->begin(control->options.data, argument, reply, &error) ? NULL : refuse(error);
}

static char *handle(const struct control *control, const struct control_verb *row,
		    const char *argument)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(GError) error = NULL;

	json_builder_begin_object(json);
	json_builder_set_member_name(json, "status");
	json_builder_add_int_value(json, CONTROL_DONE);
	json_builder_set_member_name(json, "answer");
	json_builder_begin_object(json);
	if (!row->handle(control->options.data, argument, json, &error))
		return refuse(error);
	json_builder_end_object(json);
	json_builder_end_object(json);
	return to_line(json);
}

char *control_answer(const struct control *control, const char *request, enum peer_rights rights,
		     struct control_reply *reply)
{
	g_autofree char *text = g_strstrip(g_strdup(request));
	char *argument = text + strcspn(text, " \t");

	if (!g_utf8_validate(text, -1, NULL))
		return control_refusal(CONTROL_USAGE, "a request is a line of UTF-8 text");
	log_debug("control: %s", text);
	if (*argument)
		*argument++ = '\0';
	for (const struct control_verb *row = control->options.verbs; row->name; row++) {
		if (strcmp(row->name, text) != 0)
			continue;
		if (row->changes && rights < PEER_CHANGES)
			return control_refusal(CONTROL_NOT_ALLOWED,
					       "that changes the run, and is for root");
		argument = g_strchug(argument);
		return row->begin ? begin(control, row, argument, reply)
				  : handle(control, row, argument);
	}
	return unknown_verb(control, text);
}

/* --- replies that come later --- */

static void reply_with(struct control_reply *reply, GString *answer)
{
	if (reply->client)
		control_client_answer(reply->client, answer);
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
	g_autofree char *answer = refuse(error);

	reply_with(reply, g_string_new(answer));
}

/* --- connections --- */

/* A word for one who will not be a client; whether it is read is his affair. */
static void turn_away(GSocket *socket, enum control_status status, const char *message)
{
	g_autofree char *answer = control_refusal(status, message);

	g_socket_set_blocking(socket, FALSE);
	g_socket_send(socket, answer, strlen(answer), NULL, NULL);
	g_socket_close(socket, NULL);
}

static gboolean on_connection(GSocket *listening, GIOCondition condition, gpointer data)
{
	struct control *control = data;
	g_autoptr(GSocket) socket = g_socket_accept(listening, NULL, NULL);
	enum peer_rights rights;

	(void)condition;
	if (!socket)
		return G_SOURCE_CONTINUE; /* gone again */
	rights = peer_rights(g_socket_get_fd(socket), control->group);
	if (rights == PEER_NOTHING)
		turn_away(socket, CONTROL_NOT_ALLOWED,
			  "only root and members of the group may talk to this run");
	else if (g_list_length(control->clients) >= CONTROL_CLIENTS)
		turn_away(socket, CONTROL_FAILED, "too many are connected; try again later");
	else
		control->clients = g_list_prepend(
			control->clients,
			control_client_new(control, g_steal_pointer(&socket), rights));
	return G_SOURCE_CONTINUE;
}

/* --- the socket --- */

static bool is_answered(GSocketAddress *address)
{
	g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
						 G_SOCKET_PROTOCOL_DEFAULT, NULL);
	g_autoptr(GError) error = NULL;

	if (!socket)
		return false;
	g_socket_set_blocking(socket, FALSE);
	if (g_socket_connect(socket, address, NULL, &error))
		return true;
	/* A queue that is full is somebody's as well. */
	return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PENDING) ||
	       g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* Root may find a folder that is a user's. Where there is the group, it may list who can be asked.
 */
static bool is_open_to_group(const struct control *control, const char *folder)
{
	struct stat status;
	gid_t group;

	if (peer_group(control->group, &group) && chown(folder, (uid_t)-1, group) == 0 &&
	    chmod(folder, 0751) == 0)
		return true;
	return (stat(folder, &status) == 0 && (status.st_mode & 0711) == 0711) ||
	       chmod(folder, 0711) == 0;
}

/* The group asks through the folder; what else lies there has modes of its own. */
static bool have_folder(const struct control *control, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(control->path);

	if ((mkdir(folder, 0711) == 0 || errno == EEXIST) &&
	    (g_strcmp0(folder, CONTROL_FOLDER) != 0 || is_open_to_group(control, folder)))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", folder, g_strerror(errno));
	return false;
}

/* Nobody gets through before the mode is right. */
static bool bind_socket(struct control *control, GSocketAddress *address, GError **error)
{
	const mode_t before = umask(0177);
	const bool bound = g_socket_bind(control->socket, address, FALSE, error);
	gid_t group;

	umask(before);
	if (!bound)
		return false;
	/* The folder may be a user's, who could put something else of root's in its place. */
	if (peer_group(control->group, &group) && lchown(control->path, (uid_t)-1, group) == 0 &&
	    fchmodat(AT_FDCWD, control->path, 0660, AT_SYMLINK_NOFOLLOW) != 0)
		log_debug("%s: %s", control->path, g_strerror(errno));
	g_socket_set_listen_backlog(control->socket, BACKLOG);
	return g_socket_listen(control->socket, error);
}

static bool open_socket(struct control *control, GError **error)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(control->path);

	if (!have_folder(control, error))
		return false;
	if (is_answered(address)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s: another weir answers there",
			    control->path);
		return false;
	}
	unlink(control->path);
	control->socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
				       G_SOCKET_PROTOCOL_DEFAULT, error);
	if (!control->socket)
		return false;
	g_socket_set_blocking(control->socket, FALSE);
	if (bind_socket(control, address, error))
		return true;
	g_prefix_error(error, "%s: ", control->path);
	g_clear_object(&control->socket);
	return false;
}

struct control *control_new(const struct control_options *options, GError **error)
{
	struct control *control = g_new0(struct control, 1);

	control->options = *options;
	control->path = g_strdup(options->path);
	control->group = g_strdup(options->group);
	if (!open_socket(control, error)) {
		control_free(control);
		return NULL;
	}
	control->source = g_socket_create_source(control->socket, G_IO_IN, NULL);
	g_source_set_callback(control->source, G_SOURCE_FUNC(on_connection), control, NULL);
	g_source_attach(control->source, NULL);
	return control;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	if (control->source) {
		g_source_destroy(control->source);
		g_source_unref(control->source);
	}
	while (control->clients)
		control_client_free(control->clients->data);
	if (control->socket) {
		unlink(control->path);
		g_socket_close(control->socket, NULL);
		g_object_unref(control->socket);
	}
	g_free(control->path);
	g_free(control->group);
	g_free(control);
}

bool control_busy(const struct control *control)
{
	return control && control->clients;
}
