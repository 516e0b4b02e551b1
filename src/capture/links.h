/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces of a run, each with its attachment. One that goes away is attached again when it
 * is back, with the same options, while the others go on. */
#ifndef WEIR_CAPTURE_LINKS_H
#define WEIR_CAPTURE_LINKS_H

#include "base/log.h"
#include "capture/attach.h"

struct links;

/* News of an interface, in words: a line of the log. */
typedef void links_tell(void *data, enum log_level level, const char *interface, const char *news);

struct links_options {
	const char *const *interfaces; /* NULL-terminated */
	struct attach_options attach;
	links_tell *tell; /* NULL: nobody listens; called by links_new() and links_watch() */
	void *data;
};

/* Refuses what attach() would, without a meter. */
bool links_check(const struct links_options *options, GError **error);
/* Attaches to all of them or, with an error, to none. What is pinned for other interfaces is taken
 * off. */
struct links *links_new(const struct kernel_meter *meter, const struct links_options *options,
			GError **error);
/* To be called often: looks after the interfaces when the kernel says that one changed, and once a
 * second in any case. */
void links_watch(struct links *links);
/* The meter has other programs now; they are in force everywhere when it returns, or, with an
 * error, somewhere. */
bool links_renew(struct links *links, GError **error);
/* Interfaces that are metered now. */
guint links_count(const struct links *links);
/* A bit for each of the first 64 that is not. */
guint64 links_away(const struct links *links);
/* Takes everything off; no program begins any more when it returns. The error is the first. */
bool links_free(struct links *links, GError **error);
/* What is pinned goes on. */
void links_leave(struct links *links);

#endif
