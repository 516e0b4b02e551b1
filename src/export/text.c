/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows for a person's eyes: a line a flow, the initiator first, within 120 columns. The year
 * stands in the heading, which comes again when the year changes. */
#include <string.h>

#include "export/cell.h"
#include "export/encoder.h"

#define CHUNK (64 * 1024)

enum width {
	WIDTH_START = 18,
	WIDTH_ARROW = 3,
	WIDTH_ENDS = 45,
	WIDTH_FLAGS = 6,
};

enum what {
	SOURCE_IPV4,
	DESTINATION_IPV4,
	SOURCE_IPV6,
	DESTINATION_IPV6,
	SOURCE_PORT,
	DESTINATION_PORT,
	PROTOCOL,
	VERSION,
	PACKETS,
	OCTETS,
	TCP_FLAGS,
	ICMP_IPV4,
	ICMP_IPV6,
	END_REASON,
	WHATS,
};

static const char *const element[WHATS] = {
	[SOURCE_IPV4] = "sourceIPv4Address",   [DESTINATION_IPV4] = "destinationIPv4Address",
	[SOURCE_IPV6] = "sourceIPv6Address",   [DESTINATION_IPV6] = "destinationIPv6Address",
	[SOURCE_PORT] = "sourceTransportPort", [DESTINATION_PORT] = "destinationTransportPort",
	[PROTOCOL] = "protocolIdentifier",     [VERSION] = "ipVersion",
	[PACKETS] = "packetDeltaCount",	       [OCTETS] = "octetDeltaCount",
	[TCP_FLAGS] = "tcpControlBits",	       [ICMP_IPV4] = "icmpTypeCodeIPv4",
	[ICMP_IPV6] = "icmpTypeCodeIPv6",      [END_REASON] = "flowEndReason",
};

struct encoder {
	encoder_sink *sink;
	void *sink_data;
	const struct field *fields[WHATS];
	struct print_day day;
	char year[4]; /* of the heading in force */
	GString *out;
};

static union field_value get(const struct encoder *encoder, enum what what,
			     const struct flow_view *view)
{
	union field_value value;

	encoder->fields[what]->get(view, &value);
	return value;
}

static void put_heading(struct encoder *encoder)
{
	g_string_append_len(encoder->out, encoder->year, sizeof(encoder->year));
	g_string_append_printf(encoder->out, " %-*s%*s %-*s %-*s %*s %*s %-*s %s\n",
			       WIDTH_START - 4, "UTC", CELL_DURATION, "TIME", CELL_PROTOCOL,
			       "PROTO", WIDTH_ENDS, "SOURCE > DESTINATION", 2 * CELL_AMOUNT + 1,
			       "PACKETS", 2 * CELL_AMOUNT + 1, "OCTETS", 2 * WIDTH_FLAGS + 1,
			       "FLAGS", "END");
}

static void put_start(struct encoder *encoder, guint64 time_ns)
{
	struct cell cell = { 0 };
	char date[PRINT_MAX];
	char *end;

	print_date(date, time_ns, &encoder->day);
	if (memcmp(date, encoder->year, sizeof(encoder->year)) != 0) {
		memcpy(encoder->year, date, sizeof(encoder->year));
		put_heading(encoder);
	}
	memcpy(cell.text, date + 5, 5); /* month and day */
	cell.text[5] = ' ';
	end = print_clock(cell.text + 6, time_ns, 3);
	cell.length = (size_t)(end - cell.text);
	cell_put_left(encoder->out, &cell, WIDTH_START);
}

/* Two long IPv6 addresses do not fit into the line: the middle gives way to a '~', as the network
 * and the host say most. What it costs comes out of the address, not of the port. */
static void cell_shorten(struct cell *cell, size_t width)
{
	const char *bracket = memchr(cell->text, ']', cell->length);
	size_t after = bracket ? cell->length - (size_t)(bracket - cell->text) : 0;
	size_t excess = cell->length - width + 1;
	size_t middle = (cell->length - after - excess) / 2 + 1;

	memmove(cell->text + middle + 1, cell->text + middle + excess,
		cell->length - middle - excess);
	cell->text[middle] = '~';
	cell->length = width;
}

/* Each end has half of the room, and what the other one does not need. */
static void fit_ends(struct cell *source, struct cell *destination)
{
	const size_t half = (WIDTH_ENDS - WIDTH_ARROW) / 2;
	size_t for_source = half;
	size_t for_destination = half;

	if (destination->length < half)
		for_source += half - destination->length;
	if (source->length < half)
		for_destination += half - source->length;
	if (source->length > for_source)
		cell_shorten(source, for_source);
	if (destination->length > for_destination)
		cell_shorten(destination, for_destination);
}

static void put_ends(struct encoder *encoder, const struct flow_view *view)
{
	bool ipv6 = get(encoder, VERSION, view).number == 6;
	union field_value source = get(encoder, ipv6 ? SOURCE_IPV6 : SOURCE_IPV4, view);
	union field_value destination =
		get(encoder, ipv6 ? DESTINATION_IPV6 : DESTINATION_IPV4, view);
	struct cell from = { 0 };
	struct cell to = { 0 };

	cell_end(&from, ipv6, source.octets, get(encoder, SOURCE_PORT, view).number);
	cell_end(&to, ipv6, destination.octets, get(encoder, DESTINATION_PORT, view).number);
	fit_ends(&from, &to);
	g_string_append_len(encoder->out, from.text, (gssize)from.length);
	if (!ipv6)
		cell_put_blanks(encoder->out, from.length, CELL_IPV4_END);
	g_string_append(encoder->out, " > ");
	cell_put_left(encoder->out, &to,
		      WIDTH_ENDS - WIDTH_ARROW - (ipv6 ? from.length : CELL_IPV4_END));
}

