/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <glib.h>
#include <time.h>

/* Nanoseconds since 1970. */
static inline guint64 clock_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (guint64)now.tv_sec * 1000000000 + (guint64)now.tv_nsec;
}

#endif
