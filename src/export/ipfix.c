/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX (RFC 7011) by libfixbuf: templates and element types first, then data records.
 *
 * The export time of a message is the packet clock, the latest packet of all flows told so far, so
 * that one capture gives the same octets whenever it is replayed. A session without any flow says
 * 1970. */
#include "base/error.h"
#include "export/encoder.h"
#include "export/ipfix_fill.h"
#include "export/ipfix_message.h"
#include "export/ipfix_model.h"
#include "export/ipfix_options.h"
#include "export/ipfix_types.h"

#define FORMS	       2 /* of a record: for IPv4 and for IPv6 flows */
/* Behind the first id of all. */
#define TYPES_TEMPLATE FORMS
#define OPTIONS_FIRST  (TYPES_TEMPLATE + 1)

/* Of a datagram that grows: more fragments are not worth a try. */
#define IPFIX_MESSAGE_MAX_GROWN 8192

/* One of the two layouts; plan is NULL where the template does not take such flows. */
struct form {
	guint16 template_length; /* in its set */
	struct fill_plan *plan;

	/* The records that wait to be filled together. */
	size_t count;
	struct flow_view views[FILL_BLOCK];
	size_t lengths[FILL_BLOCK];
	guint8 *records;
};

/* A record that waits, and when it was told. */
struct turn {
	guint8 form;
	guint8 index; /* among its form's */
	guint32 seconds;
};

struct encoder {
	const struct record_template *layout;
	fbInfoModel_t *model;
	struct ipfix_types *types; /* NULL: no own elements */
	struct ipfix_options *options;
	struct ipfix_message *message;
	guint16 first_id;  /* of its templates */
	size_t record_max; /* octets on the wire */
	bool introduced;   /* the session's templates are out */
	guint64 clock_ns;
	struct form forms[FORMS];
	size_t waiting;
	struct turn turns[FILL_BLOCK]; /* in the order of flows */
	guint64 *records;	       /* of the caller, while he waits */
};

static void ipfix_free(struct encoder *encoder)
{
	if (encoder == NULL)
		return;
	ipfix_message_free(encoder->message);
	ipfix_types_free(encoder->types);
	ipfix_options_free(encoder->options);
	if (encoder->model != NULL)
		fbInfoModelFree(encoder->model);
	for (int i = 0; i < FORMS; i++) {
		fill_plan_free(encoder->forms[i].plan);
		g_free(encoder->forms[i].records);
	}
	g_free(encoder);
}

static guint16 template_length(const GArray *columns)
{
	size_t length = 4;

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		length += column->field->own || column->reverse ? 8 : 4;
	}
	return (guint16)length;
}

static bool add_form(struct encoder *encoder, fbSession_t *session, int index,
		     const struct encoder_options *options, GError **error)
{
	const GArray *columns = encoder->layout->columns[index];
	guint16 id = (guint16)(encoder->first_id + index);
	struct form *form = &encoder->forms[index];
	fbTemplate_t *template = ipfix_model_template(encoder->model, columns, options->pen, error);
	GError *fixbuf = NULL;

	if (template == NULL)
		return false;
	/* Inside and on the wire alike. */
	if (fbSessionAddTemplate(session, TRUE, id, template, &fixbuf) != id ||
	    fbSessionAddTemplate(session, FALSE, id, template, &fixbuf) != id) {
		ipfix_error(error, fixbuf, "cannot register the IPFIX template");
		return false;
	}
	form->template_length = template_length(columns);
	form->plan = fill_plan_new(columns);
	form->records = g_malloc(fill_plan_size(form->plan) * FILL_BLOCK);
	return true;
}

static bool add_templates(struct encoder *encoder, fbSession_t *session,
			  const struct encoder_options *options, GError **error)
{
	GError *types_error = NULL;

	if (encoder->layout->ipv4 && !add_form(encoder, session, 0, options, error))
		return false;
	if (encoder->layout->ipv6 && !add_form(encoder, session, 1, options, error))
		return false;
	encoder->types =
		ipfix_types_new(encoder->model, session, options,
				(guint16)(encoder->first_id + TYPES_TEMPLATE), &types_error);
	if (types_error != NULL) {
		g_propagate_error(error, types_error);
		return false;
	}
	encoder->options = ipfix_options_new(encoder->model, session, options,
					     (guint16)(encoder->first_id + OPTIONS_FIRST), error);
	return encoder->options != NULL;
}

