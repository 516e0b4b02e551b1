/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of a JSON object that is being built. */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include <json-glib/json-glib.h>
#include <math.h>

/* NULL: null. What is no UTF-8 of it is replaced, as JSON has no other. */
static inline void json_put_text(JsonBuilder *json, const char *name, const char *text)
{
	g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

	json_builder_set_member_name(json, name);
	if (valid)
		json_builder_add_string_value(json, valid);
	else
		json_builder_add_null_value(json);
}

static inline void json_put_count(JsonBuilder *json, const char *name, guint64 count)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, (gint64)count);
}

/* JSON has no infinity: null. */
static inline void json_put_real(JsonBuilder *json, const char *name, double value)
{
	json_builder_set_member_name(json, name);
	if (isfinite(value))
		json_builder_add_double_value(json, value);
	else
		json_builder_add_null_value(json);
}

static inline void json_begin_list(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
}

static inline void json_begin_group(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_object(json);
}

#endif
