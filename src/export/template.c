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
			   const struct flow_view *flow, record_sink *sink, void *data,
			   GError **error)
{
	const struct flow *metered = &flow->record->flow;
	bool ipv6 = metered->key.version == 6;
	const GArray *columns = record_template->columns[ipv6];
	struct flow_view views[2] = { *flow, flow_view_reverse(flow) };

	if (!(ipv6 ? record_template->ipv6 : record_template->ipv4))
		return true;
	if (record_template->biflow)
		return sink(data, columns, flow, error);
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		views[i].scope = FIELD_SCOPE_UNIFLOW;
		if (metered->side[views[i].from].packets > 0 &&
		    !sink(data, columns, &views[i], error))
			return false;
	}
	return true;
}

bool template_column_known(const struct template_column *column, const struct flow_view *forward)
{
	struct flow_view view = column->reverse ? flow_view_reverse(forward) : *forward;

	return !column->field->known || column->field->known(&view);
}

void template_column_value(const struct template_column *column, const struct flow_view *forward,
			   union field_value *ret_value)
{
	struct flow_view view = column->reverse ? flow_view_reverse(forward) : *forward;

	/* A record is cut to its detail: what lies beyond was never metered. */
	if (column->field->detail > forward->record->detail)
		memset(ret_value, 0, sizeof(*ret_value));
	else
		column->field->get(&view, ret_value);
}
