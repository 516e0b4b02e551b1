/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics and health over HTTP. The server has a thread of its own: who scrapes, however slowly and
 * however many, costs the run a page now and then, and a run whose thread hangs can still be found
 * out. What the run tells is whole pages; what it is asked for is only that there be a new one. */
#ifndef WEIR_METRICS_SERVER_H
#define WEIR_METRICS_SERVER_H

#include <glib.h>
#include <stdbool.h>

#include "metrics/health.h"
#include "metrics/page.h"

struct metrics_options {
	const char *address;	 /* see address.h */
	bool open;		 /* others than this host may reach it */
	const char *certificate; /* PEM files; NULL: no TLS */
	const char *key;
	const char *token_file; /* or NULL: nothing is asked of who asks */
};

struct metrics_server;

/* Has its port when it returns; begins no thread. */
struct metrics_server *metrics_server_new(const struct metrics_options *options, GError **error);
void metrics_server_free(struct metrics_server *server);
/* Answers from here on, in a thread; nothing is ready before the first page. */
void metrics_server_start(struct metrics_server *server);

/* --- for the run's thread --- */

/* To be called often: the run goes on. True: a page is wanted. */
bool metrics_server_turn(struct metrics_server *server);
/* Takes both. */
void metrics_server_publish(struct metrics_server *server, struct metrics_page *page,
			    struct health *health);
/* The run ends: what was published last is what there is. */
void metrics_server_end(struct metrics_server *server);

#endif
