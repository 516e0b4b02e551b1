/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v9 has a flat space of numbers, no enterprises and no reverse elements. fields.def knows
 * the number of what is the same there, netflow9_numbers.def what is not. */
#include "export/netflow9_form.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

#define NS_PER_MS 1000000
#define US_PER_MS 1000
#define NTOP(number)                                                              \
	(57472 + (number)) /* where nProbe and its collectors put ntop's elements \
			    */
/* A shorter record could be taken for the padding of its flowset. */
#define RECORD_MIN 4

enum unit {
	UNIT_AS_IT_IS,
	UNIT_OCTETS, /* addresses */
	UNIT_TEXT,   /* filled with zeros: v9 has no variable length */
	UNIT_UPTIME,
	UNIT_MILLISECONDS,
	UNIT_LOW_OCTET,
	UNIT_US_HALF_AS_MS,
	UNIT_REAL_US_AS_MS,
};

enum kind {
	KIND_ANY,
	KIND_BIFLOW,
	KIND_UNIFLOW,
};

enum {
	FORWARD = false,
	REVERSE = true,
};

struct number_row {
	const char *element;
	bool reverse;
	guint16 number;
	guint8 octets;
	enum unit unit;
	enum kind kind;
};

static const struct number_row rows[] = {
#define V9(element, side, number, octets, unit, kind) \
	{ #element, side, number, octets, UNIT_##unit, KIND_##kind },
#include "export/netflow9_numbers.def"
#undef V9
};

struct column {
	struct template_column source;
	guint16 number;
	guint8 octets;
	enum unit unit;
};

struct netflow9_form {
	size_t size;
	GArray *columns; /* of struct column */
};

static void add(struct netflow9_form *form, struct column column)
{
	form->size += column.octets;
	g_array_append_val(form->columns, column);
}

static bool is_for(const struct number_row *row, const struct template_column *column, bool biflow)
{
	if (row->reverse != column->reverse || strcmp(row->element, column->field->name) != 0)
		return false;
	return row->kind == KIND_ANY || biflow == (row->kind == KIND_BIFLOW);
}

static enum unit unit_of(enum field_type type)
{
	switch (type) {
	case FIELD_MAC_ADDRESS:
	case FIELD_IPV4_ADDRESS:
	case FIELD_IPV6_ADDRESS:
		return UNIT_OCTETS;
	default:
		return UNIT_AS_IT_IS;
	}
}

static bool add_column(struct netflow9_form *form, const struct template_column *source,
		       bool biflow)
{
	const struct field *field = source->field;
	guint before = form->columns->len;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (is_for(&rows[i], source, biflow))
			add(form, (struct column){ *source, rows[i].number, rows[i].octets,
						   rows[i].unit });
	}
	if (form->columns->len > before)
		return true;
	if (source->reverse || field->v9 == 0 || field->type == FIELD_STRING)
		return false;
	add(form, (struct column){ *source, field->v9, (guint8)field_type_size(field->type),
				   unit_of(field->type) });
	return true;
}

static bool refuse(const struct record_template *layout, const struct template_column *column,
		   GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "template %s: NetFlow v9 has no number for %s%s; take it out, use the template "
		    "v9 or ntop, or send IPFIX",
		    layout->name, column->name,
		    layout->biflow ? " in a biflow" : " in a record of one direction");
	return false;
}

static bool add_columns(struct netflow9_form *form, const struct record_template *layout, bool ipv6,
			GError **error)
{
	const GArray *columns = layout->columns[ipv6];

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		if (!add_column(form, column, layout->biflow))
			return refuse(layout, column, error);
	}
	if (form->size >= RECORD_MIN)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "template %s: a record of %zu octets looks like padding in NetFlow v9; add a "
		    "column",
		    layout->name, form->size);
	return false;
}

struct netflow9_form *netflow9_form_new(const struct record_template *layout, bool ipv6,
					GError **error)
{
	struct netflow9_form *form = g_new0(struct netflow9_form, 1);

	form->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
	if (add_columns(form, layout, ipv6, error))
		return form;
	netflow9_form_free(form);
	return NULL;
}

void netflow9_form_free(struct netflow9_form *form)
{
	if (form == NULL)
		return;
	g_array_unref(form->columns);
	g_free(form);
}

size_t netflow9_form_size(const struct netflow9_form *form)
{
	return form->size;
}

static guint64 number_of(const struct column *column, const union field_value *value,
			 const struct netflow_time *time)
{
	switch (column->unit) {
	case UNIT_UPTIME:
		return netflow_time_of(time, value->number);
	case UNIT_MILLISECONDS:
		return value->number / NS_PER_MS;
	case UNIT_LOW_OCTET:
		return value->number & G_MAXUINT8;
	case UNIT_US_HALF_AS_MS:
		return value->number / 2 / US_PER_MS;
	case UNIT_REAL_US_AS_MS:
		return (guint64)(value->real / US_PER_MS);
	case UNIT_AS_IT_IS:
	case UNIT_OCTETS:
	case UNIT_TEXT:
		break;
	}
	return value->number;
}

static void put_number(guint8 *to, guint64 number, guint8 octets)
{
	if (octets < sizeof(number))
		number = MIN(number, (G_GUINT64_CONSTANT(1) << 8 * octets) - 1);
	for (guint8 i = octets; i > 0; i--, number >>= 8)
		to[i - 1] = (guint8)number;
}

static void put_text(guint8 *to, const struct flow_text *text, guint8 octets)
{
	size_t length = flow_text_fit(text, octets);

	if (length > 0)
		memcpy(to, text->octets, length);
	memset(to + length, 0, octets - length);
}

void netflow9_form_fill(const struct netflow9_form *form, const struct flow_view *forward,
			const struct netflow_time *time, guint8 *record)
{
	for (guint i = 0; i < form->columns->len; i++) {
		const struct column *column = &g_array_index(form->columns, struct column, i);
		union field_value value;

		template_column_value(&column->source, forward, &value);
		if (column->unit == UNIT_OCTETS)
			memcpy(record, value.octets, column->octets);
		else if (column->unit == UNIT_TEXT)
			put_text(record, &value.text, column->octets);
		else
			put_number(record, number_of(column, &value, time), column->octets);
		record += column->octets;
	}
}

size_t netflow9_form_template_size(const struct netflow9_form *form)
{
	return 4 + (size_t)form->columns->len * 4;
}

void netflow9_form_template(const struct netflow9_form *form, guint16 id, guint8 *to)
{
	store_be16(to, id);
	store_be16(to + 2, (guint16)form->columns->len);
	for (guint i = 0; i < form->columns->len; i++) {
		const struct column *column = &g_array_index(form->columns, struct column, i);

		to += 4;
		store_be16(to, column->number);
		store_be16(to + 2, column->octets);
	}
}
