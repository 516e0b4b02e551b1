/* SPDX-License-Identifier: BSD-2-Clause */
/* Information element type records (RFC 5610): what a collector must know of our own elements,
 * in band. */
#ifndef WEIR_EXPORT_IPFIX_TYPES_H
#define WEIR_EXPORT_IPFIX_TYPES_H

#include "export/ipfix_message.h"

struct ipfix_types;

/* For the own elements of the template, ntop's in their place; NULL without an error: it has none.
 * Adds its options template to the session under this id. */
struct ipfix_types *ipfix_types_new(fbInfoModel_t *model, fbSession_t *session,
				    const struct encoder_options *options, guint16 template_id,
				    GError **error);
void ipfix_types_free(struct ipfix_types *types);

/* The options template, then a record an element. */
bool ipfix_types_send(const struct ipfix_types *types, struct ipfix_message *message,
		      GError **error);

#endif
