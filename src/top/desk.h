/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a source, in a thread of its own, and the view, in another, meet. */
#ifndef WEIR_TOP_DESK_H
#define WEIR_TOP_DESK_H

#include "top/history.h"
#include "top/model.h"
#include "top/page.h"

struct top_desk {
	/* Under the lock. */
	struct top_model *model;
	struct top_history history;
	struct top_account account;
	char *source;
	char *state;
	bool trouble;
	bool rates;
};

/* room: of the model. */
struct top_desk *top_desk_new(const char *source, bool rates, guint room);
/* No other thread is there any more. */
void top_desk_free(struct top_desk *desk);

void top_desk_lock(struct top_desk *desk);
/* changed: there is something new to see. */
void top_desk_unlock(struct top_desk *desk, bool changed);
/* Under the lock. */
void top_desk_say(struct top_desk *desk, bool trouble, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* --- of the source --- */

/* Until that monotonic time in microseconds, and as long as the view is paused. False: nobody looks
 * any more. */
bool top_desk_wait(struct top_desk *desk, gint64 until_us);
/* The last word of its thread. */
void top_desk_end(struct top_desk *desk);

/* --- of the view --- */

/* Readable when there is something new to see. */
int top_desk_fd(const struct top_desk *desk);
/* True if there was, since it was asked last. */
bool top_desk_is_new(struct top_desk *desk);
void top_desk_pause(struct top_desk *desk, bool paused);
/* The source is to end. False: it has not done so by that time, and may still use the desk. */
bool top_desk_stop(struct top_desk *desk, gint64 until_us);

#endif