/* A template cannot be cut or split: a datagram that is too long for it arrives in fragments, where
 * nobody forbids that. */
static guint16 grown(const struct encoder *encoder, guint16 message_max)
{
	for (int i = 0; i < FORMS; i++) {
		size_t whole =
			IPFIX_MESSAGE_HEADER + IPFIX_SET_HEADER + encoder->forms[i].template_length;

		if (whole <= IPFIX_MESSAGE_MAX_GROWN)
			message_max = (guint16)MAX(message_max, whole);
	}
	return message_max;
}

static bool check_length(const struct encoder *encoder, size_t length, size_t message_max,
			 GError **error)
{
	if (IPFIX_MESSAGE_HEADER + IPFIX_SET_HEADER + length <= message_max)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "template %s needs %zu octets at once, more than a message of %zu holds; "
		    "shorten it or raise the message size",
		    encoder->layout->name, length, message_max);
	return false;
}

/* most: of a message with a template; usual: of one with records. */
static bool check_lengths(const struct encoder *encoder, size_t usual, size_t most, GError **error)
{
	for (int i = 0; i < FORMS; i++) {
		const struct form *form = &encoder->forms[i];

		if (form->plan == NULL)
			continue;
		/* Texts are cut to what is left. */
		if (!check_length(encoder, form->template_length, most, error) ||
		    !check_length(encoder, fill_plan_length(form->plan), usual, error))
			return false;
	}
	return true;
}

static struct encoder *ipfix_open(const struct encoder_options *options, encoder_sink *sink,
				  void *sink_data, GError **error)
{
	const guint16 usual =
		options->message_max != 0 ? options->message_max : IPFIX_MESSAGE_MAX_FILE;
	guint16 most = usual;
	struct encoder *encoder;
	fbSession_t *session;
	bool good;

	if (usual < IPFIX_MESSAGE_MIN) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "a message of %u octets is too short for IPFIX; give at least %u",
			    usual, IPFIX_MESSAGE_MIN);
		return NULL;
	}
	encoder = g_new0(struct encoder, 1);
	encoder->layout = options->record_template;
	encoder->first_id = (guint16)(IPFIX_FIRST_DATA_SET + options->more_id);
	encoder->model = ipfix_model_new(options->pen);
	session = fbSessionAlloc(encoder->model);
	fbSessionSetDomain(session, options->domain);
	good = add_templates(encoder, session, options, error);
	if (good && options->message_grows)
		most = grown(encoder, usual);
	if (!good || !check_lengths(encoder, usual, most, error)) {
		fbSessionFree(session);
		ipfix_free(encoder);
		return NULL;
	}
	encoder->record_max = usual - IPFIX_MESSAGE_HEADER - IPFIX_SET_HEADER;
	encoder->message = ipfix_message_new(session, most, sink, sink_data);
	ipfix_message_set_usual(encoder->message, usual);
	return encoder;
}

/* The start of the session: everything a reader must know before data. Types come before the
 * templates that use them, as libfixbuf's readers look at them when they see a template. */
static bool introduce(struct encoder *encoder, GError **error)
{
	struct ipfix_message *message = encoder->message;

	encoder->introduced = true;
	if (!ipfix_options_send_templates(encoder->options, message, error))
		return false;
	if (encoder->types != NULL && !ipfix_types_send(encoder->types, message, error))
		return false;
	for (int i = 0; i < FORMS; i++) {
		const struct form *form = &encoder->forms[i];

		if (form->plan != NULL &&
		    !ipfix_message_add_template(message, (guint16)(encoder->first_id + i), false,
						form->template_length, error))
			return false;
	}
	return ipfix_options_send_fixed(encoder->options, message, error) &&
	       ipfix_message_send(message, error);
}

