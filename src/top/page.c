/* SPDX-License-Identifier: BSD-2-Clause */
/* From the top: title, account, graphs, what is shown, the table, its sum, the keys. What a small
 * window has no room for is left out, the table last. */
#include "top/page.h"

#include <string.h>

#include "base/quantity.h"
#include "top/amount.h"
#include "top/columns.h"

/* What pages of at least so many rows have, the highest first. */
static const struct layout {
	guint rows;
	guint title;
	guint account;
	guint graphs;
	guint graph_rows; /* of each */
	guint shown;
	guint heading;
	guint sum;
	guint keys;
} layouts[] = {
	{ 40, 1, 1, 3, 3, 1, 1, 1, 1 }, { 16, 1, 1, 3, 1, 1, 1, 1, 1 },
	{ 10, 1, 1, 1, 1, 1, 1, 0, 1 }, { 6, 1, 0, 0, 0, 1, 1, 0, 1 },
	{ 3, 1, 0, 0, 0, 0, 1, 0, 0 },	{ 0, 0, 0, 0, 0, 0, 0, 0, 0 },
};

#define GRAPH_LABEL 17 /* "packets/s  999.9k" */
#define GRAPH_MOST  10 /* " max 12.3M" */

static const struct layout *layout_of(guint rows)
{
	const struct layout *layout = layouts;

	while (rows < layout->rows)
		layout++;
	return layout;
}

guint top_page_rows(guint rows)
{
	const struct layout *layout = layout_of(rows);

	return rows - layout->title - layout->account - layout->graphs * layout->graph_rows -
	       layout->shown - layout->heading - layout->sum - layout->keys;
}

struct drawing {
	const struct top_page *page;
	const struct layout *layout;
	struct top_grid *grid;
	guint row; /* the next to fill */
};

/* --- the head --- */

static void draw_title(struct drawing *drawing)
{
	const struct top_page *page = drawing->page;
	guint columns = drawing->grid->columns;
	g_autofree char *state = g_strdup_printf(" %s ", page->state);
	guint room = columns > top_grid_width(state) ? columns - top_grid_width(state) : 0;
	g_autofree char *title = g_strdup_printf(" weir top  %s", page->source);

	top_grid_put(drawing->grid, drawing->row, 0, room, title);
	top_grid_put_right(drawing->grid, drawing->row, columns, columns, state);
	top_grid_look(drawing->grid, drawing->row++, page->trouble ? TOP_BAD : TOP_BAR);
}

static void draw_account(struct drawing *drawing)
{
	const struct top_account *account = &drawing->page->account;
	const char *verdict = !account->settled	  ? "so far"
			      : account->balanced ? "balanced"
						  : "NOT BALANCED";
	g_autofree char *seen = quantity_short((double)account->seen);
	g_autofree char *metered = quantity_short((double)account->metered);
	g_autofree char *aside = quantity_short((double)account->set_aside);
	g_autofree char *dropped = quantity_short((double)account->dropped);
	g_autofree char *cache = quantity_short((double)account->in_cache_flows);
	g_autofree char *text = g_strdup_printf(
		" %s  seen %s  metered %s  set aside %s  dropped %s packets  cache %s flows",
		verdict, seen, metered, aside, dropped, cache);
	guint columns = drawing->grid->columns;

	if (!account->known)
		top_grid_put(drawing->grid, drawing->row, 0, columns, " no account yet");
	else
		top_grid_put(drawing->grid, drawing->row, 0, columns, text);
	if (account->settled && !account->balanced)
		top_grid_look(drawing->grid, drawing->row, TOP_BAD);
	drawing->row++;
}

/* --- graphs --- */

/* In a column of so many rows, drawn from eighths upwards. */
static void draw_bar(struct drawing *drawing, guint column, guint rows, double part)
{
	static const char ascii[] = " .:-=+*#%";
	guint eighths = (guint)(part * 8 * rows + 0.5);

	if (part > 0)
		eighths = MAX(eighths, 1);
	for (guint i = 0; i < rows; i++) {
		guint here = MIN(eighths, 8);

		eighths -= here;
		if (here > 0)
			top_grid_set(drawing->grid, drawing->row + rows - 1 - i, column,
				     drawing->page->utf8 ? 0x2580 + here
							 : (gunichar)(guchar)ascii[here],
				     TOP_GRAPH);
	}
}

static double most_of(const double *rates, guint count)
{
	double most = 0;

	for (guint i = 0; i < count; i++)
		most = MAX(most, rates[i]);
	return most;
}

/* What comes now; of a capture, which has no now, the mean. */
static double rate_to_tell(const struct top_page *page, const double *rates, guint count)
{
	double sum = 0;

	if (count == 0)
		return 0;
	if (page->rates)
		return MAX(rates[count - 1], 0);
	for (guint i = 0; i < count; i++)
		sum += MAX(rates[i], 0);
	return sum / count;
}

