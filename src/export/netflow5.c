/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v5: a header and up to 30 records of one fixed layout for IPv4, one for each direction.
 * What that layout has no room for is not told, and counted so: IPv6 flows, and flows longer than
 * its clock. A direction whose packets or octets exceed its 32-bit counters becomes several records
 * that add up. Of the template it takes which of its members are filled; the others are 0. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/encoder.h"
#include "export/netflow_time.h"

#define VERSION		   5
#define HEADER		   24
#define RECORD		   48
#define RECORDS_MAX	   30
#define SAMPLING_MAX	   0x3fff
#define SAMPLING_EVERY_NTH 1
#define SAMPLING_AT_RANDOM 2
#define AS_TRANS	   23456 /* RFC 6793 */
#define PARTS_MAX	   1024	 /* 4 TiB in a record: more is no flow but a fault */

enum member_kind {
	MEMBER_NUMBER,
	MEMBER_LOW, /* the low octet: the eight flags v5 knows */
	MEMBER_ADDRESS,
	MEMBER_UPTIME,
	MEMBER_PART,  /* of a counter */
	MEMBER_INDEX, /* 0, unknown, where it does not fit */
	MEMBER_AS,    /* AS_TRANS where it does not fit */
};

struct member {
	const char *element;
	guint8 at;
	guint8 octets;
	enum member_kind kind;
};

static const struct member members[] = {
	{ "sourceIPv4Address", 0, 4, MEMBER_ADDRESS },
	{ "destinationIPv4Address", 4, 4, MEMBER_ADDRESS },
	{ "ingressInterface", 12, 2, MEMBER_INDEX },
	{ "egressInterface", 14, 2, MEMBER_INDEX },
	{ "packetDeltaCount", 16, 4, MEMBER_PART },
	{ "octetDeltaCount", 20, 4, MEMBER_PART },
	{ "flowStartMilliseconds", 24, 4, MEMBER_UPTIME },
	{ "flowEndMilliseconds", 28, 4, MEMBER_UPTIME },
	{ "sourceTransportPort", 32, 2, MEMBER_NUMBER },
	{ "destinationTransportPort", 34, 2, MEMBER_NUMBER },
	{ "icmpTypeCodeIPv4", 34, 2, MEMBER_NUMBER }, /* ICMP has it, others the port */
	{ "tcpControlBits", 37, 1, MEMBER_LOW },
	{ "protocolIdentifier", 38, 1, MEMBER_NUMBER },
	{ "ipClassOfService", 39, 1, MEMBER_NUMBER },
	{ "bgpSourceAsNumber", 40, 2, MEMBER_AS },
	{ "bgpDestinationAsNumber", 42, 2, MEMBER_AS },
};

struct encoder {
	const struct record_template *layout;
	const struct member **plan; /* of each column */
	struct netflow_time time;
	guint16 domain;
	guint16 sampling;
	guint32 sequence; /* records before this packet */
	size_t room;	  /* records of a packet */
	size_t count;	  /* in it */
	encoder_sink *sink;
	void *sink_data;
	guint64 *records; /* of the caller, while he waits */
	guint8 packet[HEADER + RECORDS_MAX * RECORD];
};

static void netflow5_free(struct encoder *encoder)
{
	if (encoder == NULL)
		return;
	g_free(encoder->plan);
	g_free(encoder);
}

static const struct member *member_of(const struct field *field)
{
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		if (strcmp(members[i].element, field->name) == 0)
			return &members[i];
	}
	return NULL;
}

static bool refuse(GError **error, const struct encoder *encoder, const char *why)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "template %s: %s; use the template v5",
		    encoder->layout->name, why);
	return false;
}

static bool plan(struct encoder *encoder, GError **error)
{
	const GArray *columns = encoder->layout->columns[0];

	if (!encoder->layout->ipv4)
		return refuse(error, encoder, "NetFlow v5 knows IPv4 only");
	if (encoder->layout->biflow)
		return refuse(error, encoder, "a record of NetFlow v5 has one direction");
	encoder->plan = g_new0(const struct member *, columns->len);
	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		encoder->plan[i] = member_of(column->field);
		if (encoder->plan[i] == NULL) {
			g_autofree char *why = g_strdup_printf(
				"a record of NetFlow v5 has no place for %s", column->name);

			return refuse(error, encoder, why);
		}
	}
	return true;
}

/* What a header has no room for. */
static bool check_options(const struct encoder_options *options, GError **error)
{
	const char *what = NULL;

	if (options->domain > G_MAXUINT16)
		what = "an engine type and id: give a domain up to 65535";
	else if (options->sampling > SAMPLING_MAX)
		what = "the sampling interval: sample one packet in 16383 at most";
	else if (options->message_max != 0 && options->message_max < HEADER + RECORD)
		what = "a single record: raise mtu to 72 or more";
	if (what == NULL)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "a packet of NetFlow v5 would have no room for %s", what);
	return false;
}

static guint16 sampling_of(const struct encoder_options *options)
{
	guint mode = options->random_sampling ? SAMPLING_AT_RANDOM : SAMPLING_EVERY_NTH;

	return options->sampling > 1 ? (guint16)(mode << 14 | options->sampling) : 0;
}

