/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of record layouts. A line is empty, a directive or the name of a column; directives
 * come first. The text may be anything at all: every way in is bounded, every refusal says where.
 */
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/text_file.h"
#include "export/netflow9_numbers.h"
#include "export/template.h"

#define LINE_LENGTH_MAX 1024
#define WORD_MAX	64
#define WORDS_MAX	2
#define REVERSE		"reverse"
#define REVERSE_LEN	(sizeof(REVERSE) - 1)

enum directive {
	DIRECTIVE_FLOW,
	DIRECTIVE_IP,
	DIRECTIVE_ENTERPRISE,
	DIRECTIVES,
};

struct word {
	char text[WORD_MAX + 1];
	gsize column; /* where it stands in its line, from 1 */
};

struct parser {
	struct record_template *record_template;
	GArray *columns; /* of both IP versions, in the order of the file */
	const char *name;
	gsize line;	  /* from 1 */
	const char *text; /* of the line, without its end */
	gsize length;
	gsize at;
	bool said[DIRECTIVES];
};

static void column_clear(void *data)
{
	struct template_column *column = data;

	g_free(column->name);
}

static GArray *columns_new(void)
{
	GArray *columns = g_array_new(FALSE, FALSE, sizeof(struct template_column));

	g_array_set_clear_func(columns, column_clear);
	return columns;
}

static void columns_insert(GArray *columns, guint at, const struct field *field, bool reverse)
{
	struct template_column column = {
		.field = field,
		.reverse = reverse,
		.name = reverse ? field_reverse_name(field) : g_strdup(field->name),
	};

	g_array_insert_val(columns, at, column);
}

static bool columns_have(const GArray *columns, const struct field *field, bool reverse)
{
	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		if (column->field == field && column->reverse == reverse)
			return true;
	}
	return false;
}

G_GNUC_PRINTF(4, 5)
static bool refuse(const struct parser *parser, gsize column, GError **error, const char *format,
		   ...)
{
	va_list args;
	g_autofree char *what = NULL;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s:%zu:%zu: %s", parser->name,
		    MAX(parser->line, 1), column, what);
	return false;
}

/* Every name a column can have; ends with NULL. */
static GPtrArray *column_names(void)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; i < fields_count; i++) {
		g_ptr_array_add(names, g_strdup(fields[i].name));
		if (fields[i].direction != FIELD_OF_FLOW)
			g_ptr_array_add(names, field_reverse_name(&fields[i]));
	}
	g_ptr_array_add(names, NULL);
	return names;
}

static const struct field *find(const char *name, bool *ret_reverse)
{
	const struct field *field = field_by_name(name);
	char forward[WORD_MAX + 1];

	*ret_reverse = false;
	if (field || !g_str_has_prefix(name, REVERSE) || !g_ascii_isupper(name[REVERSE_LEN]))
		return field;
	*ret_reverse = true;
	g_strlcpy(forward, name + REVERSE_LEN, sizeof(forward));
	forward[0] = g_ascii_tolower(forward[0]);
	return field_by_name(forward);
}

static bool refuse_unknown(const struct parser *parser, const struct word *word, GError **error)
{
	g_autoptr(GPtrArray) names = column_names();
	const char *like = nearest_name(word->text, (const char *const *)names->pdata);

	if (like)
		return refuse(parser, word->column, error,
			      "no element is called \"%s\"; did you mean \"%s\"?", word->text,
			      like);
	return refuse(parser, word->column, error,
		      "no element is called \"%s\"; `weir elements` lists them", word->text);
}

static bool take_column(struct parser *parser, const struct word *word, GError **error)
{
	const struct record_template *form = parser->record_template;
	bool reverse;
	const struct field *field = find(word->text, &reverse);

	if (!field)
		return refuse_unknown(parser, word, error);
	if (reverse && field->direction == FIELD_OF_FLOW)
		return refuse(parser, word->column, error,
			      "%s is the same in both directions and has no reverse; leave it out",
			      field->name);
	if (reverse && !form->biflow)
		return refuse(parser, word->column, error,
			      "a reverse column needs the directive \"flow biflow\" above");
	if ((field->version == 4 && !form->ipv4) || (field->version == 6 && !form->ipv6))
		return refuse(parser, word->column, error,
			      "%s is of IPv%u, which the directive \"ip\" leaves out", word->text,
			      field->version);
	if (columns_have(parser->columns, field, reverse))
		return refuse(parser, word->column, error,
			      "%s is here already; take one of them out", word->text);
	columns_insert(parser->columns, parser->columns->len, field, reverse);
	return true;
}

