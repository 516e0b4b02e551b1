/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/stop.h"

#include <signal.h>

#include "setup/terminal.h"

/* Set by a signal; the loops look at it. */
static volatile sig_atomic_t stop_signal;
static gint64 stop_us;

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

/* A window that is closed ends the run as Ctrl-C does, unless nohup says otherwise. */
static void watch_hang_up(const struct sigaction *action)
{
	struct sigaction found;

	if (sigaction(SIGHUP, NULL, &found) == 0 && found.sa_handler != SIG_IGN)
		sigaction(SIGHUP, action, NULL);
}

void stop_watch(guint64 duration_ns)
{
	const struct sigaction action = { .sa_handler = on_signal };

	stop_signal = 0;
	stop_us = duration_ns ? g_get_monotonic_time() + (gint64)(duration_ns / 1000) : G_MAXINT64;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	watch_hang_up(&action);
}

bool stop_wanted(void)
{
	return stop_signal || g_get_monotonic_time() >= stop_us;
}

bool stop_was_term(void)
{
	return stop_signal == SIGTERM;
}
