/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the server share: its life (server.c), who is connected (connections.c), and
 * what is answered (answer.c). */
#ifndef WEIR_METRICS_SERVER_PARTS_H
#define WEIR_METRICS_SERVER_PARTS_H

#include <libsoup/soup.h>

#include "metrics/secret.h"
#include "metrics/server.h"

/* Connections at a time; for another one the slowest goes. */
#define SERVER_CLIENTS	 64
/* A request has to come, and its answer to be taken, within so long; a connection without one may
 * stay: Prometheus comes back by it. */
#define SERVER_REQUEST_S 10
#define SERVER_IDLE_S	 150
/* What is scraped is as of now, or, where the run does not answer, of before. */
#define SERVER_FRESH_MS	 2000
/* The run's thread is at work many times a second. */
#define SERVER_ALIVE_S	 5

/* What the run told; it is written when somebody asks for it. */
struct report {
	struct metrics_page *page;
	struct health *health;
	GString *told[METRICS_FORMS];
	guint64 number;
};

enum server_state {
	SERVER_STARTING,
	SERVER_RUNNING,
	SERVER_ENDING,
};

struct metrics_server {
	GTlsCertificate *certificate; /* NULL: no TLS */
	bool has_secret;
	struct secret secret;
	GPtrArray *sockets; /* of GSocket, that listen */
	double process_start;
	GMainContext *context;
	GMainLoop *loop;
	GThread *thread;

	/* Atomic. */
	gint64 alive_us; /* when the run was last at work */
	gint64 next_us;	 /* when it should tell something, asked or not */
	int state;	 /* enum server_state */
	int wanted;	 /* somebody waits */

	GMutex mutex;	       /* over these */
	struct report *coming; /* published, and not taken by the server yet */

	/* The server's thread's own. */
	struct report *report; /* NULL: none came yet */
	SoupServer *soup;
	GQueue clients;	     /* of struct client */
	GQueue waiting;	     /* of struct scrape */
	GHashTable *answers; /* status -> struct count */
	guint64 expelled;
};

static inline gint64 atomic_get(const gint64 *place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

void report_free(struct report *report);

/* Takes connections from the sockets, in the server's thread. */
void connections_begin(struct metrics_server *server);
void connections_end(struct metrics_server *server);

/* Says what is to be answered. */
void answer_begin(struct metrics_server *server);
void answer_end(struct metrics_server *server);
/* Another report has come: who waited for it gets it. */
void answer_fresh(struct metrics_server *server);

#endif