static void put_amount(GString *out, guint64 amount)
{
	struct cell cell = { 0 };

	cell_amount(&cell, amount);
	cell_put_right(out, &cell, CELL_AMOUNT);
}

static void put_duration(GString *out, guint64 duration_ns)
{
	struct cell cell = { 0 };

	cell_duration(&cell, duration_ns);
	cell_put_right(out, &cell, CELL_DURATION);
}

static void put_protocol(GString *out, guint64 protocol)
{
	struct cell cell = { 0 };

	cell_protocol(&cell, protocol);
	cell_put_left(out, &cell, CELL_PROTOCOL);
}

static void put_both_amounts(struct encoder *encoder, enum what what,
			     const struct flow_view views[2])
{
	for (int i = 0; i < 2; i++)
		put_amount(encoder->out, get(encoder, what, &views[i]).number);
}

/* TCP flags as letters; of ICMP, type and code. */
static void put_flags(struct encoder *encoder, const struct flow_view *view)
{
	static const char letters[] = "FSRPAUECN";
	bool ipv6 = get(encoder, VERSION, view).number == 6;
	guint64 protocol = get(encoder, PROTOCOL, view).number;
	guint64 flags = get(encoder, TCP_FLAGS, view).number;
	guint64 icmp = get(encoder, ipv6 ? ICMP_IPV6 : ICMP_IPV4, view).number;
	struct cell cell = { 0 };

	for (size_t i = 0; i < sizeof(letters) - 1; i++)
		if (flags & (guint64)1 << i)
			cell_char(&cell, letters[i]);
	if (protocol == (ipv6 ? 58 : 1) && get(encoder, PACKETS, view).number > 0) {
		cell_number(&cell, icmp >> 8);
		cell_char(&cell, '.');
		cell_number(&cell, icmp & 0xff);
	}
	if (cell.length == 0)
		cell_char(&cell, '-');
	cell_put_left(encoder->out, &cell, WIDTH_FLAGS);
}

static void put_flow(struct encoder *encoder, const struct flow_record *record)
{
	const struct flow *flow = &record->flow;
	const struct flow_view forward = flow_view_of(record, NULL); /* no room for extras */
	const struct flow_view views[2] = { forward, flow_view_reverse(&forward) };
	guint64 first = flow_first_ns(flow);
	guint64 last = flow_last_ns(flow);

	put_start(encoder, first);
	put_duration(encoder->out, last > first ? last - first : 0);
	put_protocol(encoder->out, get(encoder, PROTOCOL, &views[0]).number);
	put_ends(encoder, &views[0]);
	put_both_amounts(encoder, PACKETS, views);
	put_both_amounts(encoder, OCTETS, views);
	put_flags(encoder, &views[0]);
	put_flags(encoder, &views[1]);
	g_string_append(encoder->out, cell_end_word(get(encoder, END_REASON, &views[0]).number));
	g_string_append_c(encoder->out, '\n');
}

static struct encoder *text_open(const struct encoder_options *options, encoder_sink *sink,
				 void *sink_data, GError **error)
{
	struct encoder *encoder = g_new0(struct encoder, 1);

	(void)options; /* what a person reads is the same under every template */
	(void)error;
	encoder->sink = sink;
	encoder->sink_data = sink_data;
	encoder->day = (struct print_day)PRINT_DAY_INIT;
	encoder->out = g_string_sized_new(CHUNK);
	for (size_t i = 0; i < WHATS; i++) {
		encoder->fields[i] = field_by_name(element[i]);
		g_assert(encoder->fields[i]);
	}
	return encoder;
}

static bool text_flush(struct encoder *encoder, GError **error)
{
	bool good = encoder->out->len == 0 ||
		    encoder->sink(encoder->sink_data, (const guint8 *)encoder->out->str,
				  encoder->out->len, error);

	g_string_truncate(encoder->out, 0);
	return good;
}

/* A line a flow, whatever the template says. */
static guint64 text_records(const struct encoder *encoder, const struct flow *flow)
{
	(void)encoder;
	(void)flow;
	return 1;
}

static bool text_encode(struct encoder *encoder, const struct flow_batch *batch,
			guint64 *ret_records, GError **error)
{
	for (size_t i = 0; i < batch->count; i++) {
		put_flow(encoder, &batch->records[i]);
		++*ret_records;
		if (encoder->out->len >= CHUNK && !text_flush(encoder, error))
			return false;
	}
	return true;
}

static void text_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	g_string_free(encoder->out, TRUE);
	g_free(encoder);
}

const struct encoder_ops text_encoder = {
	.scheme = "text",
	.transports = "",
	.open = text_open,
	.records = text_records,
	.encode = text_encode,
	.flush = text_flush,
	.free = text_free,
};
