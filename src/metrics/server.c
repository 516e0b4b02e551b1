/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/server.h"

#include <string.h>

#include "base/error.h"
#include "metrics/address.h"
#include "metrics/certificate.h"
#include "metrics/process.h"
#include "metrics/server_parts.h"

#define BACKLOG	 128
/* Between two pages, whoever asks: what making one takes must stay small. */
#define PAGE_US	 (50 * 1000)
/* And without being asked: health changes by itself. */
#define EVERY_US G_USEC_PER_SEC

void report_free(struct report *report)
{
	if (!report)
		return;
	metrics_page_free(report->page);
	health_free(report->health);
	for (guint i = 0; i < METRICS_FORMS; i++) {
		if (report->told[i])
			g_string_free(report->told[i], TRUE);
	}
	g_free(report);
}

/* --- the run's thread --- */

bool metrics_server_turn(struct metrics_server *server)
{
	const gint64 now = g_get_monotonic_time();
	const gint64 next = atomic_get(&server->next_us);

	__atomic_store_n(&server->alive_us, now, __ATOMIC_RELEASE);
	if (now < next)
		return false;
	return now >= next + EVERY_US - PAGE_US ||
	       __atomic_load_n(&server->wanted, __ATOMIC_ACQUIRE);
}

static gboolean on_published(gpointer data)
{
	struct metrics_server *server = data;
	struct report *report;

	g_mutex_lock(&server->mutex);
	report = g_steal_pointer(&server->coming);
	g_mutex_unlock(&server->mutex);
	if (!report)
		return G_SOURCE_REMOVE;
	report->number = server->report ? server->report->number + 1 : 1;
	report_free(server->report);
	server->report = report;
	answer_fresh(server);
	return G_SOURCE_REMOVE;
}

void metrics_server_publish(struct metrics_server *server, struct metrics_page *page,
			    struct health *health)
{
	struct report *report = g_new0(struct report, 1);
	struct report *before;

	report->page = page;
	report->health = health;
	/* Who asks from here on wants a newer one. */
	__atomic_store_n(&server->wanted, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&server->next_us, g_get_monotonic_time() + PAGE_US, __ATOMIC_RELEASE);
	g_mutex_lock(&server->mutex);
	before = server->coming;
	server->coming = report;
	g_mutex_unlock(&server->mutex);
	report_free(before);
	__atomic_store_n(&server->state, SERVER_RUNNING, __ATOMIC_RELEASE);
	g_main_context_invoke(server->context, on_published, server);
}

void metrics_server_end(struct metrics_server *server)
{
	__atomic_store_n(&server->state, SERVER_ENDING, __ATOMIC_RELEASE);
}

/* --- the server's thread --- */

static gpointer serve(gpointer data)
{
	struct metrics_server *server = data;

	g_main_context_push_thread_default(server->context);
	server->soup = soup_server_new("server-header", "weir", NULL);
	answer_begin(server);
	connections_begin(server);
	g_main_loop_run(server->loop);
	connections_end(server);
	answer_end(server);
	soup_server_disconnect(server->soup);
	g_clear_object(&server->soup);
	while (g_main_context_iteration(server->context, FALSE))
		; /* what was begun ends */
	g_main_context_pop_thread_default(server->context);
	return NULL;
}

static gboolean on_stop(gpointer data)
{
	g_main_loop_quit(data);
	return G_SOURCE_REMOVE;
}

/* --- its life --- */

static GSocket *listen_at(GSocketAddress *address, GError **error)
{
	g_autoptr(GSocket) socket =
		g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM,
			     G_SOCKET_PROTOCOL_TCP, error);

	if (!socket)
		return NULL;
	g_socket_set_blocking(socket, FALSE);
	g_socket_set_listen_backlog(socket, BACKLOG);
	if (!g_socket_bind(socket, address, TRUE, error) || !g_socket_listen(socket, error))
		return NULL;
	return g_steal_pointer(&socket);
}

static const char *advice(const GError *reason)
{
	if (g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
		return "give another port, or end what listens there";
	if (g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
		return "give a port above 1023";
	return "name an address that this host has, such as 127.0.0.1:9481";
}

/* Of the two addresses of loopback, a host may have but one. */
static bool listen_all(struct metrics_server *server, const GPtrArray *addresses, const char *text,
		       GError **error)
{
	g_autoptr(GError) reason = NULL;

	for (guint i = 0; i < addresses->len; i++) {
		GSocket *socket = NULL;

		g_clear_error(&reason);
		socket = listen_at(g_ptr_array_index(addresses, i), &reason);
		if (socket)
			g_ptr_array_add(server->sockets, socket);
		else if (g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
			break;
	}
	if (server->sockets->len > 0 &&
	    !g_error_matches(reason, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "--metrics %s: %s; %s", text,
		    reason ? reason->message : "there is no address", advice(reason));
	return false;
}

static bool load_certificate(struct metrics_server *server, const struct metrics_options *options,
			     GError **error)
{
	if (!options->certificate && !options->key)
		return true;
	if (!certificate_is_whole(options->certificate, options->key, error))
		return false;
	server->certificate = certificate_load(options->certificate, options->key, error);
	return server->certificate;
}

static bool open_server(struct metrics_server *server, const struct metrics_options *options,
			GError **error)
{
	g_autoptr(GPtrArray) addresses = metrics_addresses(options->address, options->open, error);

	if (!addresses || !load_certificate(server, options, error))
		return false;
	if (options->token_file && !secret_read(options->token_file, &server->secret, error))
		return false;
	server->has_secret = options->token_file != NULL;
	return listen_all(server, addresses, options->address, error);
}

struct metrics_server *metrics_server_new(const struct metrics_options *options, GError **error)
{
	struct metrics_server *server = g_new0(struct metrics_server, 1);

	g_mutex_init(&server->mutex);
	server->sockets = g_ptr_array_new_with_free_func(g_object_unref);
	server->process_start = metrics_process_start();
	server->alive_us = g_get_monotonic_time();
	if (!open_server(server, options, error)) {
		metrics_server_free(server);
		return NULL;
	}
	server->context = g_main_context_new();
	server->loop = g_main_loop_new(server->context, FALSE);
	return server;
}

void metrics_server_start(struct metrics_server *server)
{
	server->thread = g_thread_new("metrics", serve, server);
}

void metrics_server_free(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->thread) {
		g_main_context_invoke(server->context, on_stop, server->loop);
		g_thread_join(server->thread);
	}
	g_clear_pointer(&server->loop, g_main_loop_unref);
	g_clear_pointer(&server->context, g_main_context_unref);
	report_free(server->coming);
	report_free(server->report);
	g_ptr_array_unref(server->sockets);
	g_clear_object(&server->certificate);
	g_mutex_clear(&server->mutex);
	g_free(server);
}
