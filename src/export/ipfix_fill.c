/* SPDX-License-Identifier: BSD-2-Clause */
/* The fill plan: what to ask of the flow, and where and how the answer is stored. */
#include "export/ipfix_fill.h"

#include <fixbuf/public.h>
#include <string.h>

#include "base/buffer.h"
#include "export/netflow9_numbers.h"
#include "flow/fields_tcp.h"

#define NTP_EPOCH 2208988800U /* seconds from 1900 to 1970 */
#define NS_PER_S  G_GUINT64_CONSTANT(1000000000)

/* What offsets of a step are relative to. Both sides of a biflow have one each. */
enum base {
	BASE_KEY,
	BASE_SIDE,
	BASE_SIDE_REVERSE,
	BASE_SHAPE,
	BASE_SHAPE_REVERSE,
	BASE_TCP,
	BASE_TCP_REVERSE,
	BASES,
};

/* The hottest fields are numbers that are stored as they lie: they are copied here, not asked for
 * by their getter. An indirect call a field is half the time of a record. */
enum fill_op {
	FILL_ASK,
	FILL_COPY8,
	FILL_COPY16,
	FILL_COPY32,
	FILL_COPY64,
	FILL_WIDEN, /* the record's number is wider than the flow's */
	FILL_TEXT,
	FILL_NTOP, /* in ntop's unit and octets */
};

struct fill_step {
	union {
		field_get *get;
		const struct template_column *column; /* FILL_NTOP */
	};
	guint16 to;
	guint16 from;
	guint8 op; /* enum fill_op */
	guint8 base;
	guint8 size; /* of the load */
	guint8 type; /* enum field_type */
	bool reverse;
};

struct fill_plan {
	size_t size;
	size_t length;
	size_t count;
	struct fill_step steps[];
};

static guint64 ntp_seconds(guint64 ns)
{
	return (guint64)(guint32)(ns / NS_PER_S + NTP_EPOCH) << 32;
}

guint64 ipfix_time_nano(guint64 ns)
{
	return ntp_seconds(ns) | (((ns % NS_PER_S) << 32) + NS_PER_S - 1) / NS_PER_S;
}

/* The low 11 bits of the fraction are zero, as RFC 7011 wants. */
guint64 ipfix_time_micro(guint64 ns)
{
	guint64 us = ns % NS_PER_S / 1000;

	return ntp_seconds(ns) | (((us << 21) + 999999) / 1000000) << 11;
}

static bool is_unsigned(enum field_type type)
{
	return type == FIELD_UNSIGNED8 || type == FIELD_UNSIGNED16 || type == FIELD_UNSIGNED32 ||
	       type == FIELD_UNSIGNED64;
}

static enum base base_of(enum field_where where, bool reverse)
{
	if (where == FIELD_IN_SIDE)
		return reverse ? BASE_SIDE_REVERSE : BASE_SIDE;
	if (where == FIELD_IN_SHAPE)
		return reverse ? BASE_SHAPE_REVERSE : BASE_SHAPE;
	if (where == FIELD_IN_TCP)
		return reverse ? BASE_TCP_REVERSE : BASE_TCP;
	return BASE_KEY;
}

static enum fill_op copy_of(size_t from, size_t to)
{
	if (from != to)
		return FILL_WIDEN;
	switch (to) {
	case sizeof(guint8):
		return FILL_COPY8;
	case sizeof(guint16):
		return FILL_COPY16;
	case sizeof(guint32):
		return FILL_COPY32;
	default:
		return FILL_COPY64;
	}
}

static struct fill_step make_step(const struct template_column *column, size_t to)
{
	const struct field *field = column->field;
	struct fill_step step = {
		.get = field->get,
		.to = (guint16)to,
		.type = (guint8)field->type,
		.reverse = column->reverse,
	};

	if (column->ntop && column->ntop->unit != UNIT_TEXT) {
		step.op = FILL_NTOP;
		step.column = column;
		step.size = column->ntop->octets;
	} else if (field->type == FIELD_STRING) {
		step.op = FILL_TEXT;
	} else if (field->place.where != FIELD_COMPUTED && is_unsigned(field->type)) {
		step.op = (guint8)copy_of(field->place.size, field_type_size(field->type));
		step.base = (guint8)base_of(field->place.where, column->reverse);
		step.from = field->place.offset;
		step.size = (guint8)field->place.size;
	}
	return step;
}

