/* SPDX-License-Identifier: BSD-2-Clause */
/* The collector is a thread of the same process, whose time is taken off. What the kernel does to
 * bring octets over loopback is counted with whoever sends, as it happens in his calls. */
#include "setup/bench/export_cost.h"

#include <string.h>
#include <time.h>

#include "base/error.h"
#include "export/encoder.h"
#include "export/fanout.h"
#include "export/ipfix_fill.h"
#include "export/ipfix_message.h"
#include "export/ipfix_model.h"
#include "export/message.h"
#include "export/transport.h"
#include "setup/bench/child.h"
#include "setup/bench/sink.h"

#define DOMAIN	  1
#define APPENDS	  1000 /* of records by libfixbuf, between two looks at how many are enough */
#define MESSAGES  64   /* handed to the transport at a time */
#define TIMEOUT_S 10

const struct export_case export_cases[EXPORT_CASES] = {
	{ "ipfix", "standard", NULL, EXPORT_FIXBUF, 0 },
	{ "ipfix", "biflow", NULL, EXPORT_FIXBUF, 1 },
	{ "ipfix", "full", NULL, EXPORT_FIXBUF, 2 },
	{ "ipfix", "standard", NULL, EXPORT_ENCODED, 0 },
	{ "ipfix", "biflow", NULL, EXPORT_ENCODED, 1 },
	{ "ipfix", "full", NULL, EXPORT_ENCODED, 2 },
	{ "netflow9", "v9", NULL, EXPORT_ENCODED, 0 },
	{ "netflow5", "v5", NULL, EXPORT_ENCODED, 0 },
	{ "json", "standard", NULL, EXPORT_ENCODED, 0 },
	{ "ipfix", "standard", "udp", EXPORT_SENT, 0 },
	{ "ipfix", "standard", "tcp", EXPORT_SENT, 0 },
	{ "ipfix", "standard", "udp", EXPORT_DELIVERED, 0 },
	{ "ipfix", "standard", "tcp", EXPORT_DELIVERED, 0 },
	{ "ipfix", "full", "tcp", EXPORT_DELIVERED, 2 },
	{ "netflow9", "v9", "udp", EXPORT_DELIVERED, 0 },
	{ "json", "standard", "tcp", EXPORT_DELIVERED, 0 },
};

struct job {
	const struct export_case *which;
	const struct records *records;
	guint64 flows;
	const struct encoder_ops *form;
	const struct transport_ops *transport;
	struct record_template *layout;
};

static guint64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (guint64)now.tv_sec * FLOW_SECOND_NS + (guint64)now.tv_nsec;
}

