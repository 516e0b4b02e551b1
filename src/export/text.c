/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows for a person's eyes: a line a flow, the initiator first, within 120 columns. The year
 * stands in the heading, which comes again when the year changes. */
#include <string.h>

#include "export/encoder.h"
#include "export/print.h"

#define CHUNK (64 * 1024)

enum width {
	WIDTH_START = 18,
	WIDTH_DURATION = 6,
	WIDTH_PROTOCOL = 5,
	WIDTH_IPV4_END = 21,
	WIDTH_ARROW = 3,
	WIDTH_ENDS = 45,
	WIDTH_AMOUNT = 4,
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

/* A text on its way into a column. */
struct cell {
	size_t length;
	char text[128];
};

static union field_value get(const struct encoder *encoder, enum what what,
			     const struct flow_view *view)
{
	union field_value value;

	encoder->fields[what]->get(view, &value);
	return value;
}

static void cell_char(struct cell *cell, char c)
{
	cell->text[cell->length++] = c;
}

static void cell_string(struct cell *cell, const char *text)
{
	size_t length = strlen(text);

	memcpy(cell->text + cell->length, text, length);
	cell->length += length;
}

static void cell_number(struct cell *cell, guint64 value)
{
	cell->length = (size_t)(print_u64(cell->text + cell->length, value) - cell->text);
}

static void cell_digits(struct cell *cell, guint64 value, guint digits)
{
	cell->length =
		(size_t)(print_digits(cell->text + cell->length, value, digits) - cell->text);
}

static void put_blanks(GString *out, size_t used, size_t width)
{
	for (; used < width; used++)
		g_string_append_c(out, ' ');
}

static void put_left(GString *out, const struct cell *cell, size_t width)
{
	g_string_append_len(out, cell->text, (gssize)cell->length);
	put_blanks(out, cell->length, width);
	g_string_append_c(out, ' ');
}

static void put_right(GString *out, const struct cell *cell, size_t width)
{
	put_blanks(out, cell->length, width);
	g_string_append_len(out, cell->text, (gssize)cell->length);
	g_string_append_c(out, ' ');
}

static void put_heading(struct encoder *encoder)
{
	g_string_append_len(encoder->out, encoder->year, sizeof(encoder->year));
	g_string_append_printf(encoder->out, " %-*s%*s %-*s %-*s %*s %*s %-*s %s\n",
			       WIDTH_START - 4, "UTC", WIDTH_DURATION, "TIME", WIDTH_PROTOCOL,
			       "PROTO", WIDTH_ENDS, "SOURCE > DESTINATION", 2 * WIDTH_AMOUNT + 1,
			       "PACKETS", 2 * WIDTH_AMOUNT + 1, "OCTETS", 2 * WIDTH_FLAGS + 1,
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
	put_left(encoder->out, &cell, WIDTH_START);
}

/* In six places: 0us 999us 12.3ms 807ms 4.567s 123.4s 16m40s 27h46m 5d04h. */
static void put_duration(GString *out, guint64 duration_ns)
{
	static const struct {
		guint64 below_ns;
		guint64 unit_ns;
		guint64 part_ns; /* what the digits after it count; 0: there are none */
		guint digits;
		const char *mark; /* between the two */
		const char *tail;
	} forms[] = {
		{ 1000000, 1000, 0, 0, "us", "" },
		{ 100000000, 1000000, 100000, 1, ".", "ms" },
		{ 1000000000, 1000000, 0, 0, "ms", "" },
		{ 10000000000, 1000000000, 1000000, 3, ".", "s" },
		{ 100000000000, 1000000000, 10000000, 2, ".", "s" },
		{ 1000000000000, 1000000000, 100000000, 1, ".", "s" },
		{ 6000000000000, 60000000000, 1000000000, 2, "m", "s" },
		{ 360000000000000, 3600000000000, 60000000000, 2, "h", "m" },
		{ G_MAXUINT64, 86400000000000, 3600000000000, 2, "d", "h" },
	};
	struct cell cell = { 0 };
	size_t i = 0;

	while (duration_ns >= forms[i].below_ns && i + 1 < G_N_ELEMENTS(forms))
		i++;
	cell_number(&cell, duration_ns / forms[i].unit_ns);
	cell_string(&cell, forms[i].mark);
	if (forms[i].part_ns)
		cell_digits(&cell, duration_ns % forms[i].unit_ns / forms[i].part_ns,
			    forms[i].digits);
	cell_string(&cell, forms[i].tail);
	put_right(out, &cell, WIDTH_DURATION);
}

static void put_protocol(GString *out, guint64 protocol)
{
	static const struct {
		guint8 number;
		const char *name;
	} known[] = {
		{ 1, "ICMP" },	{ 2, "IGMP" },	 { 4, "IPIP" },	  { 41, "IPv6" },
		{ 6, "TCP" },	{ 17, "UDP" },	 { 33, "DCCP" },  { 47, "GRE" },
		{ 50, "ESP" },	{ 51, "AH" },	 { 58, "ICMP6" }, { 89, "OSPF" },
		{ 103, "PIM" }, { 112, "VRRP" }, { 132, "SCTP" }, { 136, "UDPL" },
	};
	struct cell cell = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(known) && cell.length == 0; i++)
		if (known[i].number == protocol)
			cell_string(&cell, known[i].name);
	if (cell.length == 0)
		cell_number(&cell, protocol);
	put_left(out, &cell, WIDTH_PROTOCOL);
}

static void cell_end(struct cell *cell, bool ipv6, const union field_value *address, guint64 port)
{
	char *at = cell->text + cell->length;

	if (ipv6 && port)
		*at++ = '[';
	at = ipv6 ? print_ipv6(at, address->octets) : print_ipv4(at, address->octets);
	if (ipv6 && port)
		*at++ = ']';
	if (port) {
		*at++ = ':';
		at = print_u64(at, port);
	}
	cell->length = (size_t)(at - cell->text);
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

	cell_end(&from, ipv6, &source, get(encoder, SOURCE_PORT, view).number);
	cell_end(&to, ipv6, &destination, get(encoder, DESTINATION_PORT, view).number);
	fit_ends(&from, &to);
	g_string_append_len(encoder->out, from.text, (gssize)from.length);
	if (!ipv6)
		put_blanks(encoder->out, from.length, WIDTH_IPV4_END);
	g_string_append(encoder->out, " > ");
	put_left(encoder->out, &to,
		 WIDTH_ENDS - WIDTH_ARROW - (ipv6 ? from.length : WIDTH_IPV4_END));
}

static void put_amount(GString *out, guint64 amount)
{
	static const char units[] = "kMGTPE";
	struct cell cell = { 0 };
	guint64 unit = 1000;
	size_t i = 0;

	if (amount < 10000) {
		cell_number(&cell, amount);
		put_right(out, &cell, WIDTH_AMOUNT);
		return;
	}
	for (; amount / unit >= 1000; i++)
		unit *= 1000;
	cell_number(&cell, amount / unit);
	if (amount / unit < 10) {
		cell_char(&cell, '.');
		cell_number(&cell, amount % unit / (unit / 10));
	}
	cell_char(&cell, units[i]);
	put_right(out, &cell, WIDTH_AMOUNT);
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
	put_left(encoder->out, &cell, WIDTH_FLAGS);
}

static const char *end_word(guint64 reason)
{
	static const char *const words[] = {
		[FLOW_END_NONE] = "-",	      [FLOW_END_IDLE] = "idle",
		[FLOW_END_ACTIVE] = "active", [FLOW_END_DETECTED] = "end",
		[FLOW_END_FORCED] = "forced", [FLOW_END_RESOURCES] = "no room",
	};

	return reason < G_N_ELEMENTS(words) ? words[reason] : "-";
}

static void put_flow(struct encoder *encoder, const struct flow_record *record)
{
	const struct flow *flow = &record->flow;
	enum flow_side_index initiator = flow_initiator(flow);
	const struct flow_view views[2] = {
		{ record, initiator, FIELD_SCOPE_FORWARD },
		{ record, initiator == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW,
		  FIELD_SCOPE_REVERSE },
	};
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
	g_string_append(encoder->out, end_word(get(encoder, END_REASON, &views[0]).number));
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
	.open = text_open,
	.encode = text_encode,
	.flush = text_flush,
	.free = text_free,
};
