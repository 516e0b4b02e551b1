/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v9 (RFC 3954): templates and options first, then data. Export time is the packet clock,
 * so that one capture gives the same octets whenever it is replayed; see netflow_time.h.
 *
 * There are no reverse elements in v9. A biflow can be told nevertheless where every reverse column
 * has a number of its own (OUT_BYTES, OUT_PKTS, ntop's): that is the template ntop. Where one has
 * none the template is refused: turning it into uniflows would make other records than it says. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/encoder.h"
#include "export/netflow9_form.h"
#include "export/netflow9_packet.h"
#include "export/statistics.h"

#define PACKET_MAX	   1400 /* in UDP and IPv6, with room for a tunnel over Ethernet */
#define FORMS		   2	/* of a record: for IPv4 and for IPv6 flows */
/* Ids, behind the first of all. */
#define OPTIONS_SAMPLING   FORMS
#define OPTIONS_STATISTIC  (FORMS + 1)
#define OPTIONS_INTERFACE  (FORMS + 2)
#define SCOPE_SYSTEM	   1
#define SCOPE_INTERFACE	   2
#define OPTIONS_LONGEST	   28 /* octets of the longest options template or record */
#define IF_NAME		   82
#define IF_DESC		   83
#define NAME_OCTETS	   64 /* there is no variable length */
#define DESCRIPTION_OCTETS 64
#define INTERFACE_OCTETS   (4 + NAME_OCTETS + DESCRIPTION_OCTETS)

struct encoder {
	const struct record_template *layout;
	struct netflow_time time;
	struct netflow9_packet *packet;
	struct netflow9_form *forms[FORMS]; /* NULL: the template does not take such flows */
	size_t room;			    /* for a record in a packet */
	guint32 source_id;
	guint16 first_id; /* of templates */
	guint32 sampling;
	bool random_sampling;
	bool lasting_introduction;
	bool introduced;  /* templates and options are out */
	guint64 told;	  /* data records, ever */
	guint64 *records; /* of the caller, while he waits */
};

static guint16 id_of(const struct encoder *encoder, int which)
{
	return (guint16)(encoder->first_id + which);
}

static void netflow9_free(struct encoder *encoder)
{
	if (encoder == NULL)
		return;
	for (int i = 0; i < FORMS; i++)
		netflow9_form_free(encoder->forms[i]);
	netflow9_packet_free(encoder->packet);
	g_free(encoder);
}

static bool check_room(const struct encoder *encoder, size_t max, GError **error)
{
	for (int i = 0; i < FORMS; i++) {
		const struct netflow9_form *form = encoder->forms[i];
		size_t longest;

		if (form == NULL)
			continue;
		longest = MAX(netflow9_form_size(form), netflow9_form_template_size(form));
		longest = MAX(longest, OPTIONS_LONGEST);
		if (longest > netflow9_packet_room(max)) {
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "template %s needs %zu octets at once, more than a packet of "
				    "%zu holds; shorten it or raise mtu",
				    encoder->layout->name, longest, max);
			return false;
		}
	}
	return true;
}

static bool add_forms(struct encoder *encoder, GError **error)
{
	const bool wanted[FORMS] = { encoder->layout->ipv4, encoder->layout->ipv6 };

	for (int i = 0; i < FORMS; i++) {
		if (!wanted[i])
			continue;
		encoder->forms[i] = netflow9_form_new(encoder->layout, i == 1, error);
		if (encoder->forms[i] == NULL)
			return false;
	}
	return true;
}

static struct encoder *netflow9_open(const struct encoder_options *options, encoder_sink *sink,
				     void *sink_data, GError **error)
{
	size_t max = options->message_max != 0 ? options->message_max : PACKET_MAX;
	struct encoder *encoder = g_new0(struct encoder, 1);

	encoder->layout = options->record_template;
	encoder->room = netflow9_packet_room(max);
	encoder->source_id = options->domain;
	encoder->first_id = (guint16)(NETFLOW9_FIRST_DATA + options->more_id);
	encoder->sampling = MAX(options->sampling, 1);
	encoder->random_sampling = options->random_sampling;
	encoder->lasting_introduction = options->lasting_introduction;
	if (!add_forms(encoder, error) || !check_room(encoder, max, error)) {
		netflow9_free(encoder);
		return NULL;
	}
	encoder->packet =
		netflow9_packet_new(max, encoder->source_id, &encoder->time, sink, sink_data);
	return encoder;
}

