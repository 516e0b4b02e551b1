/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file. GKeyFile decides what the file says, but forgets on which line: an index
 * of the lines is kept beside it, and where GKeyFile refuses a file, the shortest beginning it
 * refuses ends with the line at fault, which is told and taken out, so that the rest can be read.
 */
#include "setup/config.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/text_file.h"
#include "setup/config_parts.h"

/* Of a file of another kind every line may be at fault. */
#define REFUSALS_MOST 20
#define NO_TEXT_MOST  5

static guint line_at(const char *text, const char *place)
{
	guint line = 1;

	for (; text < place; text++)
		line += *text == '\n';
	return line;
}

static const char *line_end(const char *line, const char *end)
{
	const char *newline = memchr(line, '\n', (size_t)(end - line));

	return newline ? newline + 1 : end;
}

static bool accepts(const char *text, gsize length)
{
	g_autoptr(GKeyFile) keys = g_key_file_new();

	return g_key_file_load_from_data(keys, text, length, G_KEY_FILE_NONE, NULL);
}

/* The first line GKeyFile refuses: what is refused stays refused however the file goes on. */
static guint refused_line(const char *text, gsize length)
{
	g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(gsize));
	guint good = 0;
	guint bad;

	for (const char *line = text; line < text + length;) {
		gsize upto;

		line = line_end(line, text + length);
		upto = (gsize)(line - text);
		g_array_append_val(ends, upto);
	}
	bad = ends->len;
	while (good + 1 < bad) {
		guint middle = good + (bad - good) / 2;

		if (accepts(text, g_array_index(ends, gsize, middle - 1)))
			good = middle;
		else
			bad = middle;
	}
	return bad;
}

/* The line becomes a comment; where it should have begun a section, that goes with it: of what its
 * keys are cannot be said. */
static void take_out(char *text, guint line)
{
	char *at = text;
	bool section;

	for (guint i = 1; i < line; i++)
		at = strchr(at, '\n') + 1;
	section = at[strspn(at, " \t")] == '[';
	do {
		size_t length = strcspn(at, "\n");

		memset(at, '#', length);
		at += length + (at[length] != '\0');
	} while (section && *at && at[strspn(at, " \t")] != '[');
}

/* A key, and no section has begun; what was taken out is a comment. */
static bool is_homeless(const char *text, guint line)
{
	for (guint i = 1; i < line; i++) {
		if (text[strspn(text, " \t")] == '[')
			return false;
		text = strchr(text, '\n') + 1;
	}
	text += strspn(text, " \t");
	return *text != '[' && *text != '=' && text[strcspn(text, "=\n")] == '=';
}

/* Tells every line that GKeyFile refuses, and takes it out. */
static bool load(struct config *config, char *text, gsize length)
{
	for (guint i = 0; i < REFUSALS_MOST; i++) {
		guint line;

		if (g_key_file_load_from_data(config->keys, text, length,
					      G_KEY_FILE_KEEP_TRANSLATIONS, NULL))
			return true;
		line = refused_line(text, length);
		config_fault(config, line,
			     is_homeless(text, line)
				     ? "a key before any section; begin one above it, as [export]"
				     : "neither [section], key = value, nor # comment");
		take_out(text, line);
	}
	return false;
}

static void index_key(struct config *config, const char *section, const char *key, guint line)
{
	char *place = g_strdup_printf("%s\n%s", section, key);
	guint first = GPOINTER_TO_UINT(g_hash_table_lookup(config->lines, place));

	if (first) {
		config_fault(config, line,
			     "'%s' stands on line %u already; keep one (a list is written a;b)",
			     key, first);
		g_free(place);
		return;
	}
	g_hash_table_insert(config->lines, place, GUINT_TO_POINTER(line));
}

/* Of other sections there may be several pieces. */
static void index_section(struct config *config, const char *section, guint line)
{
	guint first = GPOINTER_TO_UINT(g_hash_table_lookup(config->lines, section));

	if (!first)
		g_hash_table_insert(config->lines, g_strdup(section), GUINT_TO_POINTER(line));
	else if (config_is_exporter(section))
		config_fault(config, line,
			     "[%s] stands on line %u already; give each a name of its own", section,
			     first);
}

