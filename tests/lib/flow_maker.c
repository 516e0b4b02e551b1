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
	flow->side[opener].state = FLOW_INITIATOR;
	if (number % 5 != 4) {
		make_side(&flow->side[other], number * 31 + 7, first_ns + 250);
		make_shape(&flow->shape[other], &flow->side[other], number * 31 + 7);
	}
	flow->last_ns = flow_last_ns(flow);
	flow->side[FLOW_FROM_LOW].whole = first_ns;
}

void flow_maker_fill(struct flow_batch *batch, guint64 number, guint64 count)
{
	batch->count = MIN(count, FLOW_BATCH_MAX);
	for (size_t i = 0; i < batch->count; i++)
		flow_maker_make(&batch->records[i], number + i);
}