static bool take_flow(struct parser *parser, const struct word *value, GError **error)
{
	parser->record_template->biflow = strcmp(value->text, "biflow") == 0;
	if (!parser->record_template->biflow && strcmp(value->text, "uniflow") != 0)
		return refuse(parser, value->column, error,
			      "\"flow\" is \"uniflow\" or \"biflow\", not \"%s\"", value->text);
	return true;
}

static bool take_ip(struct parser *parser, const struct word *value, GError **error)
{
	bool both = strcmp(value->text, "both") == 0;

	parser->record_template->ipv4 = both || strcmp(value->text, "4") == 0;
	parser->record_template->ipv6 = both || strcmp(value->text, "6") == 0;
	if (!parser->record_template->ipv4 && !parser->record_template->ipv6)
		return refuse(parser, value->column, error,
			      "\"ip\" is \"4\", \"6\" or \"both\", not \"%s\"", value->text);
	return true;
}

static bool take_enterprise(struct parser *parser, const struct word *value, GError **error)
{
	parser->record_template->ntop = strcmp(value->text, "ntop") == 0;
	if (!parser->record_template->ntop && strcmp(value->text, "own") != 0)
		return refuse(parser, value->column, error,
			      "\"enterprise\" is \"own\" or \"ntop\", not \"%s\"", value->text);
	return true;
}

static const struct {
	const char *name;
	const char *values;
	bool (*take)(struct parser *parser, const struct word *value, GError **error);
} directives[DIRECTIVES] = {
	[DIRECTIVE_FLOW] = { "flow", "uniflow or biflow", take_flow },
	[DIRECTIVE_IP] = { "ip", "4, 6 or both", take_ip },
	[DIRECTIVE_ENTERPRISE] = { "enterprise", "own or ntop", take_enterprise },
};

static bool take_directive(struct parser *parser, enum directive directive,
			   const struct word *words, size_t count, GError **error)
{
	if (parser->columns->len > 0)
		return refuse(parser, words[0].column, error,
			      "directives stand above the first column; move it up");
	if (parser->said[directive])
		return refuse(parser, words[0].column, error, "\"%s\" was said already",
			      words[0].text);
	if (count < 2)
		return refuse(parser, words[0].column, error, "\"%s\" needs a value: %s",
			      words[0].text, directives[directive].values);
	parser->said[directive] = true;
	return directives[directive].take(parser, &words[1], error);
}

static bool take_words(struct parser *parser, const struct word *words, size_t count,
		       GError **error)
{
	for (int i = 0; i < DIRECTIVES; i++) {
		if (strcmp(words[0].text, directives[i].name) == 0)
			return take_directive(parser, (enum directive)i, words, count, error);
	}
	if (count > 1)
		return refuse(parser, words[1].column, error,
			      "one name a line; put \"%s\" on its own", words[1].text);
	return take_column(parser, &words[0], error);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the word at parser->at, which is behind it then. */
static bool read_word(struct parser *parser, struct word *ret_word, GError **error)
{
	const char *text = parser->text;
	gsize start = parser->at;
	gsize end = start;

	for (; end < parser->length && !is_blank(text[end]) && text[end] != '#'; end++)
		if (!g_ascii_isalnum(text[end]))
			return refuse(parser, end + 1, error,
				      "names are letters and digits, not octet 0x%02x",
				      (guint8)text[end]);
	if (end - start > WORD_MAX)
		return refuse(parser, start + 1, error, "no name is longer than %d letters",
			      WORD_MAX);
	memcpy(ret_word->text, text + start, end - start);
	ret_word->text[end - start] = '\0';
	ret_word->column = start + 1;
	parser->at = end;
	return true;
}

static bool take_line(struct parser *parser, GError **error)
{
	struct word words[WORDS_MAX];
	size_t count = 0;

	if (parser->length > LINE_LENGTH_MAX)
		return refuse(parser, LINE_LENGTH_MAX + 1, error,
			      "the line is longer than %d octets", LINE_LENGTH_MAX);
	for (;;) {
		while (parser->at < parser->length && is_blank(parser->text[parser->at]))
			parser->at++;
		if (parser->at == parser->length || parser->text[parser->at] == '#')
			break;
		if (count == WORDS_MAX)
			return refuse(parser, parser->at + 1, error,
				      "nothing more belongs on this line");
		if (!read_word(parser, &words[count], error))
			return false;
		count++;
	}
	return count == 0 || take_words(parser, words, count, error);
}

static bool take_text(struct parser *parser, const char *text, gsize length, GError **error)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		gsize line = end ? (gsize)(end - text) : length;

		parser->line++;
		parser->text = text;
		parser->length = line;
		parser->at = 0;
		if (!take_line(parser, error))
			return false;
		line += end != NULL;
		text += line;
		length -= line;
	}
	return true;
}

