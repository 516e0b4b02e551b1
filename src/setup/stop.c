/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/stop.h"

#include <signal.h>

/* Set by a signal; the loops look at it. */
static volatile sig_atomic_t stop_signal;
static gint64 stop_us;

static void on_signal(int number)
{
	stop_signal = number;
}

void stop_watch(guint64 duration_ns)
{
	/* The second one ends a run that waits where nobody looks at the first. */
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	stop_signal = 0;
	stop_us = duration_ns ? g_get_monotonic_time() + (gint64)(duration_ns / 1000) : G_MAXINT64;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool stop_wanted(void)
{
	return stop_signal || g_get_monotonic_time() >= stop_us;
}
