/* SPDX-License-Identifier: BSD-2-Clause */
/* Options data of IPFIX (RFC 7011, section 4, and beyond): what a collector may want to know of the
 * exporter, of the meter and of the templates. */
#ifndef WEIR_EXPORT_IPFIX_OPTIONS_H
#define WEIR_EXPORT_IPFIX_OPTIONS_H

#include "export/ipfix_message.h"
#include "export/statistics.h"

struct ipfix_options;

/* Adds the options templates to the session, under ids from first_id on. The options outlive this.
 */
struct ipfix_options *ipfix_options_new(fbInfoModel_t *model, fbSession_t *session,
					const struct encoder_options *chosen, guint16 first_id,
					GError **error);
void ipfix_options_free(struct ipfix_options *options);

/* For the start of a session: the templates; and, after those of flows, what does not change. */
bool ipfix_options_send_templates(const struct ipfix_options *options,
				  struct ipfix_message *message, GError **error);
bool ipfix_options_send_fixed(const struct ipfix_options *options, struct ipfix_message *message,
			      GError **error);

/* The statistics and the table of interfaces. ret_records grows by a record at a time, once it is
 * in the message. */
bool ipfix_options_report(const struct ipfix_options *options, struct ipfix_message *message,
			  const struct export_report *report, guint64 *ret_records, GError **error);

#endif
