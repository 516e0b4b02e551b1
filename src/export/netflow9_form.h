/* SPDX-License-Identifier: BSD-2-Clause */
/* A record layout in NetFlow v9: which number and how many octets each column has there. */
#ifndef WEIR_EXPORT_NETFLOW9_FORM_H
#define WEIR_EXPORT_NETFLOW9_FORM_H

#include "export/netflow_time.h"
#include "export/template.h"

struct netflow9_form;

/* Of the columns for one IP version. An error names the column that v9 has no number for. */
struct netflow9_form *netflow9_form_new(const struct record_template *layout, bool ipv6,
					GError **error);
void netflow9_form_free(struct netflow9_form *form);

/* Octets of a record. */
size_t netflow9_form_size(const struct netflow9_form *form);
void netflow9_form_fill(const struct netflow9_form *form, const struct flow_view *forward,
			const struct netflow_time *time, guint8 *record);

/* Octets of the template record, and the record itself. */
size_t netflow9_form_template_size(const struct netflow9_form *form);
void netflow9_form_template(const struct netflow9_form *form, guint16 id, guint8 *to);

#endif
