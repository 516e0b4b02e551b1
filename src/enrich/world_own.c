/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's own ranges: comma-separated values (RFC 4180), or semicolons or tabs where the first
 * line has these; columns by name, in any order. Later lines have the last word. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "enrich/world_lines.h"
#include "enrich/world_read.h"

#define COLUMNS_MAX 32
#define TEXT_MAX    255

/* Columns that say which network. */
enum {
	COLUMN_NETWORK = WORLD_OWN,
	COLUMN_FIRST,
	COLUMN_LAST,
	COLUMN_KINDS,
};

/* Checks take out what is not written (the AS of AS64500, small letters). */
static bool check_text(char *text)
{
	if (strlen(text) > TEXT_MAX)
		return false;
	for (; *text; text++) {
		if (g_ascii_iscntrl(*text))
			return false;
	}
	return true;
}

static bool check_as(char *text)
{
	guint64 number;

	if (g_ascii_strncasecmp(text, "AS", 2) == 0)
		memmove(text, text + 2, strlen(text + 2) + 1);
	return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL);
}

static bool check_country(char *text)
{
	if (strlen(text) != 2 || !g_ascii_isalpha(text[0]) || !g_ascii_isalpha(text[1]))
		return false;
	text[0] = g_ascii_toupper(text[0]);
	text[1] = g_ascii_toupper(text[1]);
	return true;
}

static bool is_within(const char *text, double most)
{
	char *end;
	double number = g_ascii_strtod(text, &end);

	return end != text && !*end && isfinite(number) && fabs(number) <= most;
}

static bool check_latitude(char *text)
{
	return is_within(text, 90);
}

static bool check_longitude(char *text)
{
	return is_within(text, 180);
}

/* Whether it is an address or a network is seen when the others of the line are known. */
static bool check_nothing(G_GNUC_UNUSED char *text)
{
	return true;
}

