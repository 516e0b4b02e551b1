/* SPDX-License-Identifier: BSD-2-Clause */
/* Ctrl-Z is handled here and not by ncurses: its handler draws, and may come in the middle of
 * drawing. */
#define NCURSES_WIDECHAR 1
#include "top/screen.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/error.h"
#include "top/ui.h"

#define ESCAPE_MS 25 /* the rest of a key's sequence follows at once */

struct top_screen {
	SCREEN *curses;
	FILE *keys; /* NULL: standard input */
	int keys_fd;
	GString *leave;
	attr_t attributes[TOP_LOOKS];
	short pairs[TOP_LOOKS];
	struct sigaction found_stop;
};

static volatile sig_atomic_t stop_wanted;

static void on_stop(int number)
{
	(void)number;
	stop_wanted = 1;
}

static void fail(GError **error, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s; 'weir top --once' prints the table without a terminal", what);
}

/* --- looks --- */

static void choose_looks(struct top_screen *screen)
{
	const char *no_color = getenv("NO_COLOR");
	static const struct {
		attr_t plain; /* where there are no colours */
		attr_t with;  /* where there are */
		short colour;
	} looks[TOP_LOOKS] = {
		[TOP_STRONG] = { A_BOLD, A_BOLD, -1 },
		[TOP_FAINT] = { A_NORMAL, A_DIM, -1 },
		[TOP_BAR] = { A_REVERSE, A_REVERSE, COLOR_CYAN },
		[TOP_SELECTED] = { A_REVERSE, A_REVERSE, -1 },
		[TOP_GRAPH] = { A_NORMAL, A_NORMAL, COLOR_GREEN },
		[TOP_GOOD] = { A_NORMAL, A_NORMAL, COLOR_GREEN },
		[TOP_BAD] = { A_REVERSE | A_BOLD, A_REVERSE | A_BOLD, COLOR_RED },
	};
	bool colours = !(no_color && *no_color) && has_colors() && start_color() == OK &&
		       use_default_colors() == OK;

	for (int i = 0; i < TOP_LOOKS; i++) {
		const short pair = (short)(i + 1);

		screen->attributes[i] = colours ? looks[i].with : looks[i].plain;
		if (!colours || looks[i].colour <= 0)
			continue;
		if (init_pair(pair, looks[i].colour, -1) == OK)
			screen->pairs[i] = pair;
	}
}

/* --- opening and closing --- */

static void add_capability(GString *text, const char *name)
{
	const char *value = tigetstr(name);

	if (value && value != (const char *)-1)
		g_string_append(text, value);
}

static void note_leave(struct top_screen *screen)
{
	static const char *const names[] = { "sgr0", "cnorm", "rmkx", "rmcup" };

	screen->leave = g_string_new("\030"); /* ends a sequence that was cut off */
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		add_capability(screen->leave, names[i]);
	g_string_append_c(screen->leave, '\n');
}

static bool open_keys(struct top_screen *screen, GError **error)
{
	screen->keys_fd = STDIN_FILENO;
	if (isatty(STDIN_FILENO))
		return true;
	screen->keys = fopen("/dev/tty", "re");
	if (!screen->keys) {
		fail(error, "no terminal to read keys from");
		return false;
	}
	screen->keys_fd = fileno(screen->keys);
	return true;
}

static bool open_curses(struct top_screen *screen, GError **error)
{
	const char *address;

	screen->curses = newterm(NULL, stdout, screen->keys ? screen->keys : stdin);
	if (!screen->curses) {
		fail(error, "this terminal (TERM) is not known");
		return false;
	}
	address = tigetstr("cup");
	if (address && address != (const char *)-1)
		return true;
	endwin();
	delscreen(screen->curses);
	fail(error, "this terminal (TERM) can do no more than lines");
	return false;
}

static void watch_stop(struct top_screen *screen)
{
	const struct sigaction action = { .sa_handler = on_stop };

	/* ncurses has put its own one in the place of the default. */
	sigaction(SIGTSTP, &action, &screen->found_stop);
	if (screen->found_stop.sa_handler == SIG_IGN)
		sigaction(SIGTSTP, &screen->found_stop, NULL);
}

struct top_screen *top_screen_open(GError **error)
{
	struct top_screen *screen;

