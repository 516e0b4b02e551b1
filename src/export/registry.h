/* SPDX-License-Identifier: BSD-2-Clause */
/* The field table and the templates as documents: what `weir elements` and `weir templates` say. */
#ifndef WEIR_EXPORT_REGISTRY_H
#define WEIR_EXPORT_REGISTRY_H

#include "export/template.h"

/* "deltaCounter", ...: as IANA's registry spells them. */
const char *registry_semantics_name(enum field_semantics semantics);
/* "basic", ...: as --detail calls it. */
const char *registry_detail_name(enum flow_detail detail);
/* What a built-in template is for; free with g_free. */
char *registry_template_purpose(const struct template_builtin *builtin);

/* Our own elements under this enterprise number, in the XML of IANA's registry with the two tags
 * that libfixbuf adds to it. templates/weir-elements.xml is this with FIELD_PEN_DEFAULT. */
void registry_write_xml(GString *out, guint32 pen);
/* Every element weir can export: a heading and an aligned line each. */
void registry_write_elements(GString *out, guint32 pen);
/* The built-in templates: a heading and an aligned line each. */
void registry_write_templates(GString *out);
/* One template as text that record_template_load reads: a built-in one as it is shipped, a file or
 * another direction with comments gone. */
bool registry_write_template(GString *out, const char *name_or_path,
			     enum template_direction direction, GError **error);

#endif