static bool append(struct encoder *encoder, const struct turn *turn, GError **error)
{
	const struct form *form = &encoder->forms[turn->form];
	const size_t size = fill_plan_size(form->plan);
	struct ipfix_record record = {
		.template_id = (guint16)(encoder->first_id + turn->form),
		.length = form->lengths[turn->index],
		.octets = form->records + turn->index * size,
		.size = size,
	};

	if (record.length > encoder->record_max)
		record.length = fill_plan_shorten(form->plan, record.octets, record.length,
						  encoder->record_max);
	ipfix_message_set_time(encoder->message, turn->seconds);
	if (!ipfix_message_add_record(encoder->message, &record, error))
		return false;
	(*encoder->records)++;
	return true;
}

static guint32 seconds(const struct encoder *encoder)
{
	return (guint32)(encoder->clock_ns / FLOW_SECOND_NS);
}

static bool append_waiting(struct encoder *encoder, GError **error)
{
	bool good = true;

	for (int i = 0; i < FORMS; i++) {
		struct form *form = &encoder->forms[i];

		if (form->count > 0)
			fill_plan_run_all(form->plan, form->views, form->count, form->records,
					  form->lengths);
		form->count = 0;
	}
	for (size_t i = 0; good && i < encoder->waiting; i++)
		good = append(encoder, &encoder->turns[i], error);
	encoder->waiting = 0;
	ipfix_message_set_time(encoder->message, seconds(encoder));
	return good;
}

/* What record_template_apply calls for each record of a flow. */
static bool take(void *data, const GArray *columns, const struct flow_view *forward, GError **error)
{
	struct encoder *encoder = data;
	int index = columns == encoder->layout->columns[1];
	struct form *form = &encoder->forms[index];

	encoder->turns[encoder->waiting++] = (struct turn){
		.form = (guint8)index,
		.index = (guint8)form->count,
		.seconds = seconds(encoder),
	};
	form->views[form->count++] = *forward;
	return encoder->waiting < FILL_BLOCK || append_waiting(encoder, error);
}

static bool encode_flow(struct encoder *encoder, const struct flow_view *flow, GError **error)
{
	const struct flow *metered = &flow->record->flow;

	if (!(metered->key.version == 6 ? encoder->layout->ipv6 : encoder->layout->ipv4))
		return true;
	encoder->clock_ns = MAX(encoder->clock_ns, flow_last_ns(metered));
	if (!encoder->introduced) {
		ipfix_message_set_time(encoder->message, seconds(encoder));
		if (!introduce(encoder, error))
			return false;
	}
	return record_template_apply(encoder->layout, flow, take, encoder, error);
}

static bool ipfix_encode(struct encoder *encoder, const struct flow_batch *batch,
			 guint64 *ret_records, GError **error)
{
	encoder->records = ret_records;
	for (size_t i = 0; i < batch->count; i++) {
		struct flow_view flow = flow_view_of(&batch->records[i], &batch->extras[i]);

		if (!encode_flow(encoder, &flow, error))
			return false;
	}
	return append_waiting(encoder, error);
}

static bool ipfix_flush(struct encoder *encoder, GError **error)
{
	if (!encoder->introduced && !introduce(encoder, error))
		return false;
	return ipfix_message_send(encoder->message, error);
}

static void ipfix_refresh(struct encoder *encoder)
{
	encoder->introduced = false;
}

static bool ipfix_report(struct encoder *encoder, const struct export_report *report,
			 guint64 *ret_options, GError **error)
{
	encoder->clock_ns = MAX(encoder->clock_ns, report->statistics->end_ns);
	ipfix_message_set_time(encoder->message, seconds(encoder));
	if (!encoder->introduced && !introduce(encoder, error))
		return false;
	return ipfix_options_report(encoder->options, encoder->message, report, ret_options,
				    error) &&
	       ipfix_message_send(encoder->message, error);
}

const struct encoder_ops ipfix_encoder = {
	.scheme = "ipfix",
	.sequence = ENCODER_COUNTS_RECORDS,
	.sequence_at = 8,
	.time_at = 4,
	.transports = "udp tcp tls dtls sctp",
	.open = ipfix_open,
	.encode = ipfix_encode,
	.flush = ipfix_flush,
	.refresh = ipfix_refresh,
	.report = ipfix_report,
	.free = ipfix_free,
};
