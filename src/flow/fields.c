/* SPDX-License-Identifier: BSD-2-Clause */
/* The field table, made from fields.def: a getter a row, then the rows themselves. */
#include "flow/fields.h"

#include <stddef.h>
#include <string.h>

#include "base/buffer.h"
#include "flow/fields_outer.h"
#include "flow/fields_place.h"
#include "flow/fields_tcp.h"
#include "flow/statistics.h"

#define PROTO_ICMP   1
#define PROTO_ICMPV6 58

static const struct flow *flow_of(const struct flow_view *view)
{
	return &view->record->flow;
}

static const struct flow_side *side_of(const struct flow_view *view)
{
	return &flow_of(view)->side[view->from];
}

static const struct flow_shape *shape_of(const struct flow_view *view)
{
	return &flow_of(view)->shape[view->from];
}

/* Whatever lies in a side that sent nothing (the meter may leave its state of before an active
 * time-out there) is not about this record. */
static bool silent(const struct flow_view *view)
{
	return side_of(view)->packets == 0;
}

/* The shape is another matter where a record is cut before it. */
static bool shapeless(const struct flow_view *view)
{
	return silent(view) || view->record->detail < FLOW_DETAIL_FULL;
}

static bool is_icmp(const struct flow *flow)
{
	return flow->key.proto == (flow->key.version == 6 ? PROTO_ICMPV6 : PROTO_ICMP);
}

/* The key holds the end that sorts first as "low"; the view says which end is the source. */
static const void *source_address(const struct flow_view *view)
{
	return view->from == FLOW_FROM_LOW ? flow_of(view)->key.low : flow_of(view)->key.high;
}

static const void *destination_address(const struct flow_view *view)
{
	return view->from == FLOW_FROM_LOW ? flow_of(view)->key.high : flow_of(view)->key.low;
}

/* An IPv4 address is the end of its IPv4-mapped form. */
static void source_ipv4(const struct flow_view *view, union field_value *ret_value)
{
	memcpy(ret_value->octets, (const guint8 *)source_address(view) + 12, 4);
}

static void destination_ipv4(const struct flow_view *view, union field_value *ret_value)
{
	memcpy(ret_value->octets, (const guint8 *)destination_address(view) + 12, 4);
}

static void source_ipv6(const struct flow_view *view, union field_value *ret_value)
{
	memcpy(ret_value->octets, source_address(view), 16);
}

static void destination_ipv6(const struct flow_view *view, union field_value *ret_value)
{
	memcpy(ret_value->octets, destination_address(view), 16);
}

/* The key of an ICMP query holds its identifier where the ports are. */
static guint64 port(const struct flow *flow, enum flow_side_index end)
{
	if (flow->key.proto == PROTO_ICMP || flow->key.proto == PROTO_ICMPV6)
		return 0;
	return GUINT16_FROM_BE(end == FLOW_FROM_LOW ? flow->key.low_port : flow->key.high_port);
}

static void source_port(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = port(flow_of(view), view->from);
}

static void destination_port(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number =
		port(flow_of(view), view->from == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW);
}

static void icmp_identifier(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow *flow = flow_of(view);

	ret_value->number = is_icmp(flow) ? GUINT16_FROM_BE(flow->key.low_port) : 0;
}

/* The word is shared with TCP, where it is a sequence number. */
static void icmp_type_code(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = is_icmp(flow_of(view)) && !silent(view) ? side_of(view)->icmp : 0;
}

/* NULL where it is not known, as for a side that sent nothing. */
static const struct flow_interface *interface_of(const struct flow_view *view)
{
	return view->extra && !silent(view) ? view->extra->interface[view->from] : NULL;
}

static guint32 interface_index(const struct flow_view *view)
{
	const struct flow_interface *interface = interface_of(view);

	return interface ? interface->index : side_of(view)->iface;
}

static bool left(const struct flow_view *view)
{
	return side_of(view)->state & FLOW_LEFT;
}

static void ingress_interface(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = silent(view) || left(view) ? 0 : interface_index(view);
}

static void egress_interface(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = silent(view) || !left(view) ? 0 : interface_index(view);
}

static void flow_direction(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = !silent(view) && left(view);
}

static bool knows_interface_name(const struct flow_view *view)
{
	return interface_of(view) && interface_of(view)->name.length > 0;
}

static bool knows_interface_description(const struct flow_view *view)
{
	return interface_of(view) && interface_of(view)->description.length > 0;
}