static void draw_graph(struct drawing *drawing, enum top_kind kind)
{
	static const char *const names[TOP_KINDS] = { "octets/s", "packets/s", "flows/s" };
	const struct top_page *page = drawing->page;
	guint rows = drawing->layout->graph_rows;
	guint columns = drawing->grid->columns;
	guint edge = GRAPH_LABEL + 1;
	guint width = columns > edge + GRAPH_MOST + 8 ? columns - edge - GRAPH_MOST : 0;
	double *rates = g_new0(double, MAX(width, 1));
	double most;
	g_autofree char *now = NULL;
	g_autofree char *label = NULL;

	top_history_rates(page->history, kind, MAX(width, 1), rates);
	most = most_of(rates, width);
	now = top_rate_text(rate_to_tell(page, rates, MAX(width, 1)));
	label = g_strdup_printf(" %-9s %6s", names[kind], now);
	top_grid_put(drawing->grid, drawing->row, 0, columns, label);
	for (guint i = 0; i < width; i++) {
		if (most > 0 && rates[i] > 0)
			draw_bar(drawing, edge + i, rows, rates[i] / most);
	}
	if (width > 0) {
		g_autofree char *amount = top_rate_text(most);
		g_autofree char *text = g_strdup_printf(" max %s", amount);

		top_grid_put(drawing->grid, drawing->row, edge + width, GRAPH_MOST, text);
	}
	g_free(rates);
	drawing->row += rows;
}

/* --- what is shown --- */

static void append_conditions(GString *text, const struct top_query *query)
{
	for (guint i = 0; i < query->conditions_count; i++) {
		const struct top_group_row *group = &top_groups[query->conditions[i].group];
		g_autofree char *label = group->label(&query->conditions[i].key, NULL);

		g_string_append_printf(text, "%s%s %s", i == 0 ? " of " : ", ", group->one, label);
	}
}

/* Whose others are not alone what was too short to be seen. */
static void append_cut(GString *text, const struct top_account *account)
{
	g_autofree char *some = quantity_short((double)account->looked_at);
	g_autofree char *all = quantity_short((double)account->of_flows);

	if (account->looked_at < account->of_flows)
		g_string_append_printf(text, "  ONLY %s OF %s FLOWS", some, all);
}

static void draw_shown(struct drawing *drawing)
{
	const struct top_page *page = drawing->page;
	const struct top_query *query = &page->ui->query;
	guint columns = drawing->grid->columns;
	g_autofree char *place = g_strdup_printf(
		" %u of %u ", page->table->count ? page->ui->at + 1 : 0, page->table->count);
	guint room = columns > top_grid_width(place) ? columns - top_grid_width(place) : 0;
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, " %s by %s%s", top_groups[query->group].many,
			       top_sorts[query->sort].what,
			       query->ascending ? ", least first" : "");
	append_conditions(text, query);
	append_cut(text, &page->account);
	if (page->ui->filter->len > 0)
		g_string_append_printf(text, "  filter: %s", page->ui->filter->str);
	if (page->ui->paused)
		g_string_append(text, "  PAUSED");
	top_grid_look(drawing->grid, drawing->row, TOP_STRONG);
	top_grid_put(drawing->grid, drawing->row, 0, room, text->str);
	top_grid_put_right(drawing->grid, drawing->row++, columns, columns, place);
}

/* --- the table --- */

static void draw_sums(struct drawing *drawing, const struct top_columns *columns,
		      const struct top_sums *sums)
{
	for (guint i = 0; i < columns->count; i++) {
		const struct top_column_place *place = &columns->places[i];
		const struct top_column_facts facts = {
			.total = &drawing->page->table->total,
			.turn_ns = drawing->page->turn_ns,
		};
		g_autofree char *text = place->column->text(sums, &facts);

		top_grid_put_right(drawing->grid, drawing->row, place->end, place->column->width,
				   text);
	}
}

/* What has no room loses its middle: the beginning and the end of addresses say the most. */
static void put_label(struct drawing *drawing, const char *label, guint width)
{
	guint needs = top_grid_width(label);
	guint head = width / 2;
	guint tail;
	const char *rest = label;

	if (needs <= width || width < 8) {
		top_grid_put(drawing->grid, drawing->row, 0, width, label);
		return;
	}
	tail = width - head - 1;
	top_grid_put(drawing->grid, drawing->row, 0, head, label);
	top_grid_set(drawing->grid, drawing->row, head, '~', TOP_PLAIN);
	while (top_grid_width(rest) > tail)
		rest = g_utf8_next_char(rest);
	top_grid_put(drawing->grid, drawing->row, head + 1, tail, rest);
}

static void draw_named(struct drawing *drawing, const struct top_columns *columns,
		       const char *label, const struct top_sums *sums)
{
	put_label(drawing, label, columns->label_width);
	draw_sums(drawing, columns, sums);
}