/* RFC 7011, section 7: the length takes one octet or three. */
static size_t text_octets(size_t length)
{
	return (length < 255 ? 1 : 3) + length;
}

struct fill_plan *fill_plan_new(const GArray *columns)
{
	struct fill_plan *plan = g_malloc0(sizeof(*plan) + columns->len * sizeof(plan->steps[0]));

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		bool is_text = column->field->type == FIELD_STRING;
		size_t size = column->ntop && !is_text ? column->ntop->octets
						       : field_type_size(column->field->type);

		plan->steps[plan->count++] = make_step(column, plan->size);
		plan->size += is_text ? sizeof(fbVarfield_t) : size;
		plan->length += is_text ? text_octets(0) : size;
	}
	return plan;
}

void fill_plan_free(struct fill_plan *plan)
{
	g_free(plan);
}

size_t fill_plan_size(const struct fill_plan *plan)
{
	return plan->size;
}

size_t fill_plan_length(const struct fill_plan *plan)
{
	return plan->length;
}

static inline void put8(guint8 *to, guint64 number)
{
	*to = (guint8)number;
}

static inline void put16(guint8 *to, guint64 number)
{
	guint16 value = (guint16)number;

	memcpy(to, &value, sizeof(value));
}

static inline void put32(guint8 *to, guint64 number)
{
	guint32 value = (guint32)number;

	memcpy(to, &value, sizeof(value));
}

static inline void put64(guint8 *to, guint64 number)
{
	memcpy(to, &number, sizeof(number));
}

static inline void put(guint8 *to, enum field_type type, const union field_value *value)
{
	switch (type) {
	case FIELD_UNSIGNED8:
		return put8(to, value->number);
	case FIELD_UNSIGNED16:
		return put16(to, value->number);
	case FIELD_UNSIGNED32:
		return put32(to, value->number);
	case FIELD_UNSIGNED64:
		return put64(to, value->number);
	case FIELD_FLOAT64:
		memcpy(to, &value->real, sizeof(value->real));
		return;
	case FIELD_BOOLEAN: /* RFC 7011, 6.1.5: true is 1, false is 2 */
		return put8(to, value->number ? 1 : 2);
	case FIELD_MAC_ADDRESS:
		memcpy(to, value->octets, 6);
		return;
	case FIELD_IPV4_ADDRESS: /* a number to libfixbuf */
		return put32(to, load_be32(value->octets));
	case FIELD_IPV6_ADDRESS:
		memcpy(to, value->octets, 16);
		return;
	case FIELD_DATE_TIME_MILLISECONDS:
		return put64(to, value->number / 1000000);
	case FIELD_DATE_TIME_MICROSECONDS:
		return put64(to, ipfix_time_micro(value->number));
	case FIELD_DATE_TIME_NANOSECONDS:
		return put64(to, ipfix_time_nano(value->number));
	case FIELD_STRING: /* see tell() */
	case FIELD_TYPES:
		break;
	}
	g_assert_not_reached();
}

/* Of a number narrower than the record's. */
static inline guint64 load(const guint8 *from, guint8 size)
{
	guint32 number32;
	guint16 number16;

	switch (size) {
	case sizeof(guint32):
		memcpy(&number32, from, sizeof(number32));
		return number32;
	case sizeof(guint16):
		memcpy(&number16, from, sizeof(number16));
		return number16;
	default:
		return *from;
	}
}

/* A side that sent nothing reads 0 everywhere; TCP and shape also where they were not metered. */
static void set_bases(const guint8 *bases[BASES], const struct flow_view views[2])
{
	static const struct flow_side silent_side;
	static const struct flow_shape silent_shape;
	static const struct flow_tcp silent_tcp;
	const struct flow *flow = &views[0].record->flow;
	bool cut = views[0].record->detail < FLOW_DETAIL_FULL;

	bases[BASE_KEY] = (const guint8 *)&flow->key;
	for (int i = 0; i < 2; i++) {
		bool silent = flow->side[views[i].from].packets == 0;

		bases[BASE_SIDE + i] =
			(const guint8 *)(silent ? &silent_side : &flow->side[views[i].from]);
		bases[BASE_SHAPE + i] =
			(const guint8 *)(silent || cut ? &silent_shape
						       : &flow->shape[views[i].from]);
		bases[BASE_TCP + i] =
			(const guint8 *)(tcp_is_metered(&views[i]) ? &flow->tcp[views[i].from]
								   : &silent_tcp);
	}
}