static void interface_name(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_interface *interface = interface_of(view);

	ret_value->text = interface ? interface->name : (struct flow_text){ NULL, 0 };
}

static void interface_description(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_interface *interface = interface_of(view);

	ret_value->text = interface ? interface->description : (struct flow_text){ NULL, 0 };
}

static void biflow_direction(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = view->from == flow_initiator(flow_of(view)) ? 1 : 2;
}

static void end_reason(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = view->record->end;
}

static guint64 first_ns(const struct flow_view *view)
{
	if (view->scope == FIELD_SCOPE_FORWARD)
		return flow_first_ns(flow_of(view));
	return silent(view) ? 0 : side_of(view)->first_ns;
}

static guint64 last_ns(const struct flow_view *view)
{
	if (view->scope == FIELD_SCOPE_FORWARD)
		return flow_last_ns(flow_of(view));
	return silent(view) ? 0 : side_of(view)->last_ns;
}

void field_facts_of(const struct flow_view *view, struct field_facts *ret_facts)
{
	const struct flow *flow = flow_of(view);
	const guint32 index = silent(view) ? 0 : interface_index(view);
	const enum flow_side_index other = !view->from;

	*ret_facts = (struct field_facts){
		.first_ns = first_ns(view),
		.last_ns = last_ns(view),
		.source_ipv4 = load_be32((const guint8 *)source_address(view) + 12),
		.destination_ipv4 = load_be32((const guint8 *)destination_address(view) + 12),
		.ingress = left(view) ? 0 : index,
		.egress = left(view) ? index : 0,
		.source_port = (guint16)port(flow, view->from),
		.destination_port = (guint16)port(flow, other),
		.icmp = is_icmp(flow) && !silent(view) ? (guint16)side_of(view)->icmp : 0,
		.end = view->record->end,
		.direction = !silent(view) && left(view),
		.biflow_direction = view->from == flow_initiator(flow) ? 1 : 2,
	};
}

static guint64 duration_ns(const struct flow_view *view)
{
	guint64 first = first_ns(view);
	guint64 last = last_ns(view);

	return last > first ? last - first : 0; /* captures may run backwards */
}

static void first(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = first_ns(view);
}

static void last(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = last_ns(view);
}

static void duration_ms(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = MIN(duration_ns(view) / 1000000, G_MAXUINT32);
}

static void duration_us(const struct flow_view *view, union field_value *ret_value)
{
	ret_value->number = MIN(duration_ns(view) / 1000, G_MAXUINT32);
}

/* The bits on the wire are numbered apart from the meter's, which may move. */
struct bit_map {
	guint32 from;
	guint32 to;
};

static guint64 translate(guint32 bits, const struct bit_map *map, size_t count)
{
	guint64 out = 0;

	for (size_t i = 0; i < count; i++)
		if (bits & map[i].from)
			out |= map[i].to;
	return out;
}

static void validity(const struct flow_view *view, union field_value *ret_value)
{
	static const struct bit_map states[] = {
		{ FLOW_FRAGMENTED, FIELD_VALIDITY_FRAGMENTED },
		{ FLOW_ORPHANS, FIELD_VALIDITY_ORPHANS },
		{ FLOW_L4_CUT, FIELD_VALIDITY_L4_CUT },
		{ FLOW_SCATTERED, FIELD_VALIDITY_SCATTERED },
	};
	static const struct bit_map circumstances[] = {
		{ FLOW_SAMPLED, FIELD_VALIDITY_SAMPLED },
		{ FLOW_FILE_CLOCK, FIELD_VALIDITY_FILE_CLOCK },
		{ FLOW_JOINED, FIELD_VALIDITY_JOINED },
		{ FLOW_PART, FIELD_VALIDITY_PART },
	};
	const struct flow *flow = flow_of(view);

	ret_value->number = 0;
	if (silent(view))
		return;
	ret_value->number =
		translate(side_of(view)->state, states, G_N_ELEMENTS(states)) |
		translate(view->record->circumstances, circumstances, G_N_ELEMENTS(circumstances)) |
		tcp_validity(view);
	if (flow->side[FLOW_FROM_LOW].packets > 0 && flow->side[FLOW_FROM_HIGH].packets > 0)
		ret_value->number |= FIELD_VALIDITY_BOTH_WAYS;
}

static void gap_mean(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_shape *shape = shape_of(view);

	ret_value->real =
		shapeless(view) ? 0 : statistics_mean(shape->gap_sum_us, shape->gap_count);
}