static bool tell_templates(struct encoder *encoder, GError **error)
{
	for (int i = 0; i < FORMS; i++) {
		const struct netflow9_form *form = encoder->forms[i];
		guint8 *to;

		if (form == NULL)
			continue;
		to = netflow9_packet_add(encoder->packet, NETFLOW9_TEMPLATES,
					 netflow9_form_template_size(form), error);
		if (to == NULL)
			return false;
		netflow9_form_template(form, id_of(encoder, i), to);
	}
	return true;
}

/* An options template and its only record: the scope is the system, said by its source id. */
struct option {
	guint16 number;
	guint16 octets; /* 1, 4 or 8 */
	guint64 value;
};

static bool tell_options_template(struct encoder *encoder, guint16 id, const struct option *options,
				  guint count, GError **error)
{
	guint8 *to = netflow9_packet_add(encoder->packet, NETFLOW9_OPTIONS_TEMPLATES,
					 10 + count * 4, error);

	if (to == NULL)
		return false;
	store_be16(to, id);
	store_be16(to + 2, 4); /* octets of the scopes' specifiers, then of the options' */
	store_be16(to + 4, (guint16)(count * 4));
	store_be16(to + 6, SCOPE_SYSTEM);
	store_be16(to + 8, 4);
	to += 10;
	for (guint i = 0; i < count; i++, to += 4) {
		store_be16(to, options[i].number);
		store_be16(to + 2, options[i].octets);
	}
	return true;
}

static bool tell_options_record(struct encoder *encoder, guint16 id, const struct option *options,
				guint count, GError **error)
{
	size_t length = 4; /* of the scope */
	guint8 *to;

	for (guint i = 0; i < count; i++)
		length += options[i].octets;
	to = netflow9_packet_add(encoder->packet, id, length, error);
	if (to == NULL)
		return false;
	store_be32(to, encoder->source_id);
	to += 4;
	for (guint i = 0; i < count; to += options[i].octets, i++) {
		guint64 value = options[i].value;

		for (guint16 octet = options[i].octets; octet > 0; octet--, value >>= 8)
			to[octet - 1] = (guint8)value;
	}
	return true;
}

/* TOTAL_BYTES_EXP, _PKTS_EXP and _FLOWS_EXP: octets and packets before the one that says so, and
 * records before this one. */
static bool tell_statistic(struct encoder *encoder, const guint64 sent[3], bool with_template,
			   GError **error)
{
	const struct option statistic[] = { { 40, 8, sent[0] },
					    { 41, 8, sent[1] },
					    { 42, 8, sent[2] } };

	if (with_template)
		return tell_options_template(encoder, id_of(encoder, OPTIONS_STATISTIC), statistic,
					     G_N_ELEMENTS(statistic), error);
	return tell_options_record(encoder, id_of(encoder, OPTIONS_STATISTIC), statistic,
				   G_N_ELEMENTS(statistic), error);
}

/* SAMPLING_INTERVAL and _ALGORITHM (1: every Nth, 2: at random), and statistics. */
static bool tell_options(struct encoder *encoder, GError **error)
{
	const struct option sampling[] = {
		{ 34, 4, encoder->sampling },
		{ 35, 1, encoder->random_sampling ? 2 : 1 },
	};
	const guint64 sent[3] = { netflow9_packet_sent_octets(encoder->packet),
				  netflow9_packet_sent(encoder->packet), encoder->told };

	return tell_options_template(encoder, id_of(encoder, OPTIONS_SAMPLING), sampling,
				     G_N_ELEMENTS(sampling), error) &&
	       tell_statistic(encoder, sent, true, error) &&
	       tell_options_record(encoder, id_of(encoder, OPTIONS_SAMPLING), sampling,
				   G_N_ELEMENTS(sampling), error) &&
	       (encoder->lasting_introduction || tell_statistic(encoder, sent, false, error));
}

/* It begins a packet, so that the statistics are of packets before it. */
static bool introduce(struct encoder *encoder, GError **error)
{
	encoder->introduced = true;
	return netflow9_packet_send(encoder->packet, error) && tell_templates(encoder, error) &&
	       tell_options(encoder, error);
}

/* What record_template_apply calls for each record of a flow. */
static bool append(void *data, const GArray *columns, const struct flow_view *forward,
		   GError **error)
{
	struct encoder *encoder = data;
	int index = columns == encoder->layout->columns[1];
	const struct netflow9_form *form = encoder->forms[index];
	guint8 *to = netflow9_packet_add(encoder->packet, id_of(encoder, index),
					 netflow9_form_size(form), error);

	if (to == NULL)
		return false;
	netflow9_form_fill(form, forward, &encoder->time, to);
	encoder->told++;
	(*encoder->records)++;
	return true;
}

