/* SPDX-License-Identifier: BSD-2-Clause */
/* Options: the table, the value of each, and the command line. GOption splits the command line;
 * what a value may be and how an error reads is decided here, for the configuration file as well.
 */
#include "setup/options.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/quantity.h"
#include "flow/fields.h"

#define IN(command) (1u << COMMAND_##command)
#define IN_ALL	    ((1u << COMMANDS) - 1)

const struct option_row option_rows[OPTIONS] = {
#define OPTION(id, name, letter, type, standard, argument, low, high, section, commands, help) \
	[OPTION_##id] = { name, letter,	 OPTION_TYPE_##type, standard, argument, low,          \
			  high, section, commands,	     help },
#include "setup/options.def"
#undef OPTION
};

const struct option_section option_sections[] = {
	{ "meter", "Metering" },  { "live", "Interfaces" }, { "export", "Records" },
	{ "geo", "Geolocation" }, { "metrics", "Metrics" }, { "report", "Report" },
	{ NULL, "General" },
};
const guint option_sections_count = G_N_ELEMENTS(option_sections);

static bool is_quantity(enum option_type type, enum quantity_kind *ret_kind)
{
	switch (type) {
	case OPTION_TYPE_NUMBER:
		*ret_kind = QUANTITY_NUMBER;
		return true;
	case OPTION_TYPE_COUNT:
		*ret_kind = QUANTITY_COUNT;
		return true;
	case OPTION_TYPE_DURATION:
	case OPTION_TYPE_DURATION_OR_OFF:
		*ret_kind = QUANTITY_DURATION;
		return true;
	default:
		return false;
	}
}

char *option_range(const struct option_row *row)
{
	g_autofree char *low = NULL;
	g_autofree char *high = NULL;
	enum quantity_kind kind;

	if (is_quantity(row->type, &kind)) {
		low = quantity_format(kind, row->low);
		high = quantity_format(kind, row->high);
		return g_strdup_printf("%s to %s%s%s", low, high,
				       row->type == OPTION_TYPE_DURATION_OR_OFF ? ", or 0" : "",
				       kind == QUANTITY_DURATION ? ", as 15s, 500ms or 2m" : "");
	}
	if (row->type == OPTION_TYPE_CHOICE) {
		g_auto(GStrv) choices = g_strsplit(row->argument, "|", -1);

		return g_strjoinv(" or ", choices);
	}
	if (row->type == OPTION_TYPE_FLAG || row->type == OPTION_TYPE_SWITCH)
		return g_strdup("yes or no");
	return g_strdup(row->argument);
}

static bool refuse(const struct option_row *row, const char *where, const char *text,
		   const char *why, GError **error)
{
	g_autofree char *range = option_range(row);

	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s: '%s' %s; give %s", where, text, why,
		    range);
	return false;
}

static bool parse_quantity(const struct option_row *row, const char *where, const char *text,
			   guint64 *ret_number, GError **error)
{
	enum quantity_kind kind = QUANTITY_NUMBER;
	guint64 number;

	is_quantity(row->type, &kind);
	if (!quantity_parse(kind, text, &number))
		return refuse(row, where, text,
			      kind == QUANTITY_DURATION ? "is not a duration" : "is not a number",
			      error);
	if ((number < row->low || number > row->high) &&
	    !(row->type == OPTION_TYPE_DURATION_OR_OFF && number == 0))
		return refuse(row, where, text, "is out of range", error);
	*ret_number = number;
	return true;
}

static bool parse_choice(const struct option_row *row, const char *where, const char *text,
			 guint64 *ret_number, GError **error)
{
	g_auto(GStrv) choices = g_strsplit(row->argument, "|", -1);

	for (guint i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0) {
			*ret_number = i;
			return true;
		}
	}
	return refuse(row, where, text, "is not known", error);
}