static void ask(const struct fill_step *step, const struct flow_view *views, guint8 *to)
{
	union field_value value;

	step->get(&views[step->reverse], &value);
	put(to, step->type, &value);
}

static void convert(const struct fill_step *step, const struct flow_view *forward, guint8 *to)
{
	const struct netflow9_number *ntop = step->column->ntop;
	union field_value value;
	guint64 number;

	template_column_value(step->column, forward, &value);
	if (ntop->unit == UNIT_DEGREES) {
		netflow9_degrees(value.real, template_column_known(step->column, forward), to,
				 step->size);
		return;
	}
	number = netflow9_fit(netflow9_unit_value(ntop->unit, &value, NULL), step->size);
	if (step->size == sizeof(guint8))
		put8(to, number);
	else if (step->size == sizeof(guint16))
		put16(to, number);
	else
		put32(to, number);
}

static void widen(const struct fill_step *step, const guint8 *from, guint8 *to)
{
	const union field_value value = { .number = load(from, step->size) };

	put(to, step->type, &value);
}

static struct flow_text text_at(const guint8 *record)
{
	fbVarfield_t stored;

	memcpy(&stored, record, sizeof(stored));
	return (struct flow_text){ (const char *)stored.buf, stored.len };
}

static void put_text(guint8 *to, const struct flow_text *text)
{
	const fbVarfield_t stored = { .buf = (guint8 *)(guintptr)text->octets,
				      .len = text->length };

	memcpy(to, &stored, sizeof(stored));
}

/* Returns the octets on the wire beyond those of an empty text. */
static size_t tell(const struct fill_step *step, const struct flow_view *views, guint8 *to)
{
	union field_value value;

	step->get(&views[step->reverse], &value);
	put_text(to, &value.text);
	return text_octets(value.text.length) - text_octets(0);
}

static size_t longest_text(const struct fill_plan *plan, const guint8 *record)
{
	size_t longest = 0;
	size_t at = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct fill_step *step = &plan->steps[i];

		if (step->op == FILL_TEXT && text_at(record + step->to).length > longest) {
			longest = text_at(record + step->to).length;
			at = step->to;
		}
	}
	g_assert(longest > 0); /* else max is less than fill_plan_length() */
	return at;
}

size_t fill_plan_shorten(const struct fill_plan *plan, guint8 *record, size_t length, size_t max)
{
	while (length > max) {
		size_t at = longest_text(plan, record);
		struct flow_text text = text_at(record + at);

		length -= text_octets(text.length);
		/* No text gives more than half at a time, so that those alike stay alike. */
		text.length = flow_text_fit(
			&text, text.length - MIN(length + text_octets(text.length) - max,
						 (text.length + 1) / 2));
		length += text_octets(text.length);
		put_text(record + at, &text);
	}
	return length;
}

size_t fill_plan_run(const struct fill_plan *plan, const struct flow_view *forward, guint8 *record)
{
	const struct flow_view views[2] = { *forward, flow_view_reverse(forward) };
	const guint8 *bases[BASES];
	size_t length = plan->length;

	set_bases(bases, views);
	for (size_t i = 0; i < plan->count; i++) {
		const struct fill_step *step = &plan->steps[i];
		const guint8 *from = bases[step->base] + step->from;
		guint8 *to = record + step->to;

		switch ((enum fill_op)step->op) {
		case FILL_COPY8:
			*to = *from;
			break;
		case FILL_COPY16:
			memcpy(to, from, sizeof(guint16));
			break;
		case FILL_COPY32:
			memcpy(to, from, sizeof(guint32));
			break;
		case FILL_COPY64:
			memcpy(to, from, sizeof(guint64));
			break;
		case FILL_WIDEN:
			widen(step, from, to);
			break;
		case FILL_TEXT:
			length += tell(step, views, to);
			break;
		case FILL_NTOP:
			convert(step, forward, to);
			break;
		case FILL_ASK:
			ask(step, views, to);
			break;
		}
	}
	return length;
}
