/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v9 has a flat space of numbers, no enterprises and no reverse elements. fields.def knows
 * the number of what is the same there, netflow9_numbers.def what is not. */
#include "export/netflow9_form.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/netflow9_numbers.h"

/* A shorter record could be taken for the padding of its flowset. */
#define RECORD_MIN 4

struct column {
	struct template_column source;
	guint16 number;
	guint8 octets;
	enum netflow9_unit unit;
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

static enum netflow9_unit unit_of(enum field_type type)
{
	switch (type) {
	case FIELD_MAC_ADDRESS:
	case FIELD_OCTETS_3:
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

	for (size_t i = 0; i < netflow9_numbers_count; i++) {
		const struct netflow9_number *row = &netflow9_numbers[i];

		if (netflow9_number_is_for(row, field, source->reverse, biflow))
			add(form, (struct column){ *source, row->number, row->octets, row->unit });
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

static inline void put_number(guint8 *to, guint64 number, guint8 octets)
{
	const guint64 swapped = GUINT64_TO_BE(number);

	if (octets == sizeof(swapped)) {
		memcpy(to, &swapped, sizeof(swapped));
		return;
	}
	number = MIN(number, (G_GUINT64_CONSTANT(1) << 8 * octets) - 1);
	switch (octets) {
	case 1:
		*to = (guint8)number;
		return;
	case 2:
		store_be16(to, (guint16)number);
		return;
	case 4:
		store_be32(to, (guint32)number);
		return;
	default:
		for (guint8 i = octets; i > 0; i--, number >>= 8)
			to[i - 1] = (guint8)number;
	}
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
	const struct record_views views = record_views_of(forward);
	const struct column *column = &g_array_index(form->columns, struct column, 0);
	const struct column *end = column + form->columns->len;

	for (; column < end; record += column->octets, column++) {
		union field_value value;

		record_column_value(&column->source, &views, &value);
		if (column->unit == UNIT_AS_IT_IS)
			put_number(record, value.number, column->octets);
		else if (column->unit == UNIT_OCTETS)
			memcpy(record, value.octets, column->octets);
		else if (column->unit == UNIT_TEXT)
			put_text(record, &value.text, column->octets);
		else if (column->unit == UNIT_DEGREES)
			netflow9_degrees(value.real, record_column_known(&column->source, &views),
					 record, column->octets);
		else
			put_number(record, netflow9_unit_value(column->unit, &value, time),
				   column->octets);
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
