/* SPDX-License-Identifier: BSD-2-Clause */
/* Our field table and libfixbuf's information model: the elements and templates of a session. */
#ifndef WEIR_EXPORT_IPFIX_MODEL_H
#define WEIR_EXPORT_IPFIX_MODEL_H

#include <fixbuf/public.h>

#include "export/template.h"

/* IANA's elements and our own under pen, with their reverses. */
fbInfoModel_t *ipfix_model_new(guint32 pen);

/* The element of a column. Fails if the model has another idea of it than the field table. */
const fbInfoElement_t *ipfix_model_element(fbInfoModel_t *model,
					   const struct template_column *column, guint32 pen,
					   GError **error);

/* A template with the columns in their order; the session it is added to owns it. */
fbTemplate_t *ipfix_model_template(fbInfoModel_t *model, const GArray *columns, guint32 pen,
				   GError **error);

/* libfixbuf's errors in our domain. Takes the error. */
void ipfix_error(GError **error, GError *from, const char *what);

#endif
