/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/grid.h"

struct top_grid *top_grid_new(guint rows, guint columns)
{
	struct top_grid *grid = g_new0(struct top_grid, 1);

	grid->rows = rows;
	grid->columns = columns;
	grid->cells = g_new(struct top_cell, (size_t)rows * columns);
	for (size_t i = 0; i < (size_t)rows * columns; i++)
		grid->cells[i] = (struct top_cell){ ' ', TOP_PLAIN };
	return grid;
}

void top_grid_free(struct top_grid *grid)
{
	if (!grid)
		return;
	g_free(grid->cells);
	g_free(grid);
}

void top_grid_look(struct top_grid *grid, guint row, enum top_look look)
{
	for (guint column = 0; row < grid->rows && column < grid->columns; column++)
		grid->cells[(size_t)row * grid->columns + column].look = look;
}

void top_grid_set(struct top_grid *grid, guint row, guint column, gunichar character,
		  enum top_look look)
{
	if (row < grid->rows && column < grid->columns)
		grid->cells[(size_t)row * grid->columns + column] =
			(struct top_cell){ character, look };
}

static gunichar visible(gunichar character)
{
	return g_unichar_isprint(character) ? character : '?';
}

static guint width_of(gunichar character)
{
	if (g_unichar_iszerowidth(character))
		return 0;
	return g_unichar_iswide(character) ? 2 : 1;
}

static void put(struct top_grid *grid, guint row, guint column, gunichar character)
{
	grid->cells[(size_t)row * grid->columns + column].character = character;
}

guint top_grid_put(struct top_grid *grid, guint row, guint column, guint width, const char *text)
{
	guint end = column < grid->columns ? MIN(width, grid->columns - column) : 0;
	guint at = 0;

	for (; row < grid->rows && *text; text = g_utf8_next_char(text)) {
		gunichar character = visible(g_utf8_get_char(text));
		guint wide = width_of(character);

		if (at + wide > end)
			break;
		if (wide == 0)
			continue;
		put(grid, row, column + at, character);
		if (wide == 2)
			put(grid, row, column + at + 1, 0);
		at += wide;
	}
	return at;
}

guint top_grid_width(const char *text)
{
	guint width = 0;

	for (; *text; text = g_utf8_next_char(text))
		width += width_of(visible(g_utf8_get_char(text)));
	return width;
}

void top_grid_put_right(struct top_grid *grid, guint row, guint end, guint width, const char *text)
{
	guint needs = MIN(top_grid_width(text), width);

	if (end >= needs)
		top_grid_put(grid, row, end - needs, needs, text);
}

char *top_grid_row(const struct top_grid *grid, guint row)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint column = 0; column < grid->columns; column++) {
		gunichar character = grid->cells[(size_t)row * grid->columns + column].character;

		if (character)
			g_string_append_unichar(text, character);
	}
	return g_strchomp(g_string_free(g_steal_pointer(&text), FALSE));
}