static guint64 netflow9_records(const struct encoder *encoder, const struct flow *flow)
{
	if (!netflow_time_tells(flow))
		return 0;
	return record_template_records(encoder->layout, flow);
}

static bool encode_flow(struct encoder *encoder, const struct flow_view *view, GError **error)
{
	const struct flow *flow = &view->record->flow;

	if (netflow9_records(encoder, flow) == 0)
		return true;
	if (!netflow_time_fits(&encoder->time, flow) &&
	    !netflow9_packet_send(encoder->packet, error))
		return false;
	netflow_time_take(&encoder->time, flow);
	if (!encoder->introduced && !introduce(encoder, error))
		return false;
	return record_template_apply(encoder->layout, view, append, encoder, error);
}

static bool netflow9_encode(struct encoder *encoder, const struct flow_batch *batch,
			    guint64 *ret_records, GError **error)
{
	encoder->records = ret_records;
	for (size_t i = 0; i < batch->count; i++) {
		struct flow_view view = flow_view_of(&batch->records[i], &batch->extras[i]);

		if (!encode_flow(encoder, &view, error))
			return false;
	}
	return true;
}

static bool netflow9_flush(struct encoder *encoder, GError **error)
{
	if (!encoder->introduced && !introduce(encoder, error))
		return false;
	return netflow9_packet_send(encoder->packet, error);
}

static void netflow9_refresh(struct encoder *encoder)
{
	encoder->introduced = false;
}

/* --- reports --- */

/* For readers that came late: this template is told each time it is used. */
static bool tell_interface_template(struct encoder *encoder, GError **error)
{
	const guint16 words[] = {
		id_of(encoder, OPTIONS_INTERFACE),
		4,
		8,
		SCOPE_INTERFACE,
		4,
		IF_NAME,
		NAME_OCTETS,
		IF_DESC,
		DESCRIPTION_OCTETS,
	};
	guint8 *to = netflow9_packet_add(encoder->packet, NETFLOW9_OPTIONS_TEMPLATES, sizeof(words),
					 error);

	for (guint i = 0; to && i < G_N_ELEMENTS(words); i++)
		store_be16(to + i * 2, words[i]);
	return to != NULL;
}

/* Filled up with zeros, one of them at the end for those who read C strings. */
static void put_text(guint8 *to, size_t size, const struct flow_text *text)
{
	size_t length = flow_text_fit(text, size - 1);

	memset(to, 0, size);
	if (length > 0)
		memcpy(to, text->octets, length);
}

static bool tell_interfaces(struct encoder *encoder, const struct export_statistics *run,
			    guint64 *ret_options, GError **error)
{
	if (run->interfaces_count == 0 || encoder->room < INTERFACE_OCTETS)
		return true;
	if (!tell_interface_template(encoder, error))
		return false;
	for (size_t i = 0; i < run->interfaces_count; i++) {
		const struct flow_interface *interface = run->interfaces[i];
		guint8 *to = netflow9_packet_add(encoder->packet, id_of(encoder, OPTIONS_INTERFACE),
						 INTERFACE_OCTETS, error);

		if (!to)
			return false;
		store_be32(to, interface->index);
		put_text(to + 4, NAME_OCTETS, &interface->name);
		put_text(to + 4 + NAME_OCTETS, DESCRIPTION_OCTETS, &interface->description);
		(*ret_options)++;
	}
	return true;
}

/* Before the first flow there is no time to say. */
static bool netflow9_report(struct encoder *encoder, const struct export_report *report,
			    guint64 *ret_options, GError **error)
{
	const struct export_counts *counts = report->counts;
	const guint64 sent[3] = { counts->message_octets, counts->messages, counts->records };

	if (!encoder->time.begun)
		return true;
	if (!encoder->introduced && !introduce(encoder, error))
		return false;
	/* First what tells of the packets before this one. */
	if (!tell_statistic(encoder, sent, false, error))
		return false;
	(*ret_options)++;
	return tell_interfaces(encoder, report->statistics, ret_options, error) &&
	       netflow9_packet_send(encoder->packet, error);
}

const struct encoder_ops netflow9_encoder = {
	.scheme = "netflow9",
	.transports = "udp",
	.port = 2055,
	.sequence = ENCODER_COUNTS_MESSAGES,
	.sequence_at = 12,
	.time_at = 8,
	.uptime_at = 4,
	.template_name = "v9",
	.open = netflow9_open,
	.records = netflow9_records,
	.encode = netflow9_encode,
	.flush = netflow9_flush,
	.refresh = netflow9_refresh,
	.report = netflow9_report,
	.free = netflow9_free,
};