static void gap_deviation(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_shape *shape = shape_of(view);

	ret_value->real = shapeless(view)
				  ? 0
				  : statistics_deviation(shape->gap_sum_us, shape->gap_squares_us2,
							 shape->gap_count);
}

#define KEY(member)	       ret_value->number = flow_of(view)->key.member
#define SIDE(member)	       ret_value->number = silent(view) ? 0 : side_of(view)->member
#define SHAPE(member)	       ret_value->number = shapeless(view) ? 0 : shape_of(view)->member
#define TALLY(member)	       ret_value->number = tcp_is_metered(view) ? tcp_of(view)->tally.member : 0
#define TRACK(member)	       ret_value->number = tcp_is_metered(view) ? tcp_of(view)->track.member : 0
#define CALL(function)	       function(view, ret_value)
#define FACT(member, function) function(view, ret_value)
#define FLOW_ID		       ret_value->number = flow_id(flow_of(view))
#define MAC(member)	       mac(view, shape_of(view)->member, ret_value)

static void mac(const struct flow_view *view, const guint8 octets[6], union field_value *ret_value)
{
	if (shapeless(view))
		memset(ret_value->octets, 0, 6);
	else
		memcpy(ret_value->octets, octets, 6);
}

/* clang-format off */
#define GETTER(getter, source)                                                                  \
	static void getter(const struct flow_view *view, union field_value *ret_value)          \
	{                                                                                       \
		source;                                                                         \
	}
