/* SPDX-License-Identifier: BSD-2-Clause */
/* The fill plan: what to ask of the flow, and where and how the answer is stored. */
#include "export/ipfix_fill.h"

#include "export/ipfix_fill_parts.h"
#include "export/netflow9_numbers.h"

#define NTP_EPOCH 2208988800U /* seconds from 1900 to 1970 */
#define NS_PER_S  G_GUINT64_CONSTANT(1000000000)

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
	if (where == FIELD_IN_FACTS)
		return reverse ? BASE_FACTS_REVERSE : BASE_FACTS;
	return BASE_KEY;
}

static bool is_time(enum field_type type)
{
	return type == FIELD_DATE_TIME_MILLISECONDS || type == FIELD_DATE_TIME_MICROSECONDS ||
	       type == FIELD_DATE_TIME_NANOSECONDS;
}

/* Read where it lies. */
static bool is_placed(const struct field *field)
{
	if (field->place.where == FIELD_IN_FACTS)
		return true;
	return field->place.where != FIELD_COMPUTED && is_unsigned(field->type);
}

static enum fill_op copy_of(const struct field *field)
{
	size_t to = field_type_size(field->type);

	if (field->place.where == FIELD_FLOW_ID)
		return FILL_ID;
	if (field->place.size != to || is_time(field->type))
		return FILL_NUMBER;
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
	} else if (is_placed(field)) {
		step.op = (guint8)copy_of(field);
		step.base = (guint8)base_of(field->place.where, column->reverse);
		step.from = field->place.offset;
		step.size = (guint8)field->place.size;
	}
	return step;
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

		plan->steps[plan->count] = make_step(column, plan->size);
		plan->bases |= 1U << plan->steps[plan->count].base;
		plan->reverses |= column->reverse;
		plan->count++;
		plan->size += is_text ? sizeof(fbVarfield_t) : size;
		plan->length += is_text ? fill_text_octets(0) : size;
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

static struct flow_text text_at(const guint8 *record)
{
	fbVarfield_t stored;

	memcpy(&stored, record, sizeof(stored));
	return (struct flow_text){ (const char *)stored.buf, stored.len };
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

		length -= fill_text_octets(text.length);
		/* No text gives more than half at a time, so that those alike stay alike. */
		text.length = flow_text_fit(
			&text, text.length - MIN(length + fill_text_octets(text.length) - max,
						 (text.length + 1) / 2));
		length += fill_text_octets(text.length);
		fill_put_text(record + at, &text);
	}
	return length;
}
