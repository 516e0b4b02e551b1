/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/ui.h"

#include <string.h>

#define INPUT_MAX 200
#define CTRL_U	  0x15

struct top_ui *top_ui_new(enum top_group group, enum top_sort sort, const char *filter, bool rates)
{
	struct top_ui *ui = g_new0(struct top_ui, 1);

	ui->query.group = group;
	ui->query.sort = sort;
	ui->rates = rates;
	ui->page = 1;
	ui->input = g_string_new(NULL);
	ui->filter = g_string_new(filter);
	ui->taken = filter ? top_filter_new(filter) : NULL;
	ui->query.filter = ui->taken;
	return ui;
}

void top_ui_free(struct top_ui *ui)
{
	if (!ui)
		return;
	top_filter_free(ui->taken);
	g_string_free(ui->input, TRUE);
	g_string_free(ui->filter, TRUE);
	g_free(ui);
}

/* --- which row --- */

static void go_to(struct top_ui *ui, const struct top_table *table, guint at)
{
	ui->at = table->count ? MIN(at, table->count - 1) : 0;
	/* At the top, whoever is largest is chosen. */
	ui->follows = ui->at > 0;
	if (ui->follows)
		ui->key = table->rows[ui->at].key;
}

static void go_up(struct top_ui *ui, const struct top_table *table, guint rows)
{
	go_to(ui, table, ui->at > rows ? ui->at - rows : 0);
}

static void go_down(struct top_ui *ui, const struct top_table *table, guint rows)
{
	go_to(ui, table, ui->at + rows);
}

static void to_the_top(struct top_ui *ui)
{
	ui->follows = false;
	ui->at = 0;
	ui->offset = 0;
}

void top_ui_settle(struct top_ui *ui, const struct top_table *table, guint page)
{
	guint found = ui->follows ? top_table_find(table, &ui->key) : ui->at;

	ui->page = MAX(page, 1);
	if (found < table->count)
		ui->at = found;
	ui->at = table->count ? MIN(ui->at, table->count - 1) : 0;
	if (ui->offset > ui->at)
		ui->offset = ui->at;
	if (ui->at >= ui->offset + ui->page)
		ui->offset = ui->at - ui->page + 1;
	if (ui->offset + ui->page > table->count)
		ui->offset = table->count > ui->page ? table->count - ui->page : 0;
}

/* --- what is shown --- */

static void set_group(struct top_ui *ui, guint group)
{
	ui->query.group = (enum top_group)(group % TOP_GROUPS);
	to_the_top(ui);
}

static void set_sort(struct top_ui *ui, guint sort)
{
	guint sorts = ui->rates ? TOP_SORTS : TOP_BY_RATE;

	ui->query.sort = (enum top_sort)(sort % sorts);
	ui->query.ascending = false;
	to_the_top(ui);
}

static void go_into(struct top_ui *ui, const struct top_table *table)
{
	struct top_query *query = &ui->query;
	guint level = query->conditions_count;

	if (table->count == 0 || query->group == TOP_FLOWS_EACH || level == TOP_CONDITIONS)
		return;
	query->conditions[level] = (struct top_condition){ query->group, table->rows[ui->at].key };
	ui->places[level] = (struct top_place){ query->group, table->rows[ui->at].key };
	query->conditions_count++;
	set_group(ui, top_groups[query->group].into);
}

static void go_back(struct top_ui *ui)
{
	struct top_query *query = &ui->query;
	const struct top_place *place;

	if (query->conditions_count == 0)
		return;
	place = &ui->places[--query->conditions_count];
	set_group(ui, place->group);
	ui->follows = true;
	ui->key = place->key;
}

/* --- the filter --- */

static void set_filter(struct top_ui *ui, const char *text)
{
	g_string_assign(ui->filter, text);
	top_filter_free(ui->taken);
	ui->taken = top_filter_new(text);
	ui->query.filter = ui->taken;
	to_the_top(ui);
}

static void rub_out(GString *text)
{
	const char *last = g_utf8_find_prev_char(text->str, text->str + text->len);

	g_string_truncate(text, last ? (gsize)(last - text->str) : 0);
}

static void type(struct top_ui *ui, guint32 key)
{
	switch (key) {
	case TOP_KEY_ENTER:
		set_filter(ui, ui->input->str);
		ui->mode = TOP_BROWSING;
		break;
	case TOP_KEY_ESCAPE:
		ui->mode = TOP_BROWSING;
		break;
	case TOP_KEY_BACKSPACE:
		rub_out(ui->input);
		break;
	case CTRL_U:
		g_string_truncate(ui->input, 0);
		break;
	default:
		if (key < TOP_KEY_UP && g_unichar_isprint(key) && ui->input->len < INPUT_MAX)
			g_string_append_unichar(ui->input, key);
	}
}

/* --- keys --- */

/* Of moving about. False: it is none. */
static bool move(struct top_ui *ui, const struct top_table *table, guint32 key)
{
	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		go_up(ui, table, 1);
		return true;
	case TOP_KEY_DOWN:
	case 'j':
		go_down(ui, table, 1);
		return true;
	case TOP_KEY_PAGE_UP:
		go_up(ui, table, ui->page);
		return true;
	case TOP_KEY_PAGE_DOWN:
		go_down(ui, table, ui->page);
		return true;
	case TOP_KEY_HOME:
		to_the_top(ui);
		return true;
	case TOP_KEY_END:
		go_to(ui, table, G_MAXUINT32);
		return true;
	case TOP_KEY_ENTER:
	case TOP_KEY_RIGHT:
		go_into(ui, table);
		return true;
	case TOP_KEY_BACKSPACE:
	case TOP_KEY_LEFT:
		go_back(ui);
		return true;
	default:
		return false;
	}
}

static void choose(struct top_ui *ui, guint32 key)
{
	switch (key) {
	case 's':
		set_sort(ui, ui->query.sort + 1);
		break;
	case 'S':
		set_sort(ui, ui->query.sort + (ui->rates ? TOP_SORTS : TOP_BY_RATE) - 1);
		break;
	case 'r':
		ui->query.ascending = !ui->query.ascending;
		to_the_top(ui);
		break;
	case 'g':
		set_group(ui, ui->query.group + 1);
		break;
	case 'G':
		set_group(ui, ui->query.group + TOP_GROUPS - 1);
		break;
	case '/':
		g_string_assign(ui->input, ui->filter->str);
		ui->mode = TOP_FILTERING;
		break;
	case TOP_KEY_ESCAPE:
		set_filter(ui, "");
		break;
	case 'p':
	case ' ':
		ui->paused = !ui->paused;
		break;
	case '?':
	case 'h':
		ui->mode = TOP_HELPING;
		break;
	case 'q':
		ui->quits = true;
		break;
	default:
		if (key >= '1' && key < '1' + TOP_GROUPS)
			set_group(ui, key - '1');
	}
}

void top_ui_key(struct top_ui *ui, const struct top_table *table, guint32 key)
{
	if (ui->mode == TOP_FILTERING)
		type(ui, key);
	else if (ui->mode == TOP_HELPING && key != 'q')
		ui->mode = TOP_BROWSING;
	else if (!move(ui, table, key))
		choose(ui, key);
}
