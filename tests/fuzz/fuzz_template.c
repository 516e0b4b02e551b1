/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a template: an error with its place, or a layout without doubles whose columns fit
 * the IP version and that tells any flow. */
#include <stdint.h>
#include <string.h>

#include "export/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_values(void *data, const GArray *columns, const struct flow_view *forward,
			GError **error)
{
	guint *records = data;

	(void)error;
	for (guint i = 0; i < columns->len; i++) {
		union field_value value;

		template_column_value(&g_array_index(columns, struct template_column, i), forward,
				      &value);
	}
	++*records;
	return true;
}

static void check_columns(const GArray *columns, guint8 version)
{
	bool seen[256][2] = { 0 };

	g_assert_cmpuint(fields_count, <=, G_N_ELEMENTS(seen));
	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);
		bool *here = &seen[column->field - fields][column->reverse];

		g_assert_true(column->field->version == 0 || column->field->version == version);
		g_assert_true(!column->reverse || column->field->direction == FIELD_OF_SIDE);
		g_assert_false(*here);
		*here = true;
	}
}

static void check_template(const struct record_template *form)
{
	struct flow_record record = { .end = FLOW_END_IDLE, .detail = form->detail };
	struct flow_view view;
	guint records = 0;

	check_columns(form->columns[0], 4);
	check_columns(form->columns[1], 6);
	record.flow.side[FLOW_FROM_LOW].packets = 1;
	record.flow.side[FLOW_FROM_HIGH].packets = 1;
	for (guint8 version = 4; version <= 6; version += 2) {
		record.flow.key.version = version;
		view = flow_view_of(&record, NULL);
		g_assert_true(record_template_apply(form, &view, take_values, &records, NULL));
	}
	g_assert_cmpuint(records, ==, (form->ipv4 + form->ipv6) * (form->biflow ? 1 : 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int direction = TEMPLATE_AS_WRITTEN; direction <= TEMPLATE_UNIFLOW; direction++) {
		/* An exact copy on the heap, so that one octet too far is caught. */
		g_autofree char *text = g_memdup2(data, size);
		g_autoptr(GError) error = NULL;
		struct record_template *form = record_template_parse(
			"f", text, size, (enum template_direction)direction, &error);

		g_assert_true((form != NULL) == (error == NULL));
		if (form)
			check_template(form);
		else
			g_assert_true(g_str_has_prefix(error->message, "f:"));
		record_template_free(form);
	}
	return 0;
}
