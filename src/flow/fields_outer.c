/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/fields_outer.h"

#include <string.h>

/* NULL: none is known. */
static const struct flow_outer *outer_of(const struct flow_view *view)
{
	const struct flow *flow = &view->record->flow;

	if (flow->side[view->from].packets == 0 || view->record->detail < FLOW_DETAIL_FULL)
		return NULL;
	return &flow->shape[view->from].outer;
}

/* Of the other version there is none. */
static void outer_address(const struct flow_view *view, bool destination, guint8 version,
			  union field_value *ret_value)
{
	const struct flow_outer *outer = outer_of(view);
	const guint8 *address;

	memset(ret_value->octets, 0, 16);
	if (!outer || outer->version != version)
		return;
	address = (const guint8 *)(destination ? outer->destination : outer->source);
	if (version == 4)
		memcpy(ret_value->octets, address + 12, 4);
	else
		memcpy(ret_value->octets, address, 16);
}

void outer_source_ipv4(const struct flow_view *view, union field_value *ret_value)
{
	outer_address(view, false, 4, ret_value);
}

void outer_destination_ipv4(const struct flow_view *view, union field_value *ret_value)
{
	outer_address(view, true, 4, ret_value);
}

void outer_source_ipv6(const struct flow_view *view, union field_value *ret_value)
{
	outer_address(view, false, 6, ret_value);
}

void outer_destination_ipv6(const struct flow_view *view, union field_value *ret_value)
{
	outer_address(view, true, 6, ret_value);
}

void outer_source_port(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_outer *outer = outer_of(view);

	ret_value->number = outer ? GUINT16_FROM_BE(outer->source_port) : 0;
}

void outer_destination_port(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_outer *outer = outer_of(view);

	ret_value->number = outer ? GUINT16_FROM_BE(outer->destination_port) : 0;
}

void outer_label(const struct flow_view *view, union field_value *ret_value)
{
	const struct flow_outer *outer = outer_of(view);

	if (outer)
		memcpy(ret_value->octets, outer->label, sizeof(outer->label));
	else
		memset(ret_value->octets, 0, sizeof(outer->label));
}