static bool parse_yes_no(const struct option_row *row, const char *where, const char *text,
			 guint64 *ret_number, GError **error)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strcasecmp(words[i], text) == 0) {
			*ret_number = i % 2;
			return true;
		}
	}
	return refuse(row, where, text, "is not known", error);
}

/* What the text means, without looking at what is set already. */
static bool parse_value(const struct option_row *row, const char *where, const char *text,
			guint64 *ret_number, GError **error)
{
	switch (row->type) {
	case OPTION_TYPE_FLAG:
	case OPTION_TYPE_SWITCH:
		return parse_yes_no(row, where, text, ret_number, error);
	case OPTION_TYPE_TEXT:
	case OPTION_TYPE_LIST:
		if (*text)
			return true;
		return refuse(row, where, text, "is empty", error);
	case OPTION_TYPE_CHOICE:
		return parse_choice(row, where, text, ret_number, error);
	default:
		return parse_quantity(row, where, text, ret_number, error);
	}
}

static void append(struct option_value *value, const char *text)
{
	guint count = value->list ? g_strv_length(value->list) : 0;

	value->list = g_renew(char *, value->list, count + 2);
	value->list[count] = g_strdup(text);
	value->list[count + 1] = NULL;
}

bool options_set(struct options *options, enum option_id id, const struct option_source *source,
		 const char *text, GError **error)
{
	const struct option_row *row = &option_rows[id];
	struct option_value *value = &options->values[id];
	guint64 number = 0;

	if (!parse_value(row, source->where, text, &number, error))
		return false;
	if (source->origin < value->origin)
		return true;
	if (source->origin > value->origin)
		g_clear_pointer(&value->list, g_strfreev);
	value->origin = source->origin;
	value->line = source->line;
	value->number = number;
	if (row->type == OPTION_TYPE_LIST) {
		append(value, text);
	} else {
		g_free(value->text);
		value->text = g_strdup(text);
	}
	return true;
}

static void free_exporter(gpointer data)
{
	struct exporter *exporter = data;

	g_free(exporter->name);
	g_free(exporter->url);
	g_free(exporter);
}

void options_add_exporter(struct options *options, const char *name, const char *url, guint line)
{
	struct exporter *exporter = g_new(struct exporter, 1);

	*exporter = (struct exporter){ g_strdup(name), g_strdup(url), line };
	g_ptr_array_add(options->exporters, exporter);
}

bool options_say_where(const struct options *options)
{
	return options->values[OPTION_TO].origin != OPTION_NOT_GIVEN || options->exporters->len > 0;
}

/* Interfaces may stand in the file: what the command line names is in their place. */
static void take_interfaces(struct options *options)
{
	const struct option_value *named = &options->values[OPTION_INTERFACE];
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();

	if (!named->list || !(option_rows[OPTION_INTERFACE].commands & (1u << options->command)) ||
	    (options->arguments && named->origin == OPTION_FROM_CONFIG))
		return;
	if (options->arguments)
		g_strv_builder_addv(all, (const char **)options->arguments);
	g_strv_builder_addv(all, (const char **)named->list);
	g_strfreev(options->arguments);
	options->arguments = g_strv_builder_end(all);
}

void options_gather(struct options *options)
{
	const struct option_value *to = &options->values[OPTION_TO];
	g_autoptr(GStrvBuilder) urls = g_strv_builder_new();
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (guint i = 0; to->list && to->list[i]; i++) {
		if (to->origin == OPTION_NOT_GIVEN && options_say_where(options))
			break;
		g_strv_builder_add(urls, to->list[i]);
		g_strv_builder_add(names, "");
	}
	for (guint i = 0; i < options->exporters->len; i++) {
		const struct exporter *exporter = g_ptr_array_index(options->exporters, i);

		if (to->origin == OPTION_FROM_COMMAND_LINE)
			break;
		g_strv_builder_add(urls, exporter->url);
		g_strv_builder_add(names, exporter->name);
	}
	g_strfreev(options->to);
	g_strfreev(options->to_names);
	options->to = g_strv_builder_end(urls);
	options->to_names = g_strv_builder_end(names);
	take_interfaces(options);
}