/* Begun with start(), ended with stop(). */
static void start(struct export_figure *figure)
{
	figure->wall_ns = now_ns(CLOCK_MONOTONIC);
	figure->cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	figure->sending_ns = figure->cpu_ns - now_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void stop(struct export_figure *figure)
{
	guint64 all = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	figure->sending_ns = all - now_ns(CLOCK_THREAD_CPUTIME_ID) - figure->sending_ns;
	figure->cpu_ns = all - figure->cpu_ns;
	figure->wall_ns = now_ns(CLOCK_MONOTONIC) - figure->wall_ns;
}

/* The collector's thread is none that sends. What begins a session arrives as well, but is not
 * counted with its messages. */
static void take_off(struct export_figure *figure, const struct sink_figures *sink)
{
	figure->arrived = MIN(sink->octets, figure->octets);
	figure->cpu_ns -= MIN(figure->cpu_ns, sink->cpu_ns);
	figure->sending_ns -= MIN(figure->sending_ns, sink->cpu_ns);
}

/* --- libfixbuf alone --- */

static bool append_all(fBuf_t *buffer, guint8 *record, size_t size, const struct job *job,
		       struct export_figure *figure)
{
	GError *fixbuf = NULL;

	/* Flows of two directions, more or less. */
	while (figure->records < 2 * job->flows) {
		for (guint i = 0; i < APPENDS; i++) {
			if (!fBufAppend(buffer, record, size, &fixbuf)) {
				g_clear_error(&fixbuf);
				return false;
			}
		}
		figure->records += APPENDS;
	}
	return true;
}

static bool run_fixbuf(const struct job *job, struct export_figure *figure, GError **error)
{
	const GArray *columns = job->layout->columns[0];
	fbInfoModel_t *model = ipfix_model_new(FIELD_PEN_DEFAULT);
	fbTemplate_t *template = ipfix_model_template(model, columns, FIELD_PEN_DEFAULT, error);
	fbSession_t *session = fbSessionAlloc(model);
	struct fill_plan *plan = fill_plan_new(columns);
	g_autofree guint8 *message = g_malloc(IPFIX_MESSAGE_MAX_FILE);
	g_autofree guint8 *record = g_malloc0(fill_plan_size(plan));
	fBuf_t *buffer =
		fBufAllocForExport(session, fbExporterAllocBuffer(message, IPFIX_MESSAGE_MAX_FILE));
	GError *fixbuf = NULL;
	bool good = template && fbSessionAddTemplate(session, TRUE, 256, template, &fixbuf) &&
		    fbSessionAddTemplate(session, FALSE, 256, template, &fixbuf) &&
		    fBufSetInternalTemplate(buffer, 256, &fixbuf) &&
		    fBufSetExportTemplate(buffer, 256, &fixbuf);

	start(figure);
	good = good && append_all(buffer, record, fill_plan_size(plan), job, figure);
	stop(figure);
	figure->octets = figure->records * fill_plan_length(plan);
	if (!good && !*error)
		ipfix_error(error, fixbuf, "libfixbuf alone");
	fill_plan_free(plan);
	fBufFree(buffer);
	fbInfoModelFree(model);
	return good;
}

/* --- encoding --- */

static bool forget(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct export_figure *figure = data;

	(void)octets;
	(void)error;
	figure->octets += length;
	return true;
}

static struct encoder *open_encoder(const struct job *job, guint16 message_max, encoder_sink *sink,
				    void *data, GError **error)
{
	return job->form->open(&(struct encoder_options){ .record_template = job->layout,
							  .pen = FIELD_PEN_DEFAULT,
							  .domain = DOMAIN,
							  .message_max = message_max },
			       sink, data, error);
}

static bool run_encoded(const struct job *job, struct export_figure *figure, GError **error)
{
	struct encoder *encoder = open_encoder(job, 0, forget, figure, error);
	bool good = encoder != NULL;
	guint64 flows = 0;

	start(figure);
	for (guint i = 0; good && flows < job->flows; i++) {
		const struct flow_batch *batch = records_batch(job->records, i);

		good = job->form->encode(encoder, batch, &figure->records, error);
		flows += batch->count;
	}
	good = good && job->form->flush(encoder, error);
	stop(figure);
	if (encoder)
		job->form->free(encoder);
	return good;
}

/* --- the transport alone --- */

struct messages {
	GPtrArray *all; /* of struct message */
	guint64 records;
	guint64 counted;
};

static bool keep(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct messages *messages = data;
	struct message *message = message_new(octets, length);

	(void)error;
	message->records = messages->records - messages->counted;
	messages->counted = messages->records;
	g_ptr_array_add(messages->all, message);
	return true;
}

static void unref_message(gpointer message)
{
	message_unref(message);
}

/* Every record once. */
static bool make_messages(const struct job *job, struct messages *messages, GError **error)
{
	struct encoder *encoder =
		open_encoder(job, job->transport->message_max, keep, messages, error);
	bool good = encoder != NULL;

	for (guint i = 0; good && i < records_batches(job->records); i++)
		good = job->form->encode(encoder, records_batch(job->records, i),
					 &messages->records, error);
	good = good && job->form->flush(encoder, error);
	if (encoder)
		job->form->free(encoder);
	return good;
}

static bool send_part(const struct job *job, struct transport *transport,
		      const struct messages *messages, guint from, struct export_figure *figure)
{
	struct transport_octets octets[MESSAGES];
	struct transport_batch batch = { .messages = octets };

	for (; batch.count < MESSAGES && from + batch.count < messages->all->len; batch.count++) {
		const struct message *message =
			g_ptr_array_index(messages->all, from + batch.count);

		octets[batch.count] = (struct transport_octets){ message->octets, message->length };
		figure->octets += message->length;
		figure->records += message->records;
	}
	return job->transport->send(transport, &batch, NULL, NULL);
}

static bool send_messages(const struct job *job, struct transport *transport,
			  const struct messages *messages, struct export_figure *figure)
{
	bool good = true;

	while (good && figure->records < 2 * job->flows) {
		for (guint from = 0; good && from < messages->all->len; from += MESSAGES)
			good = send_part(job, transport, messages, from, figure);
	}
	return good;
}

static bool run_sent(const struct job *job, struct export_figure *figure, GError **error)
{
	struct messages messages = { .all = g_ptr_array_new_with_free_func(unref_message) };
	struct sink *sink = sink_new(!job->transport->datagrams, error);
	const struct transport_options place = { .host = "127.0.0.1",
						 .port = sink ? sink_port(sink) : 0,
						 .timeout_s = TIMEOUT_S };
	struct transport *transport = sink ? job->transport->open(&place, error) : NULL;
	bool good = transport && make_messages(job, &messages, error) &&
		    job->transport->connect(transport, NULL, error);
	struct sink_figures figures = { 0 };

	start(figure);
	good = good && send_messages(job, transport, &messages, figure);
	if (transport)
		job->transport->free(transport);
	if (sink)
		figures = sink_finish(sink);
	stop(figure);
	take_off(figure, &figures);
	g_ptr_array_unref(messages.all);
	if (!good && !*error)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "sending on loopback failed");
	return good;
}