	if (!isatty(STDOUT_FILENO)) {
		fail(error, "standard output is no terminal");
		return NULL;
	}
	screen = g_new0(struct top_screen, 1);
	if (!open_keys(screen, error) || !open_curses(screen, error)) {
		if (screen->keys)
			fclose(screen->keys);
		g_free(screen);
		return NULL;
	}
	note_leave(screen);
	watch_stop(screen);
	choose_looks(screen);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	set_escdelay(ESCAPE_MS);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	return screen;
}

void top_screen_close(struct top_screen *screen)
{
	if (!screen)
		return;
	/* Where there is no other screen to go back to, the shell goes on in the last line. */
	move(getmaxy(stdscr) - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	sigaction(SIGTSTP, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	delscreen(screen->curses);
	if (screen->keys)
		fclose(screen->keys);
	g_string_free(screen->leave, TRUE);
	g_free(screen);
}

const char *top_screen_leave(const struct top_screen *screen)
{
	return screen->leave->str;
}

/* --- showing --- */

void top_screen_size(const struct top_screen *screen, guint *ret_rows, guint *ret_columns)
{
	(void)screen;
	*ret_rows = (guint)MAX(getmaxy(stdscr), 1);
	*ret_columns = (guint)MAX(getmaxx(stdscr), 1);
}

static wchar_t shown(gunichar character, bool utf8)
{
	return character < 0x7f || utf8 ? (wchar_t)character : L'?';
}

/* Cells of one look, from the column on; returns the column after them. */
static guint show_run(const struct top_screen *screen, const struct top_grid *grid, guint row,
		      guint column, bool utf8)
{
	const struct top_cell *cells = &grid->cells[(size_t)row * grid->columns];
	enum top_look look = cells[column].look;
	GArray *text = g_array_new(TRUE, FALSE, sizeof(wchar_t));
	guint at = column;

	for (; at < grid->columns && cells[at].look == look; at++) {
		wchar_t character = shown(cells[at].character, utf8);

		if (character)
			g_array_append_val(text, character);
		else if (!utf8) /* '?' has no right half */
			g_array_append_val(text, (wchar_t){ L' ' });
	}
	wattr_set(stdscr, screen->attributes[look], screen->pairs[look], NULL);
	mvaddnwstr((int)row, (int)column, (wchar_t *)(gpointer)text->data, (int)text->len);
	g_array_unref(text);
	return at;
}

void top_screen_show(struct top_screen *screen, const struct top_grid *grid, bool utf8)
{
	erase();
	for (guint row = 0; row < grid->rows; row++) {
		for (guint column = 0; column < grid->columns;)
			column = show_run(screen, grid, row, column, utf8);
	}
	refresh();
}

/* --- keys --- */

/* The shell has its terminal back before we stop. */
static void stop(struct top_screen *screen)
{
	struct sigaction ours;
	const struct sigaction usual = { .sa_handler = SIG_DFL };

	(void)screen;
	stop_wanted = 0;
	endwin();
	sigaction(SIGTSTP, &usual, &ours);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
	clearok(stdscr, TRUE);
	refresh();
}

bool top_screen_wait(struct top_screen *screen, int fd, int milliseconds)
{
	struct pollfd fds[] = { { .fd = screen->keys_fd, .events = POLLIN },
				{ .fd = fd, .events = POLLIN } };

	if (poll(fds, G_N_ELEMENTS(fds), milliseconds) < 0 && errno != EINTR)
		return false;
	if (stop_wanted)
		stop(screen);
	return !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

guint32 top_screen_key(struct top_screen *screen)
{
	static const struct {
		wint_t curses;
		guint32 key;
	} keys[] = {
		{ KEY_UP, TOP_KEY_UP },		{ KEY_DOWN, TOP_KEY_DOWN },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP }, { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },	{ KEY_END, TOP_KEY_END },
		{ KEY_LEFT, TOP_KEY_LEFT },	{ KEY_RIGHT, TOP_KEY_RIGHT },
		{ KEY_ENTER, TOP_KEY_ENTER },	{ KEY_BACKSPACE, TOP_KEY_BACKSPACE },
	};
	wint_t got = 0;
	int kind;

	(void)screen;
	while ((kind = get_wch(&got)) == KEY_CODE_YES) {
		for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
			if (keys[i].curses == got)
				return keys[i].key;
		}
	}
	if (kind == ERR)
		return 0;
	if (got == '\r')
		return TOP_KEY_ENTER;
	return got == 0x7f || got == '\b' ? TOP_KEY_BACKSPACE : got;
}
