/* SPDX-License-Identifier: BSD-2-Clause */
/* What is answered to whom: a row a path. */
#include <string.h>

#include "metrics/process.h"
#include "metrics/server_parts.h"

#define PLAIN "text/plain; charset=utf-8"

/* A request for metrics, until the run has told something newer. */
struct scrape {
	struct metrics_server *server;
	SoupServerMessage *message;
	guint64 number; /* of the report there was when it came */
	gint64 until_us;
};

struct count {
	guint64 value;
};

/* --- answers --- */

static void put(SoupServerMessage *message, guint status, const char *type, GBytes *body)
{
	SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

	soup_message_headers_set_content_type(headers, type, NULL);
	soup_message_headers_replace(headers, "Content-Type", type);
	soup_message_headers_replace(headers, "Cache-Control", "no-store");
	soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
	soup_message_body_append_bytes(soup_server_message_get_response_body(message), body);
	soup_server_message_set_status(message, status, NULL);
}

static void say(SoupServerMessage *message, guint status, const char *text)
{
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));

	put(message, status, PLAIN, body);
}

/* --- metrics --- */

static void count_answer(SoupServer *soup, SoupServerMessage *message, gpointer data)
{
	const struct metrics_server *server = data;
	const guint status = soup_server_message_get_status(message);
	struct count *count = g_hash_table_lookup(server->answers, GUINT_TO_POINTER(status));

	(void)soup;
	if (status == 0)
		return; /* nobody asked anything */
	if (!count) {
		count = g_new0(struct count, 1);
		g_hash_table_insert(server->answers, GUINT_TO_POINTER(status), count);
	}
	count->value++;
}

static void add_own(const struct metrics_server *server, struct metrics_page *page)
{
	g_autoptr(GList) codes = g_hash_table_get_keys(server->answers);

	for (GList *link = codes; link; link = link->next) {
		const struct count *count = g_hash_table_lookup(server->answers, link->data);
		g_autofree char *code = g_strdup_printf("%u", GPOINTER_TO_UINT(link->data));

		metrics_add(page, METRIC_REQUESTS, METRIC_LABEL(code), count->value);
	}
	metrics_add(page, METRIC_CONNECTIONS, METRIC_NO_LABEL, server->clients.length);
	metrics_add(page, METRIC_EXPELLED, METRIC_NO_LABEL, server->expelled);
	metrics_add_real(page, METRIC_DRAIN_IDLE, METRIC_NO_LABEL,
			 (double)(g_get_monotonic_time() - atomic_get(&server->alive_us)) /
				 G_USEC_PER_SEC);
	metrics_add_process(page, server->process_start);
}

/* However many ask at a time, what the run told is written once in each form. What the server knows
 * by itself is of now, even where the run has not told anything for long. */
static GBytes *text_of(const struct metrics_server *server, enum metrics_form form)
{
	struct report *report = server->report;
	struct metrics_page *own = metrics_page_new();
	g_autoptr(GString) text = g_string_sized_new(4096);

	if (!report->told[form]) {
		report->told[form] = g_string_sized_new(32 * 1024);
		metrics_page_append(report->page, form, report->told[form]);
	}
	g_string_append_len(text, report->told[form]->str, (gssize)report->told[form]->len);
	add_own(server, own);
	metrics_page_append(own, form, text);
	metrics_form_end(form, text);
	metrics_page_free(own);
	return g_string_free_to_bytes(g_steal_pointer(&text));
}

static void tell_metrics(const struct metrics_server *server, SoupServerMessage *message)
{
	SoupMessageHeaders *asked = soup_server_message_get_request_headers(message);
	const enum metrics_form form =
		metrics_form_of(soup_message_headers_get_list(asked, "Accept"));
	g_autoptr(GBytes) body = NULL;

	soup_message_headers_replace(soup_server_message_get_response_headers(message), "Vary",
				     "Accept");
	body = text_of(server, form);
	put(message, SOUP_STATUS_OK, metrics_form_type(form), body);
}

static void scrape_free(struct scrape *scrape)
{
	g_queue_remove(&scrape->server->waiting, scrape);
	g_signal_handlers_disconnect_by_data(scrape->message, scrape);
	g_object_unref(scrape->message);
	g_free(scrape);
}

static void scrape_end(struct scrape *scrape)
{
	g_autoptr(SoupServerMessage) message = g_object_ref(scrape->message);
	const struct metrics_server *server = scrape->server;

	scrape_free(scrape);
	tell_metrics(server, message);
	soup_server_message_unpause(message);
}

static void on_disconnected(SoupServerMessage *message, gpointer data)
{
	(void)message;
	scrape_free(data);
}

static void end_scrapes(struct metrics_server *server, bool fresh)
{
	const gint64 now = g_get_monotonic_time();
	GList *next;

	for (GList *link = server->waiting.head; link; link = next) {
		struct scrape *scrape = link->data;

		next = link->next;
		if ((fresh && server->report->number > scrape->number) || now >= scrape->until_us)
			scrape_end(scrape);
	}
}

void answer_fresh(struct metrics_server *server)
{
	end_scrapes(server, true);
}

static gboolean on_late(gpointer data)
{
	end_scrapes(data, false);
	return G_SOURCE_REMOVE;
}

/* What was told before is not asked for again; where the run does not answer, it will have to do.
 */
