/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two sides of a sender share: who gives (sender.c) and the thread (sender_thread.c). */
#ifndef WEIR_EXPORT_SENDER_PARTS_H
#define WEIR_EXPORT_SENDER_PARTS_H

#include "export/outbox.h"
#include "export/sender.h"

/* The longest a thread waits without a look. */
#define SENDER_LOOK_MS	      1000
#define SENDER_RETRY_FIRST_MS 250
/* Octets of messages that get their numbers at a time: what a core's cache holds. */
#define SENDER_COPIES	      (256 * 1024)

struct sender {
	struct sender_options options;
	char *url;
	char *collector; /* whose spool it is */
	struct transport *transport;
	GPtrArray *introduction; /* of struct message */
	GThread *thread;
	GCancellable *stop;
	gint64 until_us; /* the end of lingering; 0: it has not begun */

	GMutex mutex; /* over what follows */
	GCond changed;
	guint waiting; /* threads, for a change */
	bool napping;  /* the thread: a few messages are no reason to wake it */
	struct outbox *outbox;
	guint handing; /* messages the thread has in hand */
	bool inherits; /* it has no spool yet */
	bool finishing;
	bool behind; /* a flush waited for it in vain */
	bool over;   /* the thread has ended */
	bool tried;
	bool connected;
	guint64 connects;	    /* times it was */
	struct export_counts given; /* as if all of it had been handed over */
	gint64 progress_us;	    /* when there was last something new, or nothing to do */
	guint64 lost;		    /* flows, at the end */
	GError *error;		    /* the last of connecting or sending */
	struct export_counts told;  /* a copy for who asks */

	/* The thread's own. */
	guint32 sequence; /* of the session */
	guint8 *copies;	  /* messages as they are sent: SENDER_COPIES, or one longer message */
	size_t copies_size;
	guint since_refresh;
	gint64 refreshed_us;
	bool introduced;
	bool begun;  /* introduced once: that was counted before */
	bool ending; /* the collector was asked to close the session */
	bool complained;
	gint64 paced_us;
	guint64 owed; /* millionths of messages that may go */
	guint retry_ms;
};

/* With the mutex: waits for a change until then; false: it was too long. */
static inline bool sender_await(struct sender *sender, gint64 until_us)
{
	bool changed;

	sender->waiting++;
	changed = g_cond_wait_until(&sender->changed, &sender->mutex, until_us);
	sender->waiting--;
	return changed;
}

/* With the mutex. To wake nobody is a call of the kernel all the same. */
static inline void sender_announce(struct sender *sender)
{
	if (sender->waiting > 0)
		g_cond_broadcast(&sender->changed);
}

/* What begins a session has been sent once more: a report says how much was sent before it. */
void sender_count_introduction(struct sender *sender);

/* NULL: it cannot be opened; with WEIR_ERROR_BUSY, not yet. */
struct spool *sender_open_spool(const struct sender *sender, GError **error);

/* The thread: connects, sends, lingers, until it is done or stopped. */
gpointer sender_main(gpointer data);

#endif
