/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be known of a destination without touching it. */
#ifndef WEIR_EXPORT_DESTINATION_CHECK_H
#define WEIR_EXPORT_DESTINATION_CHECK_H

#include "export/destination_url.h"
#include "export/fanout.h"

/* The template a destination's records have, unless it says none: the run's, the form's own, or
 * the usual one. */
const char *destination_template(const struct destination_url *url,
				 const struct export_options *options);

/* The URL, the template, that its records fit into messages, and the files of certificates. label:
 * what errors call it. */
bool destination_check(const char *url, const char *label, const struct export_options *options,
		       GError **error);

#endif
