/* SPDX-License-Identifier: BSD-2-Clause */
/* From the line of a request to the line that answers it. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "serve/control_parts.h"

static char *to_line(JsonBuilder *json)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_builder_get_root(json);
	g_autofree char *text = NULL;

	json_generator_set_root(generator, root);
	text = json_generator_to_data(generator, NULL);
	return g_strconcat(text, "\n", NULL);
}

char *control_refusal(enum control_status status, const char *message)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	json_put_count(json, "status", status);
	json_put_text(json, "error", message);
	json_builder_end_object(json);
	return to_line(json);
}

static char *unknown_verb(const struct control *control, const char *verb)
{
	g_autoptr(GString) list = g_string_new(NULL);
	g_autofree char *text = NULL;

	for (const struct control_verb *row = control->options.verbs; row->name; row++)
		g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", row->name);
	text = g_strdup_printf("there is no verb \"%.64s\"; there is %s", verb, list->str);
	return control_refusal(CONTROL_USAGE, text);
}

char *control_error(const GError *error)
{
	return control_refusal(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE)
				       ? CONTROL_USAGE
				       : CONTROL_FAILED,
			       error->message);
}

static char *begin(const struct control *control, const struct control_verb *row,
		   const char *argument, struct control_reply *reply)
{
	g_autoptr(GError) error = NULL;

	return row->begin(control->options.data, argument, reply, &error) ? NULL
									  : control_error(error);
}

static char *handle(const struct control *control, const struct control_verb *row,
		    const char *argument)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(GError) error = NULL;

	json_builder_begin_object(json);
	json_put_count(json, "status", CONTROL_DONE);
	json_begin_group(json, "answer");
	if (!row->handle(control->options.data, argument, json, &error))
		return control_error(error);
	json_builder_end_object(json);
	json_builder_end_object(json);
	return to_line(json);
}

char *control_answer(const struct control *control, const char *request, enum peer_rights rights,
		     struct control_reply *reply)
{
	g_autofree char *text = g_strstrip(g_strdup(request));
	char *argument = text + strcspn(text, " \t");

	if (!g_utf8_validate(text, -1, NULL))
		return control_refusal(CONTROL_USAGE, "a request is a line of UTF-8 text");
	log_debug("control: %s", text);
	if (*argument)
		*argument++ = '\0';
	for (const struct control_verb *row = control->options.verbs; row->name; row++) {
		if (strcmp(row->name, text) != 0)
			continue;
		if (row->changes && rights < PEER_CHANGES)
			return control_refusal(CONTROL_NOT_ALLOWED,
					       "that changes the run, and is for root");
		argument = g_strchug(argument);
		return row->begin ? begin(control, row, argument, reply)
				  : handle(control, row, argument);
	}
	return unknown_verb(control, text);
}