static void draw_heading(struct drawing *drawing, const struct top_columns *columns)
{
	const struct top_query *query = &drawing->page->ui->query;

	top_grid_put(drawing->grid, drawing->row, 0, columns->label_width,
		     top_groups[query->group].heading);
	for (guint i = 0; i < columns->count; i++) {
		const struct top_column_place *place = &columns->places[i];

		top_grid_put_right(drawing->grid, drawing->row, place->end, place->column->width,
				   place->column->heading);
	}
	top_grid_look(drawing->grid, drawing->row++, TOP_BAR);
}

static void draw_rows(struct drawing *drawing, const struct top_columns *columns, guint rows)
{
	const struct top_ui *ui = drawing->page->ui;
	const struct top_table *table = drawing->page->table;
	const struct top_group_row *group = &top_groups[ui->query.group];
	guint end = drawing->row + rows;

	for (guint i = ui->offset; i < table->count && drawing->row < end; i++) {
		const struct top_row *row = &table->rows[i];
		g_autofree char *label = group->label(&row->key, row->as_name);

		draw_named(drawing, columns, label, &row->sums);
		if (i == ui->at)
			top_grid_look(drawing->grid, drawing->row, TOP_SELECTED);
		drawing->row++;
	}
	if (drawing->row < end && table->rest.flows + top_packets(&table->rest.all) > 0) {
		draw_named(drawing, columns, "(others)", &table->rest);
		top_grid_look(drawing->grid, drawing->row, TOP_FAINT);
	}
	drawing->row = end;
}

static void draw_table(struct drawing *drawing)
{
	const struct top_query *query = &drawing->page->ui->query;
	const struct top_columns columns =
		top_columns_for(query, drawing->page->rates, drawing->grid->columns);

	if (drawing->layout->heading)
		draw_heading(drawing, &columns);
	draw_rows(drawing, &columns, top_page_rows(drawing->grid->rows));
	if (!drawing->layout->sum)
		return;
	draw_named(drawing, &columns, "total", &drawing->page->table->total);
	top_grid_look(drawing->grid, drawing->row++, TOP_STRONG);
}

/* --- the foot --- */

static void draw_keys(struct drawing *drawing)
{
	static const char keys[] =
		" ? help  g group  s sort  / filter  Enter into  Backspace back  "
		"p pause  q quit";
	const struct top_ui *ui = drawing->page->ui;
	guint columns = drawing->grid->columns;
	guint row = drawing->grid->rows - 1;
	g_autofree char *typed = g_strdup_printf(" filter: %s_", ui->input->str);

	if (ui->mode != TOP_FILTERING) {
		if (drawing->layout->keys)
			top_grid_put(drawing->grid, row, 0, columns, keys);
		return;
	}
	for (guint column = 0; column < columns; column++)
		top_grid_set(drawing->grid, row, column, ' ', TOP_STRONG);
	top_grid_put(drawing->grid, row, 0, columns, typed);
}

static void draw_help(struct drawing *drawing)
{
	static const char *const lines[] = {
		" weir top: who talks, and how much",
		"",
		" Up Down j k      choose a row         PgUp PgDn Home End",
		" Enter, Right     into it: host, its conversations, their flows",
		" Backspace, Left  back",
		" g G, 1 to 8      group: hosts, conversations, flows, ports,",
		"                  protocols, countries, autonomous systems, interfaces",
		" s S              sort: octets, packets, flows, retransmissions, RTT, rate",
		" r                the other way round",
		" /                filter; words that all must fit: an address or a part of",
		"                  one, 10.0.0.0/8, :443, tcp, de, as3320, eth0, !word",
		" Escape           no filter",
		" p, Space         pause",
		" q                quit",
		"",
		" Hosts, countries and systems count what they sent and what they received:",
		" what two of them say to each other stands in both rows. RETR is retransmitted",
		" packets, RTT the mean of the flows' round trips from end to end.",
		"",
		" any key goes back",
	};

	for (guint i = 0; i < G_N_ELEMENTS(lines) && i < drawing->grid->rows; i++)
		top_grid_put(drawing->grid, i, 0, drawing->grid->columns, lines[i]);
	top_grid_look(drawing->grid, 0, TOP_BAR);
}

struct top_grid *top_page_draw(const struct top_page *page, guint rows, guint columns)
{
	struct drawing drawing = {
		.page = page,
		.layout = layout_of(rows),
		.grid = top_grid_new(rows, columns),
	};

	if (rows == 0)
		return drawing.grid;
	if (page->ui->mode == TOP_HELPING) {
		draw_help(&drawing);
		return drawing.grid;
	}
	if (drawing.layout->title)
		draw_title(&drawing);
	if (drawing.layout->account)
		draw_account(&drawing);
	for (guint kind = 0; kind < MIN(drawing.layout->graphs, TOP_KINDS); kind++)
		draw_graph(&drawing, (enum top_kind)kind);
	if (drawing.layout->shown)
		draw_shown(&drawing);
	draw_table(&drawing);
	draw_keys(&drawing);
	return drawing.grid;
}
