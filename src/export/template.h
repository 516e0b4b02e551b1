/* SPDX-License-Identifier: BSD-2-Clause */
/* The layout of a record, read from a text file a user can copy and edit (DESIGN 6). */
#ifndef WEIR_EXPORT_TEMPLATE_H
#define WEIR_EXPORT_TEMPLATE_H

#include "flow/fields.h"

struct netflow9_number;

/* One column of a record. */
struct template_column {
	const struct field *field;
	bool reverse;
	char *name; /* as the element is called: the key in JSON */
	/* ntop's element, which IPFIX says instead of our own; NULL: none. */
	const struct netflow9_number *ntop;
};

struct record_template {
	char *name;
	bool biflow; /* one record a flow; else one for each side that sent */
	bool ntop;   /* IPFIX says ntop's elements where it has them for our own */
	bool ipv4;   /* which flows the template takes */
	bool ipv6;
	enum flow_detail detail; /* the least that fills every column */
	bool places;		 /* some column is about where an address is */
	GArray *columns[2];	 /* of struct template_column: [0] for IPv4 flows, [1] for IPv6 */
};

enum template_direction {
	TEMPLATE_AS_WRITTEN,
	TEMPLATE_BIFLOW,
	TEMPLATE_UNIFLOW,
};

/* A built-in name ("standard", "biflow", "full", ...) or the path of a file. The direction, where
 * given, overrides the file's: biflow adds the reverse of every column that has one, uniflow
 * takes the reverse columns out. */
struct record_template *record_template_load(const char *name_or_path,
					     enum template_direction direction, GError **error);
/* From text; name is what errors call the file. Errors name file, line and column. */
struct record_template *record_template_parse(const char *name, const char *text, gsize length,
					      enum template_direction direction, GError **error);
void record_template_free(struct record_template *record_template);

/* The records the flow becomes under this template: 0, 1 or 2. */
static inline guint64 record_template_records(const struct record_template *record_template,
					      const struct flow *flow)
{
	if (!(flow->key.version == 6 ? record_template->ipv6 : record_template->ipv4))
		return 0;
	if (record_template->biflow)
		return 1;
	return (guint64)(flow->side[FLOW_FROM_LOW].packets > 0) +
	       (flow->side[FLOW_FROM_HIGH].packets > 0);
}

/* Calls back for each of them. */
typedef bool record_sink(void *data, const GArray *columns, const struct flow_view *forward,
			 GError **error);
bool record_template_apply(const struct record_template *record_template,
			   const struct flow_view *flow, record_sink *sink, void *data,
			   GError **error);

/* For who asks for many columns of a record: both its directions, made once. */
struct record_views {
	struct flow_view of[2]; /* by template_column.reverse */
};

static inline struct record_views record_views_of(const struct flow_view *forward)
{
	return (struct record_views){ { *forward, flow_view_reverse(forward) } };
}

static inline bool record_column_known(const struct template_column *column,
				       const struct record_views *views)
{
	return !column->field->known || column->field->known(&views->of[column->reverse]);
}

/* A record is cut to its detail: what lies beyond was never metered, and reads 0. */
static inline void record_column_value(const struct template_column *column,
				       const struct record_views *views,
				       union field_value *ret_value)
{
	if (column->field->detail > views->of[0].record->detail)
		*ret_value = (union field_value){ .octets = { 0 } };
	else
		column->field->get(&views->of[column->reverse], ret_value);
}

/* The value of a column of that record. */
void template_column_value(const struct template_column *column, const struct flow_view *forward,
			   union field_value *ret_value);

/* Is that value known? Where not it is 0, and a format that can leave a column out does. */
bool template_column_known(const struct template_column *column, const struct flow_view *forward);

/* Built-in templates, in the order to show them; NULL-terminated. Text as shipped. */
struct template_builtin {
	const char *name;
	const char *text;
};
extern const struct template_builtin template_builtins[];

#endif
