/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/stop.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "setup/terminal.h"

/* Set by a signal; the loops look at it. */
static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t hung_up;
static gint64 stop_us;
static bool had_window;
static bool reload_signal;

/* The second one ends a run that waits where nobody looks at the first. */
static void on_signal(int number)
{
	if (!stop_signal) {
		stop_signal = number;
		return;
	}
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static void on_hang_up(int number)
{
	(void)number;
	hung_up = 1;
}

/* A window that is closed ends the run as Ctrl-C does, unless nohup says otherwise. */
static void watch_hang_up(void (*handler)(int number))
{
	const struct sigaction action = { .sa_handler = handler };
	struct sigaction found;

	if (sigaction(SIGHUP, NULL, &found) == 0 && found.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

/* The controlling terminal can be opened as long as it is there. */
static bool has_window(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Not in the handler, which may do next to nothing. */
static void look_at_hang_up(void)
{
	if (!hung_up)
		return;
	hung_up = 0;
	if (had_window && !has_window())
		stop_signal = SIGHUP;
	else
		reload_signal = true;
}

void stop_watch(guint64 duration_ns)
{
	const struct sigaction action = { .sa_handler = on_signal };

	stop_signal = 0;
	hung_up = 0;
	reload_signal = false;
	stop_us = duration_ns ? g_get_monotonic_time() + (gint64)(duration_ns / 1000) : G_MAXINT64;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	watch_hang_up(on_signal);
}

void stop_watch_reload(void)
{
	had_window = has_window();
	watch_hang_up(on_hang_up);
}

bool stop_reload_wanted(void)
{
	const bool wanted = reload_signal;

	reload_signal = false;
	return wanted;
}

bool stop_wanted(void)
{
	look_at_hang_up();
	return stop_signal || g_get_monotonic_time() >= stop_us;
}

bool stop_was_term(void)
{
	return stop_signal == SIGTERM;
}
