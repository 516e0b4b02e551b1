/* SPDX-License-Identifier: BSD-2-Clause */
/* Every table a user meets, as JSON: what tools/documents makes the manual pages, the shipped
 * configuration file and the completion of shells from. */
#include <json-glib/json-glib.h>

#include "base/json.h"
#include "export/destination_keys.h"
#include "export/encoder.h"
#include "export/packs.h"
#include "export/registry.h"
#include "setup/help.h"
#include "setup/options.h"

static void add_words(JsonBuilder *json, const char *name, const char *text, const char *between)
{
	g_auto(GStrv) words = g_strsplit(text, between, -1);

	json_begin_list(json, name);
	for (guint i = 0; words[i]; i++)
		json_builder_add_string_value(json, words[i]);
	json_builder_end_array(json);
}

static void add_command(JsonBuilder *json, const struct command *command)
{
	json_builder_begin_object(json);
	json_put_text(json, "name", command->name);
	json_put_text(json, "arguments", command->arguments);
	json_put_text(json, "summary", command->summary);
	json_put_text(json, "description", command->description);
	json_begin_list(json, "examples");
	for (guint i = 0; i < COMMAND_EXAMPLES; i++) {
		json_builder_begin_object(json);
		json_put_text(json, "line", command->examples[i].line);
		json_put_text(json, "what", command->examples[i].what);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
}

static void add_option(JsonBuilder *json, const struct option_row *row)
{
	static const char *const types[] = {
		[OPTION_TYPE_FLAG] = "flag",	     [OPTION_TYPE_SWITCH] = "switch",
		[OPTION_TYPE_TEXT] = "text",	     [OPTION_TYPE_LIST] = "list",
		[OPTION_TYPE_NUMBER] = "number",     [OPTION_TYPE_COUNT] = "count",
		[OPTION_TYPE_DURATION] = "duration", [OPTION_TYPE_DURATION_OR_OFF] = "duration",
		[OPTION_TYPE_CHOICE] = "choice",
	};
	const char letter[] = { row->letter, '\0' };
	g_autofree char *range = option_range(row);

	json_builder_begin_object(json);
	json_put_text(json, "name", row->name);
	json_put_text(json, "letter", row->letter ? letter : NULL);
	json_put_text(json, "type", types[row->type]);
	json_put_text(json, "default", row->standard);
	json_put_text(json, "argument", row->argument);
	json_put_text(json, "values", range);
	json_put_text(json, "section", row->section);
	json_begin_list(json, "commands");
	for (guint i = 0; i < COMMANDS; i++) {
		if (row->commands & (1u << i))
			json_builder_add_string_value(json, commands[i].name);
	}
	json_builder_end_array(json);
	json_put_text(json, "help", row->help);
	json_builder_end_object(json);
}

static void add_sections(JsonBuilder *json)
{
	json_begin_list(json, "sections");
	for (guint i = 0; i < option_sections_count; i++) {
		json_builder_begin_object(json);
		json_put_text(json, "name", option_sections[i].name);
		json_put_text(json, "title", option_sections[i].title);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void add_destinations(JsonBuilder *json)
{
	json_begin_list(json, "destinationKeys");
	for (gsize i = 0; i < destination_keys_count; i++) {
		const struct destination_key *key = &destination_keys[i];

		json_builder_begin_object(json);
		json_put_text(json, "name", key->name);
		json_put_text(json, "argument", key->argument);
		json_put_text(json, "default", key->standard);
		json_put_text(json, "of", key->carriers);
		json_put_text(json, "help", key->help);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_begin_list(json, "forms");
	for (gsize i = 0; encoders[i]; i++) {
		json_builder_begin_object(json);
		json_put_text(json, "name", encoders[i]->scheme);
		add_words(json, "transports", encoders[i]->transports, " ");
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_begin_list(json, "packs");
	for (gsize i = 0; i < packs_count; i++) {
		json_builder_begin_object(json);
		json_put_text(json, "name", packs[i].collector);
		json_put_text(json, "where", packs[i].where);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void add_element(JsonBuilder *json, const struct field *field)
{
	g_autofree char *reverse =
		field->direction == FIELD_OF_SIDE ? field_reverse_name(field) : NULL;

	json_builder_begin_object(json);
	json_put_text(json, "name", field->name);
	json_put_count(json, "id", field->id);
	json_builder_set_member_name(json, "own");
	json_builder_add_boolean_value(json, field->own);
	json_put_count(json, "netflow9", field->v9);
	json_put_text(json, "type", field_type_name(field->type));
	json_put_text(json, "semantics", registry_semantics_name(field->semantics));
	json_put_text(json, "units", field->units);
	json_put_text(json, "detail", registry_detail_name(field->detail));
	json_put_text(json, "reverse", reverse);
	json_put_text(json, "description", field->description);
	json_builder_end_object(json);
}

static void add_template(JsonBuilder *json, const struct template_builtin *builtin)
{
	g_autofree char *purpose = registry_template_purpose(builtin);

	json_builder_begin_object(json);
	json_put_text(json, "name", builtin->name);
	json_put_text(json, "purpose", purpose);
	json_put_text(json, "text", builtin->text);
	json_builder_end_object(json);
}

static void add_records(JsonBuilder *json)
{
	json_begin_list(json, "templates");
	for (const struct template_builtin *builtin = template_builtins; builtin->name; builtin++)
		add_template(json, builtin);
	json_builder_end_array(json);
	json_begin_list(json, "elements");
	for (gsize i = 0; i < fields_count; i++)
		add_element(json, &fields[i]);
	json_builder_end_array(json);
}

void help_print_json(FILE *to)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	json_begin_list(json, "commands");
	for (guint i = 0; i < COMMANDS; i++)
		add_command(json, &commands[i]);
	json_builder_end_array(json);
	json_begin_list(json, "options");
	for (guint i = 0; i < OPTIONS; i++)
		add_option(json, &option_rows[i]);
	json_builder_end_array(json);
	add_sections(json);
	add_destinations(json);
	add_records(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	fputs(text, to);
	fputc('\n', to);
}
