/* SPDX-License-Identifier: BSD-2-Clause */
/* libpcap's program runs over a frame that is made up from the flow's key and one of its sides, so
 * an expression chooses the flows of the packets that it would have chosen. */
#include "capture/flow_filter.h"

#include <linux/filter.h>

#include <string.h>

#include "base/error.h"
#include "capture/filter.h"

#define ETHERNET    1 /* LINKTYPE_ETHERNET */
#define L4_OCTETS   20
#define FRAME_MAX   (14 + 4 + 40 + L4_OCTETS)
#define PROTO_TCP   6
#define PROTO_ICMP  1
#define PROTO_ICMP6 58

struct flow_filter {
	struct filter *filter;
};

struct made {
	guint8 octets[FRAME_MAX];
	size_t length;
};

/* Of packets that were never kept. */
static bool asks_length(const struct sock_filter *steps, guint count)
{
	for (guint i = 0; i < count; i++) {
		const guint16 class = BPF_CLASS(steps[i].code);

		if ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(steps[i].code) == BPF_LEN)
			return true;
	}
	return false;
}

struct flow_filter *flow_filter_new(const char *expression, GError **error)
{
	struct filter *packets = filter_new(expression, error);
	const struct sock_filter *steps = NULL;
	struct flow_filter *filter;
	guint count = 0;

	if (packets)
		steps = filter_code(packets, &count, error);
	if (steps && asks_length(steps, count)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "filter \"%s\": less, greater and len are about packets, and a flow "
			    "has many",
			    expression);
		steps = NULL;
	}
	if (!steps) {
		filter_free(packets);
		return NULL;
	}
	filter = g_new0(struct flow_filter, 1);
	filter->filter = packets;
	return filter;
}

void flow_filter_free(struct flow_filter *filter)
{
	if (!filter)
		return;
	filter_free(filter->filter);
	g_free(filter);
}

/* --- a frame of a side --- */

static void put(struct made *made, const void *octets, size_t length)
{
	memcpy(made->octets + made->length, octets, length);
	made->length += length;
}

static void put_u8(struct made *made, guint value)
{
	made->octets[made->length++] = (guint8)value;
}

static void put_u16(struct made *made, guint value)
{
	put_u8(made, value >> 8);
	put_u8(made, value);
}

static void put_link(struct made *made, const struct flow_record *record, int which)
{
	const struct flow_key *key = &record->flow.key;
	static const guint8 unknown[12];

	if (record->detail >= FLOW_DETAIL_FULL) {
		put(made, record->flow.shape[which].mac_destination, 6);
		put(made, record->flow.shape[which].mac_source, 6);
	} else {
		put(made, unknown, sizeof(unknown));
	}
	if (key->vlan) {
		put_u16(made, 0x8100);
		put_u16(made, key->vlan);
	}
	put_u16(made, key->version == 6 ? 0x86dd : 0x0800);
}

static void put_ipv4(struct made *made, const struct flow_key *key, const struct flow_side *side,
		     bool from_low)
{
	put_u8(made, 0x45);
	put_u8(made, side->tos_first);
	put_u16(made, 20 + L4_OCTETS);
	put_u16(made, 0);
	put_u16(made, 0);
	put_u8(made, side->ttl_min);
	put_u8(made, key->proto);
	put_u16(made, 0);
	/* IPv4-mapped: the last four octets. */
	put(made, (const guint8 *)(from_low ? key->low : key->high) + 12, 4);
	put(made, (const guint8 *)(from_low ? key->high : key->low) + 12, 4);
}

static void put_ipv6(struct made *made, const struct flow_key *key, const struct flow_side *side,
		     bool from_low)
{
	put_u16(made, 0x6000 | (guint)side->tos_first << 4);
	put_u16(made, 0);
	put_u16(made, L4_OCTETS);
	put_u8(made, key->proto);
	put_u8(made, side->ttl_min);
	put(made, from_low ? key->low : key->high, 16);
	put(made, from_low ? key->high : key->low, 16);
}

static void put_transport(struct made *made, const struct flow_key *key,
			  const struct flow_side *side, bool from_low)
{
	guint8 *at = made->octets + made->length;

	memset(at, 0, L4_OCTETS);
	made->length += L4_OCTETS;
	if (key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6) {
		at[0] = (guint8)(side->icmp >> 8);
		at[1] = (guint8)side->icmp;
		memcpy(at + 4, &key->low_port, sizeof(key->low_port));
		return;
	}
	memcpy(at, from_low ? &key->low_port : &key->high_port, sizeof(key->low_port));
	memcpy(at + 2, from_low ? &key->high_port : &key->low_port, sizeof(key->low_port));
	if (key->proto != PROTO_TCP)
		return;
	at[12] = (guint8)(0x50 | (side->tcp_flags >> 8 & 0x0f));
	at[13] = (guint8)side->tcp_flags;
}

static bool side_matches(struct flow_filter *filter, const struct flow_record *record, int which)
{
	const struct flow_key *key = &record->flow.key;
	const struct flow_side *side = &record->flow.side[which];
	const bool from_low = which == FLOW_FROM_LOW;
	struct made made = { .length = 0 };
	struct frame frame = { .data = made.octets };

	if (side->packets == 0)
		return false;
	put_link(&made, record, which);
	if (key->version == 6)
		put_ipv6(&made, key, side, from_low);
	else
		put_ipv4(&made, key, side, from_low);
	put_transport(&made, key, side, from_low);
	frame.captured = frame.length = (guint32)made.length;
	return filter_match(filter->filter, ETHERNET, &frame);
}

bool flow_filter_match(struct flow_filter *filter, const struct flow_record *record)
{
	return side_matches(filter, record, FLOW_FROM_LOW) ||
	       side_matches(filter, record, FLOW_FROM_HIGH);
}
