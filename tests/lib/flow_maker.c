/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_maker.h"

#include <string.h>

#define START_NS G_GUINT64_CONSTANT(1700000000123456789)

static void make_key(struct flow_key *key, guint64 number)
{
	static const guint8 protocols[] = { 6, 17, 6, 1 };
	guint8 low[16] = { [10] = 0xff, [11] = 0xff, 10, 1 };
	guint8 high[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 7 };

	key->version = number % 3 == 2 ? 6 : 4;
	if (key->version == 6) {
		memcpy(low, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0", 12);
		memcpy(high, "\x20\x01\x0d\xb8\xff\xff\0\0\0\0\0\x42", 12);
	}
	low[14] = (guint8)(number >> 8);
	low[15] = (guint8)number;
	memcpy(key->low, low, sizeof(low));
	memcpy(key->high, high, sizeof(high));
	key->proto = protocols[number % G_N_ELEMENTS(protocols)];
	if (key->proto == 1 && key->version == 6)
		key->proto = 58;
	key->low_port = GUINT16_TO_BE((guint16)(1024 + number % 60000));
	key->high_port = key->proto == 1 || key->proto == 58 ? key->low_port : GUINT16_TO_BE(443);
	key->vlan = number % 4 == 0 ? 100 : 0;
}

static void make_side(struct flow_side *side, guint64 number, guint64 first_ns)
{
	side->packets = 1 + number % 1000;
	side->octets = side->packets * 700 + number % 13;
	if (number % 7 == 0)
		side->octets += (guint64)5 << 32;
	side->payload = side->octets - side->packets * 40;
	side->first_ns = first_ns;
	side->last_ns = first_ns + number % 59 * FLOW_SECOND_NS + number % 1000000007;
	side->tcp_flags = 0x1b;
	side->tcp_flags_first = 0x02;
	side->ttl_min = 57;
	side->ttl_max = 64;
	side->tos_first = 0xb8;
	side->tos_union = 0xba;
	side->iface = 1;
	side->state |= number % 3 == 1 ? FLOW_LEFT : 0;
}

static void make_shape(struct flow_shape *shape, const struct flow_side *side, guint64 number)
{
	shape->length_min = 40;
	shape->length_max = 1500;
	shape->length_squares = side->octets * 700;
	for (size_t i = 0; i < FLOW_LENGTH_BUCKETS; i++)
		shape->length_count[i] = number + i;
	for (size_t i = 0; i < FLOW_TTL_BUCKETS; i++)
		shape->ttl_count[i] = number * 3 + i;
	shape->gap_count = 10;
	shape->gap_sum_us = 12345 + number;
	shape->gap_squares_us2 = shape->gap_sum_us * shape->gap_sum_us / 3;
	shape->gap_max_us = 9999;
	shape->pauses = number % 2;
	shape->second_octets_max = side->octets / 2;
	shape->fragments = number % 5;
	memcpy(shape->mac_source, "\x02\0\0\0\0\x01", 6);
	memcpy(shape->mac_destination, "\x02\0\0\0\xab\x02", 6);
}

/* What the meter counts nothing of stays 0 there; else no value equals another by chance. */
static void make_tcp(struct flow_tcp *tcp, guint64 number)
{
	guint16 state = number * 0x2493 & 0x3fff;

	if (!(state & TCP_SYN_SEEN))
		state &= ~(TCP_SCALES | TCP_SACK_OK | TCP_CLOCKS);
	tcp->track = (struct tcp_track){
		.state = state,
		.handshake_us = number % 3 ? (guint32)(number * 17) : TCP_RTT_NONE,
		.mss = state & TCP_SYN_SEEN && number % 5 ? (guint16)(1200 + number) : 0,
		.scale = state & TCP_SCALES ? number % 15 : 0,
	};
	tcp->tally = (struct tcp_tally){
		.window_sum = 1000 * number,
		.window_count = number % 6,
		.window_min = number % 6 ? 1 + (guint32)number : 0,
		.window_max = number % 6 ? 1U << 30 : 0,
		.rtt_count = number % 7,
		.rtt_sum_us = 7000 + number,
		.rtt_squares_us2 = number * number * 7000,
		.rtt_min_us = number % 7 ? 2 + (guint32)number : 0,
		.rtt_max_us = number % 7 ? G_MAXUINT32 - 1 : 0,
		.response_count = number % 3,
		.response_sum_us = 12345,
		.response_min_us = number % 3 ? 3 + (guint32)number : 0,
		.response_max_us = number % 3 ? 4 + (guint32)number : 0,
		.retransmitted_packets = 5 + number,
		.retransmitted_octets = (guint64)number << 33,
		.syn_retransmissions = 6 + number,
		.out_of_order = 7 + number,
		.unseen_octets = 8 + number,
		.gap_octets = number % 2,
		.duplicate_acks = 9 + number,
		.keep_alives = 10 + number,
		.zero_windows = 11 + number,
		.zero_window_ns = 1999999999,
		.ce_packets = 12 + number,
		.syn_packets = 13 + number,
		.fin_packets = 14 + number,
		.rst_packets = 15 + number,
	};
}

void flow_maker_make(struct flow_record *record, guint64 number)
{
	struct flow *flow = &record->flow;
	guint64 first_ns = START_NS + number * 1000003;
	enum flow_side_index opener = number % 2 ? FLOW_FROM_HIGH : FLOW_FROM_LOW;
	enum flow_side_index other = opener == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW;

	memset(record, 0, sizeof(*record));
	record->end = 1 + number % 5;
	record->detail = FLOW_DETAIL_FULL;
	make_key(&flow->key, number);
	make_side(&flow->side[opener], number, first_ns);
	make_shape(&flow->shape[opener], &flow->side[opener], number);
	flow->side[opener].state |= FLOW_INITIATOR;
	if (number % 5 != 4) {
		make_side(&flow->side[other], number * 31 + 7, first_ns + 250);
		make_shape(&flow->shape[other], &flow->side[other], number * 31 + 7);
	}
	if (flow->key.proto == 6) {
		make_tcp(&flow->tcp[opener], number);
		make_tcp(&flow->tcp[other], number * 31 + 7);
	}
	flow->last_ns = flow_last_ns(flow);
	flow->side[FLOW_FROM_LOW].whole = first_ns;
}

/* 254 and 255 octets: the last of the short and the first of the long form of an IPFIX length. */
#define TEXT_10	 "0123456789"
#define TEXT_50	 TEXT_10 TEXT_10 TEXT_10 TEXT_10 TEXT_10
#define TEXT_254 TEXT_50 TEXT_50 TEXT_50 TEXT_50 TEXT_50 "0123"

void flow_maker_extra(struct flow_extra *extra, const struct flow_record *record, guint64 number)
{
#define TEXT(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
	static const struct flow_interface interfaces[] = {
		{ 1, TEXT("eth0"), TEXT("") },
		{ 70000, TEXT("veth\xc3\xa9"), TEXT("up\\link \"A\"\t\xe2\x82\xac") },
		{ 3, TEXT("e"), TEXT(TEXT_254) },
		{ 4, TEXT(TEXT_254), TEXT(TEXT_254 "4") },
	};
	static const struct flow_database database = { TEXT("Made-City"), 1700000000000000000 };
	/* Everything known, a whole number of degrees, little, and a class alone. */
	static const struct flow_place places[] = {
		{ .known = (1u << FLOW_PLACE_VALUES) - 1,
		  .database = &database,
		  .cells = { [FLOW_PLACE_CLASS] = { TEXT("global") },
			     [FLOW_PLACE_LABEL] = { TEXT("caf\xc3\xa9") },
			     [FLOW_PLACE_SITE] = { TEXT("Berlin") },
			     [FLOW_PLACE_COUNTRY] = { TEXT("SE") },
			     [FLOW_PLACE_CONTINENT] = { TEXT("EU") },
			     [FLOW_PLACE_SUBDIVISION] = { TEXT("E") },
			     [FLOW_PLACE_CITY] = { TEXT("Link\xc3\xb6ping and all of its "
							"surroundings") },
			     [FLOW_PLACE_POSTAL_CODE] = { TEXT("582 24") },
			     [FLOW_PLACE_LATITUDE] = { .real = 58.4167 },
			     [FLOW_PLACE_LONGITUDE] = { .real = -15.6167 },
			     [FLOW_PLACE_ACCURACY_RADIUS] = { .number = 76 },
			     [FLOW_PLACE_TIME_ZONE] = { TEXT("Europe/Stockholm") },
			     [FLOW_PLACE_AS_NUMBER] = { .number = 4200000000 },
			     [FLOW_PLACE_AS_NAME] = { TEXT(TEXT_254) } } },
		{ .known = 1 << FLOW_PLACE_CLASS | 1 << FLOW_PLACE_AS_NUMBER |
			   1 << FLOW_PLACE_LATITUDE | 1 << FLOW_PLACE_LONGITUDE,
		  .database = &database,
		  .cells = { [FLOW_PLACE_CLASS] = { TEXT("6to4") },
			     [FLOW_PLACE_LATITUDE] = { .real = 12 },
			     [FLOW_PLACE_LONGITUDE] = { .real = 179.99999 },
			     [FLOW_PLACE_AS_NUMBER] = { .number = 65535 } } },
		{ .known = 1 << FLOW_PLACE_CLASS,
		  .cells = { [FLOW_PLACE_CLASS] = { TEXT("private") } } },
	};
#undef TEXT

	extra->place[0] = number % 3 ? &places[number % G_N_ELEMENTS(places)] : NULL;
	extra->place[1] = &places[number / 2 % G_N_ELEMENTS(places)];
	for (guint64 i = 0; i < 2; i++) {
		guint64 which = (number + i * 7) % (G_N_ELEMENTS(interfaces) + 1);

		extra->interface[i] =
			record->flow.side[i].packets > 0 && which < G_N_ELEMENTS(interfaces)
				? &interfaces[which]
				: NULL;
	}
}

void flow_maker_fill(struct flow_batch *batch, guint64 number, guint64 count)
{
	batch->count = MIN(count, FLOW_BATCH_MAX);
	for (size_t i = 0; i < batch->count; i++) {
		flow_maker_make(&batch->records[i], number + i);
		flow_maker_extra(&batch->extras[i], &batch->records[i], number + i);
	}
}
