/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/reading.h"

#include <string.h>

#include "flow/fields.h"
#include "flow/fields_tcp.h"

/* What comes from outside is one plain line; equal texts are one pointer. */
static const char *plain(const char *text, size_t length)
{
	g_autofree char *made = length ? flow_text_make(text, length) : g_strdup("");

	for (char *c = made; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	return *made ? g_intern_string(made) : NULL;
}

static void read_place(struct top_end *end, const struct flow_place *place)
{
	const struct flow_text *country;
	const struct flow_text *name;

	if (flow_place_knows(place, FLOW_PLACE_COUNTRY)) {
		country = &place->cells[FLOW_PLACE_COUNTRY].text;
		if (country->length == 2 && g_ascii_isalpha(country->octets[0]) &&
		    g_ascii_isalpha(country->octets[1]))
			memcpy(end->country, country->octets, 2);
	}
	if (flow_place_knows(place, FLOW_PLACE_AS_NUMBER))
		end->as_number = (guint32)place->cells[FLOW_PLACE_AS_NUMBER].number;
	if (flow_place_knows(place, FLOW_PLACE_AS_NAME)) {
		name = &place->cells[FLOW_PLACE_AS_NAME].text;
		end->as_name = plain(name->octets, name->length);
	}
}

static void read_end(struct top_reading *reading, enum top_way way, enum flow_side_index index,
		     const struct flow_record *record, const struct flow_extra *extra)
{
	const struct flow_key *key = &record->flow.key;
	const struct flow_side *side = &record->flow.side[index];
	struct top_end *end = &reading->flow.end[way];
	bool low = index == FLOW_FROM_LOW;

	memcpy(end->address, low ? key->low : key->high, sizeof(end->address));
	end->port = GUINT16_FROM_BE(low ? key->low_port : key->high_port);
	reading->counts.packets[way] = side->packets;
	reading->counts.octets[way] = side->octets;
	if (extra) {
		const struct flow_interface *interface = extra->interface[index];

		read_place(end, extra->place[index]);
		if (interface && side->packets > 0)
			end->interface = plain(interface->name.octets, interface->name.length);
	}
}

/* Of one side: the mean of what was timed, else the handshake's. */
static guint64 side_rtt(const struct flow_view *view)
{
	union field_value value = { 0 };

	if (tcp_knows_rtt(view)) {
		tcp_rtt_mean(view, &value);
		return (guint64)(value.real + 0.5);
	}
	if (tcp_knows_handshake(view))
		tcp_handshake_rtt(view, &value);
	return value.number;
}

static void read_tcp(struct top_reading *reading, const struct flow_record *record)
{
	const struct flow_view forward = flow_view_of(record, NULL);
	const struct flow_view views[2] = { forward, flow_view_reverse(&forward) };

	for (int way = 0; way < 2; way++) {
		reading->flow.rtt_us += side_rtt(&views[way]);
		if (!tcp_has_order(&views[way]))
			continue;
		reading->flow.knows_tcp = true;
		reading->counts.retransmitted[way] =
			tcp_of(&views[way])->tally.retransmitted_packets;
	}
}

struct top_reading top_reading_of_record(const struct flow_record *record,
					 const struct flow_extra *extra)
{
	const struct flow *flow = &record->flow;
	const enum flow_side_index from = flow_initiator(flow);
	struct top_reading reading = {
		.flow = { .id = flow_id(flow),
			  .proto = flow->key.proto,
			  .version = flow->key.version },
		.record = flow_first_ns(flow) | 1,
		.first_ns = flow_first_ns(flow),
		.last_ns = flow_last_ns(flow),
		.finished = true,
	};

	read_end(&reading, TOP_FORTH, from, record, extra);
	read_end(&reading, TOP_BACK, from == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW, record,
		 extra);
	/* A port of ICMP is the identifier of a query: no service. */
	if (flow->key.proto == 1 || flow->key.proto == 58)
		reading.flow.end[TOP_FORTH].port = reading.flow.end[TOP_BACK].port = 0;
	if (record->detail >= FLOW_DETAIL_TCP)
		read_tcp(&reading, record);
	return reading;
}
