/* SPDX-License-Identifier: BSD-2-Clause */
/* Getters of fields.def: the packet around the innermost tunnel and what the link wraps packets
 * in, zero without one. */
#ifndef WEIR_FLOW_FIELDS_OUTER_H
#define WEIR_FLOW_FIELDS_OUTER_H

#include "flow/fields.h"

void outer_source_ipv4(const struct flow_view *view, union field_value *ret_value);
void outer_destination_ipv4(const struct flow_view *view, union field_value *ret_value);
void outer_source_ipv6(const struct flow_view *view, union field_value *ret_value);
void outer_destination_ipv6(const struct flow_view *view, union field_value *ret_value);
void outer_source_port(const struct flow_view *view, union field_value *ret_value);
void outer_destination_port(const struct flow_view *view, union field_value *ret_value);
void outer_label(const struct flow_view *view, union field_value *ret_value);

#endif