static const struct {
	const char *name;
	const char *other_name;
	bool (*check)(char *text);
	const char *wanted;
} columns[COLUMN_KINDS] = {
#define OWN(id, name, other_name, check, wanted) \
	[WORLD_OWN_##id] = { name, other_name, check, wanted },
#include "enrich/world_own.def"
#undef OWN
	[COLUMN_NETWORK] = { "network", "cidr", check_nothing, "" },
	[COLUMN_FIRST] = { "first", "start", check_nothing, "" },
	[COLUMN_LAST] = { "last", "end", check_nothing, "" },
};

struct cell {
	char *text;   /* NULL: none */
	guint column; /* where it begins, counted in characters from 1 on */
};

struct table {
	struct world *world;
	struct world_lines lines;
	char separator;
	guint count; /* of columns */
	guint kinds[COLUMNS_MAX];
	struct cell cells[COLUMNS_MAX]; /* of this line, in its order */
	struct cell by_kind[COLUMN_KINDS];
};

static bool refuse_at(struct table *table, guint column, GError **error, const char *what)
{
	table->lines.column = column;
	return world_lines_refuse(&table->lines, error, "%s", what);
}

static bool refuse_cell(struct table *table, const struct cell *cell, GError **error,
			const char *what)
{
	g_autofree char *all = g_strdup_printf("'%s' %s", cell->text ? cell->text : "", what);

	return refuse_at(table, cell->column, error, all);
}

/* The end of a cell that begins here: the separator, or the end of the line. NULL: its quotes do
 * not end, or something follows them. */
static char *cell_end(char *begin, char separator)
{
	char *at = begin;

	if (*at != '"')
		return at + strcspn(at, (char[]){ separator, '\0' });
	for (at++; *at; at++) {
		if (*at == '"' && at[1] == '"')
			at++;
		else if (*at == '"')
			return !at[1] || at[1] == separator ? at + 1 : NULL;
	}
	return NULL;
}

/* Without quotes around it, doubled ones single. */
static void unquote(char *text)
{
	char *to = text;
	size_t length = strlen(text);

	if (*text != '"')
		return;
	for (const char *from = text + 1; from < text + length - 1; from++) {
		if (*from == '"')
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

/* Cuts the line into its cells. */
static bool split(struct table *table, guint *ret_count, GError **error)
{
	char *at = table->lines.line;
	guint column = 1;
	guint count = 0;
	bool more = true;

	while (more) {
		char *end = cell_end(at, table->separator);

		if (!end)
			return refuse_at(table, column, error,
					 "a quote is not closed before the next separator; double "
					 "quotes within a quoted text");
		if (count == COLUMNS_MAX)
			return refuse_at(table, column, error,
					 "one column too many; leave out what is not needed");
		table->cells[count].column = column;
		column += (guint)g_utf8_strlen(at, end - at) + 1;
		more = *end != '\0';
		*end = '\0';
		unquote(at);
		table->cells[count++].text = g_strstrip(at);
		at = end + 1;
	}
	*ret_count = count;
	return true;
}

static bool next_line(struct table *table, GError **error)
{
	const char *bad;

	table->lines.column = 0;
	while (world_lines_next(&table->lines, error)) {
		const char *line = table->lines.line;

		if (line[strspn(line, " \t")] == '\0' || *line == '#')
			continue;
		if (g_utf8_validate(line, -1, &bad))
			return true;
		refuse_at(table, (guint)g_utf8_strlen(line, bad - line) + 1, error,
			  "is not UTF-8 here; save the file as UTF-8");
		table->lines.failed = true;
		return false;
	}
	return false;
}

static bool name_is(const char *name, const char *text)
{
	g_autofree char *plain = g_ascii_strdown(text, -1);

	return name && strcmp(name, g_strdelimit(plain, " -", '_')) == 0;
}

static bool refuse_name(struct table *table, const struct cell *cell, GError **error)
{
	const char *names[COLUMN_KINDS + 1] = { NULL };
	g_autofree char *all = NULL;
	g_autofree char *what = NULL;
	const char *nearest;

	for (guint i = 0; i < COLUMN_KINDS; i++)
		names[i] = columns[i].name;
	all = g_strjoinv(" ", (char **)names);
	nearest = nearest_name(cell->text, names);
	what = g_strdup_printf("there is no column '%s'; %s%s%s%s", cell->text,
			       nearest ? "did you mean '" : "there are: ", nearest ? nearest : all,
			       nearest ? "'" : "", nearest ? "?" : "");
	return refuse_at(table, cell->column, error, what);
}

static bool take_name(struct table *table, guint index, GError **error)
{
	const struct cell *cell = &table->cells[index];
	guint kind = 0;

	while (kind < COLUMN_KINDS && !name_is(columns[kind].name, cell->text) &&
	       !name_is(columns[kind].other_name, cell->text))
		kind++;
	if (kind == COLUMN_KINDS)
		return refuse_name(table, cell, error);
	for (guint i = 0; i < index; i++) {
		if (table->kinds[i] == kind)
			return refuse_at(table, cell->column, error,
					 "this column is there already; leave out one of them");
	}
	table->kinds[index] = kind;
	return true;
}

static bool has_kind(const struct table *table, guint kind)
{
	for (guint i = 0; i < table->count; i++) {
		if (table->kinds[i] == kind)
			return true;
	}
	return false;
}

/* The first of the separators that the line has. */
static char separator_of(const char *line)
{
	char found = line[strcspn(line, ",;\t")];

	if (!found)
		return ',';
	return found;
}

static void skip_byte_order_mark(char *line)
{
	if (g_str_has_prefix(line, "\xef\xbb\xbf"))
		memmove(line, line + 3, strlen(line + 3) + 1);
}

static bool take_header(struct table *table, GError **error)
{
	bool network;
	bool ends;

	if (!next_line(table, error))
		return !table->lines.failed &&
		       world_lines_refuse(&table->lines, error,
					  "has no first line that names the columns; begin with "
					  "one, as network,label,site");
	skip_byte_order_mark(table->lines.line);
	table->separator = separator_of(table->lines.line);
	if (!split(table, &table->count, error))
		return false;
	for (guint i = 0; i < table->count; i++) {
		if (!take_name(table, i, error))
			return false;
	}
	network = has_kind(table, COLUMN_NETWORK);
	ends = has_kind(table, COLUMN_FIRST) && has_kind(table, COLUMN_LAST);
	if (network == ends || table->count == (network ? 1 : 2))
		return refuse_at(table, 1, error,
				 "name the columns of a network, as network,label or "
				 "first,last,label");
	return true;
}

static bool find_range(struct table *table, struct mmdb_range *ret_range, GError **error)
{
	const struct cell *network = &table->by_kind[COLUMN_NETWORK];
	const struct cell *first = &table->by_kind[COLUMN_FIRST];
	const struct cell *last = &table->by_kind[COLUMN_LAST];
	const struct cell *given = network->column ? network : first;

	if (given == network && !(network->text && mmdb_range_parse(network->text, ret_range)))
		return refuse_cell(table, given, error,
				   "is not a network; give one as 192.0.2.0/24 or 2001:db8::/32, "
				   "with no bits set beyond its length");
	if (given == first &&
	    !(first->text && last->text && mmdb_range_between(first->text, last->text, ret_range)))
		return refuse_cell(table, given, error,
				   "is no range; give two addresses of one family, the lower one "
				   "first");
	if (mmdb_range_is_shadowed(ret_range))
		return refuse_cell(table, given, error,
				   "holds addresses of IPv4 in IPv6; give the network of IPv4");
	return true;
}

static bool take_cells(struct table *table, guint count, GError **error)
{
	memset(table->by_kind, 0, sizeof(table->by_kind));
	for (guint i = 0; i < count; i++) {
		const struct cell *cell = &table->cells[i];
		guint kind = table->kinds[i];
		g_autofree char *what = NULL;

		table->by_kind[kind].column = cell->column;
		if (!*cell->text)
			continue;
		table->by_kind[kind].text = cell->text;
		what = g_strdup_printf("'%s' is not right as %s; give %s", cell->text,
				       columns[kind].name, columns[kind].wanted);
		if (!columns[kind].check(cell->text))
			return refuse_at(table, cell->column, error, what);
	}
	return true;
}

static bool take_line(struct table *table, GError **error)
{
	const char *texts[WORLD_OWN];
	struct mmdb_range range = { 0 };
	guint count = 0;

	if (!split(table, &count, error))
		return false;
	if (count != table->count)
		return refuse_at(table, table->cells[count - 1].column, error,
				 count > table->count
					 ? "one cell more than the first line has columns; put "
					   "texts that have the separator in them in quotes"
					 : "the last cell, though the first line has more columns; "
					   "leave cells empty, but do not leave them out");
	if (!take_cells(table, count, error) || !find_range(table, &range, error))
		return false;
	for (guint i = 0; i < WORLD_OWN; i++)
		texts[i] = table->by_kind[i].text;
	if (!texts[WORLD_OWN_LATITUDE] != !texts[WORLD_OWN_LONGITUDE])
		return refuse_at(table, table->by_kind[WORLD_OWN_LATITUDE].column, error,
				 "latitude and longitude go together; give both or none");
	world_set_own(table->world, &range, texts);
	return true;
}

static bool take_table(struct table *table, GError **error)
{
	if (!take_header(table, error))
		return false;
	while (next_line(table, error)) {
		if (!take_line(table, error))
			return false;
	}
	return !table->lines.failed;
}

bool world_read_own(struct world *world, const char *path, GError **error)
{
	g_autofree struct table *table = g_new0(struct table, 1);
	bool good;

	table->world = world;
	table->lines.name = path;
	table->lines.stream = fopen(path, "re");
	if (!table->lines.stream) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; give a file of your own ranges", path, g_strerror(errno));
		return false;
	}
	good = take_table(table, error);
	fclose(table->lines.stream);
	return good;
}
