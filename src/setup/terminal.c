/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames are written through a file description of our own, as one that does not wait: O_NONBLOCK
 * on the one we were given would hold for the shell behind us too. */
#include "setup/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ROWS_DEFAULT	24
#define COLUMNS_DEFAULT 80

/* The other screen, no cursor, no wrapping; and back, beginning with what ends a sequence that was
 * cut off in the middle. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\030\033[0m\033[?7h\033[?25h\033[?1049l"

struct terminal {
	GString *out; /* what the terminal has not taken yet, from `taken` on */
	size_t taken;
	bool dead; /* hung up */
};

/* What a signal handler needs. fd is there from terminal_open() to terminal_free(). */
static struct {
	volatile sig_atomic_t entered;
	volatile sig_atomic_t stop; /* Ctrl-Z */
	int fd;
	const char *leave; /* writes what was there before */
	struct termios found;
} state;

static const int ends[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };
static struct sigaction found_actions[G_N_ELEMENTS(ends)];
static struct sigaction found_stop;

/* Whether setting the terminal up is ours to do; on one that is not this session's, nobody asks. */
static bool in_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 ? errno == ENOTTY : group == getpgrp();
}

void terminal_restore(void)
{
	if (!state.entered)
		return;
	state.entered = 0;
	if (write(state.fd, state.leave, strlen(state.leave)) < 0)
		state.entered = 1; /* nothing better can be done; who comes again may try again */
	if (in_foreground(state.fd))
		tcsetattr(state.fd, TCSANOW, &state.found);
}

/* What the signal does without us is what it does then: a fault happens again when this returns. */
static void on_end(int number, siginfo_t *info, void *context)
{
	(void)context;
	terminal_restore();
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		if (ends[i] == number)
			sigaction(number, &found_actions[i], NULL);
	}
	/* What a terminal sends is no fault either. */
	if (info->si_code <= 0 || number == SIGQUIT)
		raise(number);
}

static void on_stop(int number)
{
	(void)number;
	state.stop = 1;
}

static void watch_ends(void)
{
	struct sigaction end = { .sa_sigaction = on_end, .sa_flags = SA_SIGINFO };

	sigemptyset(&end.sa_mask);
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		sigaction(ends[i], &end, &found_actions[i]);
}

static void watch_signals(void)
{
	const struct sigaction stop = { .sa_handler = on_stop, .sa_flags = SA_RESTART };

	watch_ends();
	sigaction(SIGTSTP, &stop, &found_stop);
}

static void forget_ends(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		sigaction(ends[i], &found_actions[i], NULL);
}

static void forget_signals(void)
{
	forget_ends();
	sigaction(SIGTSTP, &found_stop, NULL);
}

static bool speaks_ansi(void)
{
	const char *type = getenv("TERM");

	return type && *type && strcmp(type, "dumb") != 0;
}

struct terminal *terminal_open(int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	struct terminal *terminal;

	if (!isatty(fd) || !speaks_ansi() || !in_foreground(fd) || tcgetattr(fd, &state.found) != 0)
		return NULL;
	state.fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (state.fd < 0)
		return NULL;
	state.leave = LEAVE;
	terminal = g_new0(struct terminal, 1);
	terminal->out = g_string_new(NULL);
	watch_signals();
	return terminal;
}

/* True when the terminal has taken everything. */
static bool push(struct terminal *terminal)
{
	while (!terminal->dead && terminal->taken < terminal->out->len) {
		ssize_t written = write(state.fd, terminal->out->str + terminal->taken,
					terminal->out->len - terminal->taken);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN)
			return false;
		if (written <= 0)
			terminal->dead = true;
		else
			terminal->taken += (size_t)written;
	}
	g_string_truncate(terminal->out, 0);
	terminal->taken = 0;
	return true;
}

struct terminal_size terminal_size(const struct terminal *terminal)
{
	struct winsize size = { 0 };

	(void)terminal;
	if (ioctl(state.fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
		return (struct terminal_size){ ROWS_DEFAULT, COLUMNS_DEFAULT };
	return (struct terminal_size){ size.ws_row, size.ws_col };
}

/* What is typed meanwhile shall not show between the flows; Ctrl-C and Ctrl-Z work on. */
static void enter(struct terminal *terminal)
{
	struct termios quiet;

	if (tcgetattr(state.fd, &state.found) == 0) {
		quiet = state.found;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(state.fd, TCSANOW, &quiet);
	}
	g_string_append(terminal->out, ENTER);
	state.entered = 1;
}

void terminal_leave(struct terminal *terminal)
{
	if (!state.entered)
		return;
	g_string_assign(terminal->out, LEAVE);
	terminal->taken = 0;
	if (in_foreground(state.fd))
		tcsetattr(state.fd, TCSANOW, &state.found);
	if (push(terminal))
		state.entered = 0;
}

/* Ctrl-Z: the shell gets its screen back before we stop. */
static void stop(struct terminal *terminal)
{
	struct sigaction ours;

	state.stop = 0;
	terminal_leave(terminal);
	sigaction(SIGTSTP, &found_stop, &ours);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
}

bool terminal_ready(struct terminal *terminal)
{
	if (state.stop)
		stop(terminal);
	return !terminal->dead && in_foreground(state.fd) && push(terminal);
}

void terminal_show(struct terminal *terminal, const char *frame, size_t length)
{
	if (!state.entered)
		enter(terminal);
	g_string_append_len(terminal->out, frame, (gssize)length);
	push(terminal);
}

void terminal_free(struct terminal *terminal)
{
	struct pollfd room = { .fd = state.fd, .events = POLLOUT };

	if (!terminal)
		return;
	terminal_leave(terminal);
	while (!push(terminal))
		poll(&room, 1, -1);
	state.entered = 0;
	forget_signals();
	close(state.fd);
	g_string_free(terminal->out, TRUE);
	g_free(terminal);
}

void terminal_remember(int fd)
{
	state.fd = fd;
	tcgetattr(fd, &state.found); /* of what is no terminal nothing can be set either */
}

void terminal_borrow(const char *leave)
{
	state.leave = leave;
	watch_ends();
	state.entered = 1;
}

void terminal_return(void)
{
	state.entered = 0;
	forget_ends();
}