/* --- all of it --- */

static bool give_all(const struct job *job, struct fanout *fanout, GError **error)
{
	guint64 flows = 0;
	bool good = true;

	for (guint i = 0; good && flows < job->flows; i++) {
		const struct flow_batch *batch = records_batch(job->records, i);

		good = fanout_write(fanout, batch, error);
		flows += batch->count;
	}
	return good && fanout_finish(fanout, error);
}

static bool run_delivered(const struct job *job, struct export_figure *figure, GError **error)
{
	struct sink *sink = sink_new(!job->transport->datagrams, error);
	g_autofree char *url = g_strdup_printf("%s+%s://127.0.0.1:%u?pace=0", job->form->scheme,
					       job->transport->name, sink ? sink_port(sink) : 0);
	const char *const to[] = { url, NULL };
	const struct export_options options = { .to = to,
						.template_name = job->which->template_name,
						.pen = FIELD_PEN_DEFAULT,
						.domain = DOMAIN,
						.strict = true,
						.patient = true };
	struct fanout *fanout = sink ? fanout_new(&options, error) : NULL;
	struct sink_figures figures = { 0 };
	bool good;

	start(figure);
	good = fanout && give_all(job, fanout, error);
	if (fanout) {
		figure->records = fanout_counts(fanout, 0)->records;
		figure->octets = fanout_counts(fanout, 0)->message_octets;
	}
	fanout_free(fanout);
	if (sink)
		figures = sink_finish(sink);
	stop(figure);
	take_off(figure, &figures);
	return good;
}

/* --- a case --- */

static bool work(const void *data, void *ret_result, GError **error)
{
	static bool (*const runs[])(const struct job *job, struct export_figure *figure,
				    GError **error) = {
		[EXPORT_FIXBUF] = run_fixbuf,
		[EXPORT_ENCODED] = run_encoded,
		[EXPORT_SENT] = run_sent,
		[EXPORT_DELIVERED] = run_delivered,
	};
	struct job job = *(const struct job *)data;
	const struct export_case *which = job.which;
	GError *fault = NULL;
	bool good;

	job.form = encoder_by_scheme(which->scheme, strlen(which->scheme));
	if (which->transport)
		job.transport = transport_by_name(which->transport, strlen(which->transport));
	job.layout = record_template_load(which->template_name, TEMPLATE_AS_WRITTEN, &fault);
	good = job.layout && runs[which->way](&job, ret_result, &fault);
	record_template_free(job.layout);
	if (fault)
		g_propagate_error(error, fault);
	return good;
}

bool export_cost_measure(const struct export_case *which, const struct records *records,
			 guint64 flows, struct export_figure *ret_figure, GError **error)
{
	const struct job job = { .which = which, .records = records, .flows = flows };
	struct child_result result = { .octets = ret_figure, .size = sizeof(*ret_figure) };

	if (child_run(work, &job, &result, error))
		return true;
	g_prefix_error(error, "benchmark of %s, template %s: ", which->scheme,
		       which->template_name);
	return false;
}
