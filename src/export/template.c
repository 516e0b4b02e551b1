/* SPDX-License-Identifier: BSD-2-Clause */
/* What a flow becomes under a template: which records, and the values of their columns. */
#include "export/template.h"

void record_template_free(struct record_template *record_template)
{
	if (!record_template)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(record_template->columns); i++)
		g_array_unref(record_template->columns[i]);
	g_free(record_template->name);
	g_free(record_template);
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
	const struct record_views views = record_views_of(forward);

	return record_column_known(column, &views);
}

void template_column_value(const struct template_column *column, const struct flow_view *forward,
			   union field_value *ret_value)
{
	const struct record_views views = record_views_of(forward);

	record_column_value(column, &views, ret_value);
}