static void wait_for_fresh(struct metrics_server *server, SoupServerMessage *message)
{
	struct scrape *scrape = g_new0(struct scrape, 1);
	GSource *late = g_timeout_source_new(SERVER_FRESH_MS + 1);

	scrape->server = server;
	scrape->message = g_object_ref(message);
	scrape->number = server->report->number;
	scrape->until_us = g_get_monotonic_time() + SERVER_FRESH_MS * 1000;
	g_queue_push_tail(&server->waiting, scrape);
	g_signal_connect(message, "disconnected", G_CALLBACK(on_disconnected), scrape);
	g_source_set_callback(late, on_late, server, NULL);
	g_source_attach(late, server->context);
	g_source_unref(late);
	soup_server_message_pause(message);
	__atomic_store_n(&server->wanted, 1, __ATOMIC_RELEASE);
}

static void answer_metrics(struct metrics_server *server, SoupServerMessage *message)
{
	if (!server->report)
		say(message, SOUP_STATUS_SERVICE_UNAVAILABLE, "weir does not meter yet\n");
	else if (__atomic_load_n(&server->state, __ATOMIC_ACQUIRE) == SERVER_ENDING)
		tell_metrics(server, message);
	else
		wait_for_fresh(server, message);
}

/* --- health --- */

/* What only the server can tell: whether the run's thread is at work. */
static struct health *health_now(const struct metrics_server *server)
{
	struct health *health = server->report ? health_copy(server->report->health) : health_new();
	const double idle =
		(double)(g_get_monotonic_time() - atomic_get(&server->alive_us)) / G_USEC_PER_SEC;

	if (__atomic_load_n(&server->state, __ATOMIC_ACQUIRE) == SERVER_ENDING)
		health_say(health, HEALTH_FAILED, true, "run", "it is ending");
	else if (!server->report)
		health_say(health, HEALTH_FAILED, true, "run", "it does not meter yet");
	else if (idle > SERVER_ALIVE_S)
		health_say(health, HEALTH_FAILED, true, "drain",
			   "nothing has been taken from the flow cache for %.0f s: a destination "
			   "that is a file or a pipe may be holding it up",
			   idle);
	else
		health_say(health, HEALTH_GOOD, true, "drain", "records are taken from the cache");
	return health;
}

static void answer_health(struct metrics_server *server, SoupServerMessage *message,
			  enum health_question question)
{
	SoupMessageHeaders *asked = soup_server_message_get_request_headers(message);
	const char *accept = soup_message_headers_get_list(asked, "Accept");
	const bool json = accept && strstr(accept, "application/json");
	struct health *health = health_now(server);
	char *text = json ? health_to_json(health, question) : health_to_text(health, question);
	g_autoptr(GBytes) body = g_bytes_new_take(text, strlen(text));

	put(message,
	    health_answer(health, question) ? SOUP_STATUS_OK : SOUP_STATUS_SERVICE_UNAVAILABLE,
	    json ? "application/json" : PLAIN, body);
	health_free(health);
}

static void answer_healthy(struct metrics_server *server, SoupServerMessage *message)
{
	answer_health(server, message, HEALTH_ALL);
}

static void answer_ready(struct metrics_server *server, SoupServerMessage *message)
{
	answer_health(server, message, HEALTH_READY);
}

/* --- paths --- */

static void answer_index(struct metrics_server *server, SoupServerMessage *message);

static const struct {
	const char *path;
	void (*answer)(struct metrics_server *server, SoupServerMessage *message);
	const char *text;
} paths[] = {
	{ "/", answer_index, "this list" },
	{ "/metrics", answer_metrics, "OpenMetrics, or the older text format of Prometheus" },
	{ "/healthz", answer_healthy, "200: all is well; 503: something has failed, and what" },
	{ "/readyz", answer_ready, "200: it meters; 503: it does not, and why" },
};

static void answer_index(struct metrics_server *server, SoupServerMessage *message)
{
	g_autoptr(GString) text = g_string_new("weir\n");

	(void)server;
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
		g_string_append_printf(text, "%-10s %s\n", paths[i].path, paths[i].text);
	say(message, SOUP_STATUS_OK, text->str);
}

static bool is_allowed(const struct metrics_server *server, SoupServerMessage *message)
{
	SoupMessageHeaders *asked = soup_server_message_get_request_headers(message);

	if (!server->has_secret ||
	    secret_is_given(&server->secret, soup_message_headers_get_one(asked, "Authorization")))
		return true;
	soup_message_headers_replace(soup_server_message_get_response_headers(message),
				     "WWW-Authenticate", "Bearer");
	say(message, SOUP_STATUS_UNAUTHORIZED, "a bearer token is asked for\n");
	return false;
}

/* Before anything but the head of the request was read: nobody's body is kept. */
static void on_head(SoupServer *soup, SoupServerMessage *message, const char *path,
		    GHashTable *query, gpointer data)
{
	const char *method = soup_server_message_get_method(message);

	(void)soup;
	(void)path;
	(void)query;
	soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
	if (!is_allowed(data, message))
		return;
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return;
	soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow",
				     "GET, HEAD");
	say(message, SOUP_STATUS_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
}

static void on_request(SoupServer *soup, SoupServerMessage *message, const char *path,
		       GHashTable *query, gpointer data)
{
	(void)soup;
	(void)query;
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		if (strcmp(paths[i].path, path) == 0) {
			paths[i].answer(data, message);
			return;
		}
	}
	say(message, SOUP_STATUS_NOT_FOUND, "there is nothing here; / lists what there is\n");
}

void answer_begin(struct metrics_server *server)
{
	server->answers = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	g_queue_init(&server->waiting);
	soup_server_add_early_handler(server->soup, NULL, on_head, server, NULL);
	soup_server_add_handler(server->soup, NULL, on_request, server, NULL);
	g_signal_connect(server->soup, "request-finished", G_CALLBACK(count_answer), server);
}

void answer_end(struct metrics_server *server)
{
	while (server->waiting.head)
		scrape_end(server->waiting.head->data);
	g_hash_table_unref(server->answers);
}
