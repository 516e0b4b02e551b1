/* SPDX-License-Identifier: BSD-2-Clause */
/* What the socket (control.c), its connections (control_client.c) and what they ask
 * (control_requests.c) share. */
#ifndef WEIR_SERVE_CONTROL_PARTS_H
#define WEIR_SERVE_CONTROL_PARTS_H

#include "serve/control.h"
#include "serve/peer.h"

struct control {
	struct control_options options;
	char *path;
	char *group;
	GSocket *socket;
	GSource *source;
	GList *clients; /* of struct control_client */
};

struct control_client;

/* Takes the socket; the client ends by itself. */
struct control_client *control_client_new(struct control *control, GSocket *socket,
					  enum peer_rights rights);
void control_client_free(struct control_client *client);

/* Who waits for a reply; NULL: he has gone. */
struct control_reply {
	struct control_client *client;
};

/* What a request is answered with, the end of the line as well; free with g_free. NULL: the reply
 * was taken, and the answer comes later. Else the reply is the caller's as before. */
char *control_answer(const struct control *control, const char *request, enum peer_rights rights,
		     struct control_reply *reply);
char *control_refusal(enum control_status status, const char *message);
char *control_error(const GError *error);

#endif