static void index_lines(struct config *config, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *section = g_strdup("");

	for (guint i = 0; lines[i]; i++) {
		char *line = g_strstrip(lines[i]);
		char *equals = strchr(line, '=');
		char *bracket = strchr(line, ']');

		if (*line == '[' && bracket) {
			*bracket = '\0';
			g_free(section);
			section = g_strdup(line + 1);
			index_section(config, section, i + 1);
		} else if (*line != '#' && equals) {
			*equals = '\0';
			index_key(config, section, g_strchomp(line), i + 1);
		}
	}
}

static bool is_key(const struct option_row *row, const char *section, const char *key)
{
	return row->section && strcmp(row->section, section) == 0 &&
	       (!key || strcmp(row->name, key) == 0);
}

static bool section_known(const char *section)
{
	for (guint id = 0; id < OPTIONS; id++) {
		if (is_key(&option_rows[id], section, NULL))
			return true;
	}
	return false;
}

static void tell_sections(struct config *config, const char *section, guint line)
{
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint i = 0; i < option_sections_count; i++) {
		if (option_sections[i].name)
			g_string_append_printf(list, "[%s], ", option_sections[i].name);
	}
	g_string_truncate(list, list->len - 2);
	config_fault(config, line, "unknown section [%s]; there are %s and [exporter NAME]",
		     section, list->str);
}

static void unknown_section(struct config *config, const char *section)
{
	static const char *const exporter[] = { "exporter", NULL };
	g_autofree char *word = g_strndup(section, strcspn(section, " "));
	const char *names[OPTIONS + 1];
	guint line = config_line(config, section, NULL);
	const char *nearest;
	guint count = 0;

	for (guint id = 0; id < OPTIONS; id++) {
		if (option_rows[id].section)
			names[count++] = option_rows[id].section;
	}
	names[count] = NULL;
	/* Only that one has a second word. */
	nearest = nearest_name(word, strchr(section, ' ') ? exporter : names);
	if (nearest)
		config_fault(config, line, "unknown section [%s]; did you mean [%s]?", section,
			     strcmp(nearest, "exporter") == 0 ? "exporter NAME" : nearest);
	else
		tell_sections(config, section, line);
}

static void unknown_key(struct config *config, const char *section, const char *key)
{
	const char *names[OPTIONS + 1];
	guint line = config_line(config, section, key);
	const struct option_row *row = NULL;
	const char *nearest;
	guint count = 0;

	for (guint id = 0; id < OPTIONS; id++) {
		if (option_rows[id].section)
			names[count++] = option_rows[id].name;
	}
	names[count] = NULL;
	nearest = nearest_name(key, names);
	for (guint id = 0; id < OPTIONS && nearest; id++) {
		/* Commands may share a name; the file knows the one with a section. */
		if (option_rows[id].section && strcmp(option_rows[id].name, nearest) == 0)
			row = &option_rows[id];
	}
	if (!row)
		config_fault(config, line,
			     "unknown key '%s'; 'weir run --help' lists what there is", key);
	else if (strcmp(row->section, section) == 0)
		config_fault(config, line, "unknown key '%s'; did you mean '%s'?", key, row->name);
	else
		config_fault(config, line, "unknown key '%s' in [%s]; did you mean '%s' in [%s]?",
			     key, section, row->name, row->section);
}

static void take(struct config *config, enum option_id id, const char *text)
{
	const struct option_row *row = &option_rows[id];
	guint line = config_line(config, row->section, row->name);
	g_autofree char *where = g_strdup_printf("%s:%u: %s", config->name, line, row->name);
	const struct option_source source = { OPTION_FROM_CONFIG, where, line };
	g_autoptr(GError) error = NULL;

	if (!options_set(config->options, id, &source, text, &error))
		g_ptr_array_add(config->faults, g_strdup(error->message));
}