struct options *options_new(void)
{
	struct options *options = g_new0(struct options, 1);

	options->exporters = g_ptr_array_new_with_free_func(free_exporter);
	for (guint id = 0; id < OPTIONS; id++) {
		const char *standard = option_rows[id].standard;
		const struct option_source source = { OPTION_NOT_GIVEN, option_rows[id].name, 0 };
		bool good = !standard || options_set(options, id, &source, standard, NULL);

		g_assert(good); /* a row contradicts itself */
	}
	return options;
}

struct options *options_copy(const struct options *options)
{
	struct options *copy = g_new(struct options, 1);

	*copy = *options;
	for (guint id = 0; id < OPTIONS; id++) {
		copy->values[id].text = g_strdup(options->values[id].text);
		copy->values[id].list = g_strdupv(options->values[id].list);
	}
	copy->arguments = g_strdupv(options->arguments);
	copy->exporters = g_ptr_array_new_with_free_func(free_exporter);
	for (guint i = 0; i < options->exporters->len; i++) {
		const struct exporter *one = g_ptr_array_index(options->exporters, i);

		options_add_exporter(copy, one->name, one->url, one->line);
	}
	copy->to = g_strdupv(options->to);
	copy->to_names = g_strdupv(options->to_names);
	copy->typed = g_strdupv(options->typed);
	return copy;
}

void options_free(struct options *options)
{
	if (!options)
		return;
	for (guint id = 0; id < OPTIONS; id++) {
		g_free(options->values[id].text);
		g_strfreev(options->values[id].list);
	}
	g_strfreev(options->arguments);
	g_ptr_array_unref(options->exporters);
	g_strfreev(options->to);
	g_strfreev(options->to_names);
	g_strfreev(options->typed);
	g_free(options);
}

char *option_format(const struct options *options, enum option_id id)
{
	const struct option_value *value = &options->values[id];
	enum quantity_kind kind;

	if (is_quantity(option_rows[id].type, &kind))
		return quantity_format(kind, value->number);
	if (option_rows[id].type == OPTION_TYPE_LIST)
		return value->list ? g_strjoinv(";", value->list) : g_strdup("");
	if (option_rows[id].type == OPTION_TYPE_FLAG || option_rows[id].type == OPTION_TYPE_SWITCH)
		return g_strdup(value->number ? "yes" : "no");
	return g_strdup(value->text ? value->text : "");
}

bool options_check(const struct options *options, enum option_id *ret_about, GError **error)
{
	const struct option_value *biflow = &options->values[OPTION_BIFLOW];
	const struct option_value *uniflow = &options->values[OPTION_UNIFLOW];

	if (biflow->number && uniflow->number && biflow->origin == uniflow->origin) {
		*ret_about = OPTION_BIFLOW;
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "biflow and uniflow contradict each other; give one of them");
		return false;
	}
	if (options->values[OPTION_PEN].number == FIELD_PEN_REVERSE) {
		*ret_about = OPTION_PEN;
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "pen: %u means reverse elements (RFC 5103); give your own number",
			    FIELD_PEN_REVERSE);
		return false;
	}
	return true;
}

const char *options_user(const struct options *options)
{
	const char *name = options->values[OPTION_USER].text;

	return name && strcmp(name, "none") != 0 ? name : NULL;
}

enum template_direction options_direction(const struct options *options)
{
	const struct option_value *biflow = &options->values[OPTION_BIFLOW];
	const struct option_value *uniflow = &options->values[OPTION_UNIFLOW];

	/* Both: the one of higher origin; options_check() has refused equals. */
	if (biflow->number && !(uniflow->number && uniflow->origin > biflow->origin))
		return TEMPLATE_BIFLOW;
	return uniflow->number ? TEMPLATE_UNIFLOW : TEMPLATE_AS_WRITTEN;
}