static struct encoder *netflow5_open(const struct encoder_options *options, encoder_sink *sink,
				     void *sink_data, GError **error)
{
	struct encoder *encoder;

	if (!check_options(options, error))
		return NULL;
	encoder = g_new0(struct encoder, 1);
	encoder->layout = options->record_template;
	encoder->domain = (guint16)options->domain;
	encoder->sampling = sampling_of(options);
	encoder->room = RECORDS_MAX;
	if (options->message_max != 0)
		encoder->room = MIN((options->message_max - HEADER) / RECORD, RECORDS_MAX);
	encoder->sink = sink;
	encoder->sink_data = sink_data;
	if (plan(encoder, error))
		return encoder;
	netflow5_free(encoder);
	return NULL;
}

static bool netflow5_flush(struct encoder *encoder, GError **error)
{
	guint8 *header = encoder->packet;
	size_t length = HEADER + encoder->count * RECORD;

	if (encoder->count == 0)
		return true;
	store_be16(header, VERSION);
	store_be16(header + 2, (guint16)encoder->count);
	store_be32(header + 4, netflow_time_uptime(&encoder->time));
	store_be32(header + 8, netflow_time_seconds(&encoder->time));
	store_be32(header + 12, 0); /* nanoseconds: the clock is at a whole second */
	store_be32(header + 16, encoder->sequence);
	store_be16(header + 20, encoder->domain); /* engine type and engine id */
	store_be16(header + 22, encoder->sampling);
	encoder->sequence += (guint32)encoder->count;
	encoder->count = 0;
	return encoder->sink(encoder->sink_data, encoder->packet, length, error);
}

/* Into how many records of 32-bit counters a side goes; 0: it does not. */
static guint64 parts_of(const struct flow_side *side)
{
	guint64 most = MAX(side->packets, side->octets);
	guint64 parts = most / G_MAXUINT32 + (most % G_MAXUINT32 != 0);

	return parts <= PARTS_MAX && parts <= side->packets ? parts : 0;
}

static guint64 netflow5_records(const struct encoder *encoder, const struct flow *flow)
{
	guint64 records = 0;

	(void)encoder;
	if (flow->key.version != 4 || !netflow_time_tells(flow))
		return 0;
	for (size_t i = 0; i < G_N_ELEMENTS(flow->side); i++) {
		const struct flow_side *side = &flow->side[i];

		if (side->packets > 0 && parts_of(side) == 0)
			return 0;
		records += side->packets > 0 ? parts_of(side) : 0;
	}
	return records;
}

static void put_number(const struct member *member, guint64 number, guint8 *record)
{
	guint8 *to = record + member->at;

	if (member->octets == 1)
		*to = (guint8)number;
	else if (member->octets == 2)
		store_be16(to, (guint16)number);
	else
		store_be32(to, (guint32)number);
}

/* part: of how many, from 0. */
struct part {
	guint64 number;
	guint64 of;
};

static void put(const struct encoder *encoder, const struct member *member,
		const union field_value *value, const struct part *part, guint8 *record)
{
	guint64 number = value->number;

	switch (member->kind) {
	case MEMBER_ADDRESS:
		memcpy(record + member->at, value->octets, member->octets);
		return;
	case MEMBER_UPTIME:
		number = netflow_time_of(&encoder->time, number);
		break;
	case MEMBER_PART: /* the first ones have one more where it does not divide */
		number = number / part->of + (part->number < number % part->of);
		break;
	case MEMBER_INDEX:
		number = number <= G_MAXUINT16 ? number : 0;
		break;
	case MEMBER_AS:
		number = number <= G_MAXUINT16 ? number : AS_TRANS;
		break;
	case MEMBER_LOW:
	case MEMBER_NUMBER:
		break;
	}
	if (number != 0) /* as the record is; a zero must not hide what shares its place */
		put_number(member, number, record);
}

static bool append_part(struct encoder *encoder, const GArray *columns,
			const struct flow_view *forward, const struct part *part, GError **error)
{
	guint8 *record = encoder->packet + HEADER + encoder->count * RECORD;
	const struct record_views views = record_views_of(forward);

	memset(record, 0, RECORD);
	for (guint i = 0; i < columns->len; i++) {
		union field_value value;

		record_column_value(&g_array_index(columns, struct template_column, i), &views,
				    &value);
		put(encoder, encoder->plan[i], &value, part, record);
	}
	encoder->count++;
	(*encoder->records)++;
	return encoder->count < encoder->room || netflow5_flush(encoder, error);
}

/* What record_template_apply calls for each direction of a flow. */
static bool append(void *data, const GArray *columns, const struct flow_view *forward,
		   GError **error)
{
	struct encoder *encoder = data;
	struct part part = { 0, parts_of(&forward->record->flow.side[forward->from]) };

	for (; part.number < part.of; part.number++) {
		if (!append_part(encoder, columns, forward, &part, error))
			return false;
	}
	return true;
}

static bool encode_flow(struct encoder *encoder, const struct flow_view *view, GError **error)
{
	const struct flow *flow = &view->record->flow;

	if (netflow5_records(encoder, flow) == 0)
		return true;
	if (!netflow_time_fits(&encoder->time, flow) && !netflow5_flush(encoder, error))
		return false;
	netflow_time_take(&encoder->time, flow);
	return record_template_apply(encoder->layout, view, append, encoder, error);
}

static bool netflow5_encode(struct encoder *encoder, const struct flow_batch *batch,
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

const struct encoder_ops netflow5_encoder = {
	.scheme = "netflow5",
	.transports = "udp",
	.port = 2055,
	.sequence = ENCODER_COUNTS_RECORDS,
	.sequence_at = 16,
	.time_at = 8,
	.uptime_at = 4,
	.template_name = "v5",
	.open = netflow5_open,
	.records = netflow5_records,
	.encode = netflow5_encode,
	.flush = netflow5_flush,
	.free = netflow5_free,
};
