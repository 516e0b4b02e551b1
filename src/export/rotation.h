/* SPDX-License-Identifier: BSD-2-Clause */
/* When a file is over: at a multiple of its period since 1970, or when it has so many octets. */
#ifndef WEIR_EXPORT_ROTATION_H
#define WEIR_EXPORT_ROTATION_H

#include <glib.h>
#include <stdbool.h>

struct rotation {
	guint64 period_ns; /* 0: time does not matter */
	guint64 octets;	   /* 0: size does not matter */
	guint64 clock_ns;
	guint64 from_ns;  /* the file is of the time from here */
	guint64 until_ns; /* to before here; 0: there was none yet */
};

/* Whether the clock is out of the file's time. It may also have been set back. */
static inline bool rotation_over(const struct rotation *rotation, guint64 clock_ns)
{
	return clock_ns < rotation->from_ns || clock_ns >= rotation->until_ns;
}

static inline bool rotation_full(const struct rotation *rotation, guint64 octets)
{
	return rotation->octets != 0 && octets >= rotation->octets;
}

/* To the time that the clock is in. */
static inline void rotation_turn(struct rotation *rotation)
{
	guint64 period_ns = rotation->period_ns;

	rotation->from_ns = 0;
	rotation->until_ns = G_MAXUINT64;
	if (period_ns == 0)
		return;
	rotation->from_ns = rotation->clock_ns - rotation->clock_ns % period_ns;
	if (rotation->from_ns <= G_MAXUINT64 - period_ns)
		rotation->until_ns = rotation->from_ns + period_ns;
}

/* What a file that begins now is named after, in seconds since 1970. */
static inline guint64 rotation_seconds(const struct rotation *rotation)
{
	return (rotation->period_ns != 0 ? rotation->from_ns : rotation->clock_ns) / 1000000000;
}

#endif
