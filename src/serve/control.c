/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/control.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/log.h"
#include "serve/control_parts.h"

#define BACKLOG CONTROL_CLIENTS

char *control_path(const char *instance)
{
	return g_strdup_printf(CONTROL_FOLDER "/%s.sock", instance);
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

static bool is_answered(const char *path)
{
	const int place = peer_place(path);
	g_autoptr(GSocketAddress) address = peer_address(place);
	g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
						 G_SOCKET_PROTOCOL_DEFAULT, NULL);
	g_autoptr(GError) error = NULL;
	bool answered = false;

	if (socket && place >= 0) {
		g_socket_set_blocking(socket, FALSE);
		answered = g_socket_connect(socket, address, NULL, &error);
	}
	if (place >= 0)
		close(place);
	/* A queue that is full is somebody's as well. */
	return answered || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PENDING) ||
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

/* What was bound, and nothing else: the folder may be a user's, who could put something else of
 * root's in its place. */
static void open_to_group(const struct control *control)
{
	const int place = peer_place(control->path);
	g_autofree char *path = guarded_path(place);
	struct stat status;
	gid_t group;

	if (place < 0)
		return;
	if (peer_group(control->group, &group) && fstat(place, &status) == 0 &&
	    status.st_uid == geteuid() &&
	    fchownat(place, "", (uid_t)-1, group, AT_EMPTY_PATH) == 0 && chmod(path, 0660) != 0)
		log_debug("%s: %s", control->path, g_strerror(errno));
	close(place);
}

/* Nobody gets through before the mode is right. */
static bool bind_socket(struct control *control, GSocketAddress *address, GError **error)
{
	const mode_t before = umask(0177);
	const bool bound = g_socket_bind(control->socket, address, FALSE, error);

	umask(before);
	if (!bound)
		return false;
	open_to_group(control);
	g_socket_set_listen_backlog(control->socket, BACKLOG);
	return g_socket_listen(control->socket, error);
}

static bool open_socket(struct control *control, GError **error)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(control->path);

	if (!have_folder(control, error))
		return false;
	if (is_answered(control->path)) {
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
