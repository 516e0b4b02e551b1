/* SPDX-License-Identifier: BSD-2-Clause */
/* What a flow becomes under a template: which records, and the values of their columns. */
#include "export/template.h"

#include <string.h>

void record_template_free(struct record_template *record_template)
{
	if (!record_template)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(record_template->columns); i++)
		g_array_unref(record_template->columns[i]);
	g_free(record_template->name);
	g_free(record_template);
}

static enum flow_side_index other_side(enum flow_side_index side)
{
	return side == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW;
}

guint64 record_template_records(const struct record_template *record_template,
				const struct flow *flow)
{
	if (!(flow->key.version == 6 ? record_template->ipv6 : record_template->ipv4))
		return 0;
	if (record_template->biflow)
		return 1;
	return (guint64)(flow->side[FLOW_FROM_LOW].packets > 0) +
	       (flow->side[FLOW_FROM_HIGH].packets > 0);
}

bool record_template_apply(const struct record_template *record_template,
			   const struct flow_record *record, record_sink *sink, void *data,
			   GError **error)
{
	const struct flow *flow = &record->flow;
	bool ipv6 = flow->key.version == 6;
	const GArray *columns = record_template->columns[ipv6];
	struct flow_view view = { record, flow_initiator(flow), FIELD_SCOPE_FORWARD };

	if (!(ipv6 ? record_template->ipv6 : record_template->ipv4))
		return true;
	if (record_template->biflow)
		return sink(data, columns, &view, error);
	view.scope = FIELD_SCOPE_UNIFLOW;
	for (size_t i = 0; i < G_N_ELEMENTS(flow->side); i++) {
		if (flow->side[view.from].packets > 0 && !sink(data, columns, &view, error))
			return false;
		view.from = other_side(view.from);
	}
	return true;
}

static struct flow_view view_of(const struct template_column *column,
				const struct flow_view *forward)
{
	struct flow_view reverse = { forward->record, other_side(forward->from),
				     FIELD_SCOPE_REVERSE };

	return column->reverse ? reverse : *forward;
}

bool template_column_known(const struct template_column *column, const struct flow_view *forward)
{
	struct flow_view view = view_of(column, forward);

	return !column->field->known || column->field->known(&view);
}

void template_column_value(const struct template_column *column, const struct flow_view *forward,
			   union field_value *ret_value)
{
	struct flow_view view = view_of(column, forward);

	/* A record is cut to its detail: what lies beyond was never metered. */
	if (column->field->detail > forward->record->detail)
		memset(ret_value, 0, sizeof(*ret_value));
	else
		column->field->get(&view, ret_value);
}