static void read_list(struct config *config, enum option_id id)
{
	const struct option_row *row = &option_rows[id];
	g_auto(GStrv) list = NULL;

	if (!config_escapes_good(config, row->section, row->name, true))
		return;
	list = g_key_file_get_string_list(config->keys, row->section, row->name, NULL, NULL);
	if (!list || !*list)
		take(config, id, "");
	for (guint i = 0; list && list[i]; i++)
		take(config, id, g_strstrip(list[i]));
}

static void read_value(struct config *config, enum option_id id)
{
	const struct option_row *row = &option_rows[id];
	g_autofree char *text = NULL;

	if (row->type == OPTION_TYPE_LIST) {
		read_list(config, id);
		return;
	}
	text = config_text(config, row->section, row->name);
	if (text)
		take(config, id, text);
}

static void read_key(struct config *config, const char *section, const char *key)
{
	for (guint id = 0; id < OPTIONS; id++) {
		if (is_key(&option_rows[id], section, key)) {
			read_value(config, id);
			return;
		}
	}
	unknown_key(config, section, key);
}

static void read_section(struct config *config, const char *section)
{
	g_auto(GStrv) keys = NULL;

	if (config_is_exporter(section)) {
		config_read_exporter(config, section);
		return;
	}
	if (!section_known(section)) {
		unknown_section(config, section);
		return;
	}
	keys = g_key_file_get_keys(config->keys, section, NULL, NULL);
	for (guint i = 0; keys && keys[i]; i++)
		read_key(config, section, keys[i]);
}

static bool is_utf16(const char *text, gsize length)
{
	return length >= 2 &&
	       (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

/* From the octet at fault to the end of its line; what is no text there must not be read. */
static void blank_out(char *from, const char *end)
{
	for (char *c = from; c < end && *c != '\n'; c++)
		*c = '#';
}

/* GKeyFile takes octets that its getters then refuse; better to say where they are. The lines that
 * have some are taken out. False: there is nothing left to read. */
static bool take_out_no_text(struct config *config, char *text, gsize length)
{
	const char *bad;

	if (is_utf16(text, length)) {
		config_fault(config, 1, "UTF-16 text; save the file as UTF-8");
		return false;
	}
	for (guint i = 0; i < NO_TEXT_MOST; i++) {
		guint line;

		if (g_utf8_validate_len(text, length, &bad))
			return true;
		line = line_at(text, bad);
		config_fault(config, line,
			     *bad ? "not UTF-8 text; is this a configuration file?"
				  : "a NUL octet; is this a configuration file?");
		blank_out(text + (bad - text), text + length);
		take_out(text, line);
	}
	return false;
}

void config_parse(struct options *options, const char *name, const char *text, gsize length,
		  GPtrArray *faults)
{
	g_autoptr(GKeyFile) keys = g_key_file_new();
	g_autoptr(GHashTable) lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct config config = {
		.options = options, .name = name, .keys = keys, .lines = lines, .faults = faults
	};
	g_auto(GStrv) sections = NULL;
	g_autofree char *copy = NULL;

	if (length == 0)
		return;
	/* Not strndup, which fills up with NUL what follows one. */
	copy = g_malloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (!take_out_no_text(&config, copy, length) || !load(&config, copy, length))
		return;
	index_lines(&config, copy);
	sections = g_key_file_get_groups(keys, NULL);
	for (guint i = 0; sections[i]; i++)
		read_section(&config, sections[i]);
}

bool config_read(struct options *options, const char *path, GPtrArray *faults, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) cause = NULL;
	gsize length;

	text = text_file_read(path, &length, &cause);
	if (!text) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; name a configuration file that can be read", path,
			    cause->message);
		return false;
	}
	config_parse(options, path, text, length, faults);
	return true;
}

bool config_load(struct options *options, const char *path, GError **error)
{
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);

	if (!config_read(options, path, faults, error))
		return false;
	if (faults->len == 0)
		return true;
	if (faults->len == 1)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s",
			    (const char *)g_ptr_array_index(faults, 0));
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%s (and %u more; 'weir check' tells them)",
			    (const char *)g_ptr_array_index(faults, 0), faults->len - 1);
	return false;
}