/* The user's choice of direction goes over the file's. */
static void turn(struct parser *parser, enum template_direction direction)
{
	GArray *columns = parser->columns;

	if (direction == TEMPLATE_AS_WRITTEN)
		return;
	parser->record_template->biflow = direction == TEMPLATE_BIFLOW;
	for (guint i = columns->len; i-- > 0;) {
		struct template_column column = g_array_index(columns, struct template_column, i);

		if (direction == TEMPLATE_UNIFLOW && column.reverse)
			g_array_remove_index(columns, i);
		else if (direction == TEMPLATE_BIFLOW && !column.reverse &&
			 column.field->direction == FIELD_OF_SIDE &&
			 !columns_have(columns, column.field, true))
			columns_insert(columns, i + 1, column.field, true);
	}
}

/* Under the final direction: what ntop calls a column may depend on it. */
static void name_ntop(const struct record_template *form)
{
	for (size_t i = 0; form->ntop && i < G_N_ELEMENTS(form->columns); i++) {
		for (guint j = 0; j < form->columns[i]->len; j++) {
			struct template_column *column =
				&g_array_index(form->columns[i], struct template_column, j);

			column->ntop = ntop_number_of(column->field, column->reverse, form->biflow);
		}
	}
}

/* Each IP version gets the columns that its flows have. */
static bool share_out(struct parser *parser, GError **error)
{
	struct record_template *form = parser->record_template;

	for (guint i = 0; i < parser->columns->len; i++) {
		const struct template_column *column =
			&g_array_index(parser->columns, struct template_column, i);
		const struct field *field = column->field;

		form->detail = MAX(form->detail, field->detail);
		form->places |= field->of_place;
		if (form->ipv4 && field->version != 6)
			columns_insert(form->columns[0], form->columns[0]->len, field,
				       column->reverse);
		if (form->ipv6 && field->version != 4)
			columns_insert(form->columns[1], form->columns[1]->len, field,
				       column->reverse);
	}
	if (form->ipv4 && form->columns[0]->len == 0)
		return refuse(parser, 1, error, "no column for IPv4 flows; name an element");
	if (form->ipv6 && form->columns[1]->len == 0)
		return refuse(parser, 1, error, "no column for IPv6 flows; name an element");
	return true;
}

struct record_template *record_template_parse(const char *name, const char *text, gsize length,
					      enum template_direction direction, GError **error)
{
	g_autoptr(GArray) columns = columns_new();
	struct parser parser = { .columns = columns, .name = name };
	struct record_template *form = g_new0(struct record_template, 1);

	parser.record_template = form;
	form->name = g_strdup(name);
	form->ipv4 = true;
	form->ipv6 = true;
	for (size_t i = 0; i < G_N_ELEMENTS(form->columns); i++)
		form->columns[i] = columns_new();
	if (take_text(&parser, text, length, error)) {
		turn(&parser, direction);
		if (share_out(&parser, error)) {
			name_ntop(form);
			return form;
		}
	}
	record_template_free(form);
	return NULL;
}

struct record_template *record_template_load(const char *name_or_path,
					     enum template_direction direction, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree char *text = NULL;
	gsize length;

	for (const struct template_builtin *builtin = template_builtins; builtin->name; builtin++)
		if (strcmp(builtin->name, name_or_path) == 0)
			return record_template_parse(builtin->name, builtin->text,
						     strlen(builtin->text), direction, error);
	text = text_file_read(name_or_path, &length, &cause);
	if (!text) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "template \"%s\": %s; name a file or one that `weir templates` lists",
			    name_or_path, cause->message);
		return NULL;
	}
	return record_template_parse(name_or_path, text, length, direction, error);
}
