/* SPDX-License-Identifier: BSD-2-Clause */
/* One destination as the user named it, a file or a collector, and what it is given of the flows.
 */
#ifndef WEIR_EXPORT_WAY_H
#define WEIR_EXPORT_WAY_H

#include "export/destination.h"
#include "export/past.h"
#include "export/stream.h"

struct way {
	char *url;
	char *name;		  /* the user's own; NULL: none */
	char *recipe;		  /* everything that makes it what it is */
	char *spool;		  /* whose it is, and where; NULL: none */
	struct destination *file; /* or */
	struct sender *sender;
	struct stream *stream;	   /* what the sender sends */
	struct tally elsewhere;	   /* flows that others were given instead */
	struct tally absent;	   /* flows that were given out before it came */
	struct past *before;	   /* what became of those; NULL: nothing, or others know */
	struct past *as_past;	   /* itself, for those after it; NULL: it gets flows */
	bool away;		   /* when last looked at */
	bool hurried;		   /* to its end */
	bool hands_over;	   /* its spool, once it has ended, to another */
	bool inherits;		   /* that spool */
	bool told_leaving;	   /* that it ends */
	struct export_counts base; /* of a file: what others count already */
	struct export_counts told; /* a copy for who asks */
};

struct way *way_new(const char *url, const char *name);
/* Its file or its sender, too; not the stream. */
void way_free(struct way *way);

bool way_is_healthy(const struct way *way);
struct export_state way_state(const struct way *way);
/* It could not be reached when last looked at, and can now. */
bool way_has_returned(struct way *way);
bool way_write(struct way *way, const struct flow_batch *batch, GError **error);
/* What waits for one collector goes to another, whose messages are the same. */
void way_move(struct way *from, struct way *to);
/* Until asked again. */
const struct export_counts *way_counts(struct way *way);
/* As if what waits had been handed over; handed: what the run has given out so far. */
struct export_counts way_snapshot(struct way *way, const struct tally *handed);

/* It gets no more flows, and ends by itself. Those after it refer to the result. */
struct past *way_leave(struct way *way);
/* No time to linger: what was not sent stays in the spool, where it has one. */
void way_hurry(struct way *way);
/* Another is to send from its spool: it is hurried, unless it can end in order. */
void way_hand_over(struct way *way);
/* It has ended, or its time is over: way_end() does not wait long. */
bool way_has_left(struct way *way);
/* Waits for its end, which is said, and settles its counts. */
void way_end(struct way *way);

/* What messages call it. */
static inline const char *way_label(const struct way *way)
{
	return way->name ? way->name : way->url;
}

#endif
