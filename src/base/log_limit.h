/* SPDX-License-Identifier: BSD-2-Clause */
/* How often the same may be said: so many times in an interval that begins with the first of them.
 * What comes beyond is counted. Time is the caller's, and never goes back. */
#ifndef WEIR_BASE_LOG_LIMIT_H
#define WEIR_BASE_LOG_LIMIT_H

#include <glib.h>
#include <stdbool.h>

struct log_limit_rule {
	guint most;	    /* of the same in an interval */
	gint64 interval_us; /* from the first of them */
	guint texts;	    /* remembered at a time; what has no place is let pass */
};

struct log_limit;

struct log_limit *log_limit_new(const struct log_limit_rule *rule);
void log_limit_free(struct log_limit *limit);

/* Whether this text may be said now. Its interval is over, with some left out: log_limit_left() is
 * to be asked before, or they are forgotten. */
bool log_limit_take(struct log_limit *limit, const char *text, gint64 now_us);

/* A text whose interval is over and of which some were left out, and how many; the one that began
 * first. It is forgotten then. NULL: there is none. Free with g_free. all: whether its interval
 * is over or not. */
char *log_limit_left(struct log_limit *limit, gint64 now_us, bool all, guint64 *ret_count);

#endif
