/* SPDX-License-Identifier: BSD-2-Clause */
/* Records are filled together, a column at a time: the loop over them knows what it does, and what
 * one record waits for does not hold up the next. */
#include "base/buffer.h"
#include "export/ipfix_fill_parts.h"
#include "export/netflow9_numbers.h"
#include "flow/fields_tcp.h"

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
	case FIELD_OCTETS_3:
		memcpy(to, value->octets, 3);
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

static inline guint64 load(const guint8 *from, guint8 size)
{
	guint64 number64;
	guint32 number32;
	guint16 number16;

	switch (size) {
	case sizeof(guint64):
		memcpy(&number64, from, sizeof(number64));
		return number64;
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

struct block {
	const struct fill_plan *plan;
	size_t count;
	guint8 *records;
	size_t *lengths;
	struct flow_view views[2][FILL_BLOCK]; /* forward; reverse, where the plan asks */
	struct field_facts facts[2][FILL_BLOCK];
	const guint8 *bases[BASES][FILL_BLOCK];
};

/* A column of a block: the place of its value in each record. Kept apart from the block, which the
 * compiler would have to look at again after each octet stored. */
struct column {
	guint8 *to;
	size_t stride;
	size_t count;
};

static inline struct column column_of(const struct fill_step *step, const struct block *block)
{
	return (struct column){ block->records + step->to, block->plan->size, block->count };
}

static bool wants(const struct fill_plan *plan, enum base base)
{
	return plan->bases & 1U << base;
}

/* A side that sent nothing reads 0 everywhere; TCP and shape also where they were not metered. */
static void set_bases(struct block *block, size_t i, int reverse)
{
	static const struct flow_side silent_side;
	static const struct flow_shape silent_shape;
	static const struct flow_tcp silent_tcp;
	const struct flow_view *view = &block->views[reverse][i];
	const struct flow *flow = &view->record->flow;
	const struct flow_side *side = &flow->side[view->from];
	bool silent = side->packets == 0;
	bool cut = view->record->detail < FLOW_DETAIL_FULL;

	block->bases[BASE_SIDE + reverse][i] = (const guint8 *)(silent ? &silent_side : side);
	if (wants(block->plan, BASE_SHAPE + reverse))
		block->bases[BASE_SHAPE + reverse][i] =
			(const guint8 *)(silent || cut ? &silent_shape : &flow->shape[view->from]);
	if (wants(block->plan, BASE_TCP + reverse))
		block->bases[BASE_TCP + reverse][i] =
			(const guint8 *)(tcp_is_metered(view) ? &flow->tcp[view->from]
							      : &silent_tcp);
	if (wants(block->plan, BASE_FACTS + reverse)) {
		field_facts_of(view, &block->facts[reverse][i]);
		block->bases[BASE_FACTS + reverse][i] = (const guint8 *)&block->facts[reverse][i];
	}
}

static void begin(struct block *block, const struct flow_view *forward)
{
	for (size_t i = 0; i < block->count; i++) {
		block->views[0][i] = forward[i];
		block->bases[BASE_KEY][i] = (const guint8 *)&forward[i].record->flow.key;
		block->lengths[i] = block->plan->length;
		set_bases(block, i, 0);
	}
	for (size_t i = 0; i < block->count && block->plan->reverses; i++) {
		block->views[1][i] = flow_view_reverse(&forward[i]);
		set_bases(block, i, 1);
	}
}

static inline void copy(const struct fill_step *step, const struct block *block, size_t size)
{
	const struct column column = column_of(step, block);
	const guint8 *const *bases = block->bases[step->base];
	const size_t from = step->from;

	for (size_t i = 0; i < column.count; i++)
		memcpy(column.to + i * column.stride, bases[i] + from, size);
}

static void copy8(const struct fill_step *step, const struct block *block)
{
	copy(step, block, sizeof(guint8));
}

static void copy16(const struct fill_step *step, const struct block *block)
{
	copy(step, block, sizeof(guint16));
}

static void copy32(const struct fill_step *step, const struct block *block)
{
	copy(step, block, sizeof(guint32));
}

static void copy64(const struct fill_step *step, const struct block *block)
{
	copy(step, block, sizeof(guint64));
}

/* Both records of a flow follow each other. */
static void identify(const struct fill_step *step, const struct block *block)
{
	const struct column column = column_of(step, block);
	const struct flow_record *of = NULL;
	guint64 id = 0;

	for (size_t i = 0; i < column.count; i++) {
		const struct flow_record *record = block->views[0][i].record;

		if (record != of)
			id = flow_id(&record->flow);
		of = record;
		put64(column.to + i * column.stride, id);
	}
}

static void ask(const struct fill_step *step, const struct block *block)
{
	const struct column column = column_of(step, block);

	for (size_t i = 0; i < column.count; i++) {
		union field_value value;

		step->get(&block->views[step->reverse][i], &value);
		put(column.to + i * column.stride, step->type, &value);
	}
}

static void convert_one(const struct fill_step *step, const struct flow_view *forward, guint8 *to)
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

static void convert(const struct fill_step *step, const struct block *block)
{
	const struct column column = column_of(step, block);

	for (size_t i = 0; i < column.count; i++)
		convert_one(step, &block->views[0][i], column.to + i * column.stride);
}

static void number(const struct fill_step *step, const struct block *block)
{
	const struct column column = column_of(step, block);

	for (size_t i = 0; i < column.count; i++) {
		const guint8 *from = block->bases[step->base][i] + step->from;
		const union field_value value = { .number = load(from, step->size) };

		put(column.to + i * column.stride, step->type, &value);
	}
}

static void tell(const struct fill_step *step, const struct block *block)
{
	const struct column column = column_of(step, block);

	for (size_t i = 0; i < column.count; i++) {
		union field_value value;

		step->get(&block->views[step->reverse][i], &value);
		fill_put_text(column.to + i * column.stride, &value.text);
		block->lengths[i] += fill_text_octets(value.text.length) - fill_text_octets(0);
	}
}

void fill_plan_run_all(const struct fill_plan *plan, const struct flow_view *forward, size_t count,
		       guint8 *records, size_t *lengths)
{
	typedef void fill_column(const struct fill_step *step, const struct block *block);
	static fill_column *const columns[] = {
		[FILL_ASK] = ask,	[FILL_COPY8] = copy8,	[FILL_COPY16] = copy16,
		[FILL_COPY32] = copy32, [FILL_COPY64] = copy64, [FILL_NUMBER] = number,
		[FILL_ID] = identify,	[FILL_TEXT] = tell,	[FILL_NTOP] = convert,
	};
	struct block block;

	g_assert(count <= FILL_BLOCK);
	block.plan = plan;
	block.count = count;
	block.records = records;
	block.lengths = lengths;
	begin(&block, forward);
	for (size_t i = 0; i < plan->count; i++)
		columns[plan->steps[i].op](&plan->steps[i], &block);
}

size_t fill_plan_run(const struct fill_plan *plan, const struct flow_view *forward, guint8 *record)
{
	size_t length;

	fill_plan_run_all(plan, forward, 1, record, &length);
	return length;
}