#define IANA(name, id, type, semantics, direction, detail, version, v9, units, source, text)    \
	GETTER(get_iana_##id, source)
#define OWN(name, id, type, semantics, direction, detail, units, source, text)                  \
	GETTER(get_own_##id, source)
#define TCP(name, id, type, semantics, direction, units, known, source, text)                   \
	GETTER(get_own_##id, source)
#define TCP_IANA(name, id, type, semantics, direction, units, known, source, text)              \
	GETTER(get_iana_##id, source)
#define EXTRA_IANA(name, id, type, semantics, direction, v9, units, known, source, text)        \
	GETTER(get_iana_##id, source)
#define EXTRA(name, id, type, semantics, direction, units, known, source, text)                 \
	GETTER(get_own_##id, source)
#define KNOWN(function, end, which)                                                             \
	static bool function(const struct flow_view *view)                                      \
	{                                                                                       \
		return place_known(view, FIELD_##end, FLOW_PLACE_##which);                              \
	}
#define GEO(name, id, type, semantics, end, which, units, text)                                 \
	GETTER(get_own_##id, place_value(view, FIELD_##end, FLOW_PLACE_##which, ret_value))             \
	KNOWN(knows_own_##id, end, which)
#define GEO_IANA(name, id, type, semantics, v9, end, which, units, text)                        \
	GETTER(get_iana_##id, place_value(view, FIELD_##end, FLOW_PLACE_##which, ret_value))            \
	KNOWN(knows_iana_##id, end, which)
#include "flow/fields.def"
#undef IANA
#undef OWN
#undef TCP
#undef TCP_IANA
#undef EXTRA_IANA
#undef EXTRA
#undef GEO
#undef GEO_IANA

/* The same column of fields.def once more, read as a place. */
#undef KEY
#undef SIDE
#undef SHAPE
#undef TALLY
#undef TRACK
#undef CALL
#undef FACT
#undef FLOW_ID
#undef MAC
#define PLACE(where, type, member)                                                              \
	{ where, offsetof(struct type, member), sizeof(((struct type *)NULL)->member) }
#define KEY(member)    PLACE(FIELD_IN_KEY, flow_key, member)
#define SIDE(member)   PLACE(FIELD_IN_SIDE, flow_side, member)
#define SHAPE(member)  PLACE(FIELD_IN_SHAPE, flow_shape, member)
#define TALLY(member)  PLACE(FIELD_IN_TCP, flow_tcp, tally.member)
#define TRACK(member)  PLACE(FIELD_IN_TCP, flow_tcp, track.member)
#define CALL(function) { FIELD_COMPUTED, 0, 0 }
#define FACT(member, function) PLACE(FIELD_IN_FACTS, field_facts, member)
#define FLOW_ID        { FIELD_FLOW_ID, 0, sizeof(guint64) }
#define MAC(member)    { FIELD_COMPUTED, 0, 0 }

const struct field fields[] = {
#define IANA(name, id, type, semantics, direction, detail, version, v9, units, source, text)    \
	{ #name, id, false, false, FIELD_##type, FIELD_##semantics, FIELD_##direction,                 \
	  FLOW_DETAIL_##detail, version, v9, units, text, get_iana_##id, source, NULL },
#define OWN(name, id, type, semantics, direction, detail, units, source, text)                  \
	{ #name, id, true, false, FIELD_##type, FIELD_##semantics, FIELD_##direction,                  \
	  FLOW_DETAIL_##detail, 0, 0, units, text, get_own_##id, source, NULL },
#define TCP(name, id, type, semantics, direction, units, known, source, text)                   \
	{ #name, id, true, false, FIELD_##type, FIELD_##semantics, FIELD_##direction,                  \
	  FLOW_DETAIL_TCP, 0, 0, units, text, get_own_##id, source, known },
#define TCP_IANA(name, id, type, semantics, direction, units, known, source, text)              \
	{ #name, id, false, false, FIELD_##type, FIELD_##semantics, FIELD_##direction,                 \
	  FLOW_DETAIL_TCP, 0, 0, units, text, get_iana_##id, source, known },
#define EXTRA_IANA(name, id, type, semantics, direction, v9, units, known, source, text)        \
	{ #name, id, false, false, FIELD_##type, FIELD_##semantics, FIELD_##direction,                 \
	  FLOW_DETAIL_BASIC, 0, v9, units, text, get_iana_##id, source, known },
#define EXTRA(name, id, type, semantics, direction, units, known, source, text)                 \
	{ #name, id, true, true, FIELD_##type, FIELD_##semantics, FIELD_##direction,                  \
	  FLOW_DETAIL_BASIC, 0, 0, units, text, get_own_##id, source, known },
#define GEO(name, id, type, semantics, end, which, units, text)                                 \
	{ #name, id, true, true, FIELD_##type, FIELD_##semantics, FIELD_OF_FLOW, FLOW_DETAIL_BASIC,   \
	  0, 0, units, text, get_own_##id, { FIELD_COMPUTED, 0, 0 }, knows_own_##id },
#define GEO_IANA(name, id, type, semantics, v9, end, which, units, text)                        \
	{ #name, id, false, true, FIELD_##type, FIELD_##semantics, FIELD_OF_FLOW, FLOW_DETAIL_BASIC,  \
	  0, v9, units, text, get_iana_##id, { FIELD_COMPUTED, 0, 0 }, knows_iana_##id },
#define FIELD_DEFAULT FIELD_SEMANTICS_DEFAULT
#include "flow/fields.def"
#undef FIELD_DEFAULT
#undef IANA
#undef OWN
#undef TCP
#undef TCP_IANA
#undef EXTRA_IANA
#undef EXTRA
#undef GEO
#undef GEO_IANA
};
/* clang-format on */

const size_t fields_count = G_N_ELEMENTS(fields);

static const struct {
	const char *name;
	size_t size;
} types[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = { "unsigned8", 1 },
	[FIELD_UNSIGNED16] = { "unsigned16", 2 },
	[FIELD_UNSIGNED32] = { "unsigned32", 4 },
	[FIELD_UNSIGNED64] = { "unsigned64", 8 },
	[FIELD_FLOAT64] = { "float64", 8 },
	[FIELD_BOOLEAN] = { "boolean", 1 },
	[FIELD_MAC_ADDRESS] = { "macAddress", 6 },
	[FIELD_OCTETS_3] = { "octetArray", 3 },
	[FIELD_IPV4_ADDRESS] = { "ipv4Address", 4 },
	[FIELD_IPV6_ADDRESS] = { "ipv6Address", 16 },
	[FIELD_DATE_TIME_MILLISECONDS] = { "dateTimeMilliseconds", 8 },
	[FIELD_DATE_TIME_MICROSECONDS] = { "dateTimeMicroseconds", 8 },
	[FIELD_DATE_TIME_NANOSECONDS] = { "dateTimeNanoseconds", 8 },
	[FIELD_STRING] = { "string", FIELD_SIZE_VARIABLE },
};

const struct field *field_by_name(const char *name)
{
	for (size_t i = 0; i < fields_count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

char *field_reverse_name(const struct field *field)
{
	return g_strdup_printf("reverse%c%s", g_ascii_toupper(field->name[0]), field->name + 1);
}

size_t field_type_size(enum field_type type)
{
	return types[type].size;
}

const char *field_type_name(enum field_type type)
{
	return types[type].name;
}
