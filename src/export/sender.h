/* SPDX-License-Identifier: BSD-2-Clause */
/* A collector and the way to it: a thread that takes messages from a bounded queue, connects,
 * reconnects and sends. Whoever gives it messages never waits for the collector, unless he says
 * that he has time. */
#ifndef WEIR_EXPORT_SENDER_H
#define WEIR_EXPORT_SENDER_H

#include "export/fanout.h"
#include "export/message.h"
#include "export/transport.h"

struct sender_options {
	const char *url; /* in errors and counts */
	const struct encoder_ops *form;
	const struct transport_ops *transport;
	struct transport_options place;
	guint64 queue_octets;	/* more than that does not wait here */
	guint refresh_s;	/* datagrams: what a reader must know first is told again */
	guint refresh_messages; /* ... after so long, after so many messages; 0: never */
	guint64 pace;		/* messages a second at most; 0: no limit */
	guint linger_s;		/* at the end, for what is on its way */
	export_clock *clock_ns; /* messages have the time they leave at; NULL: that of packets */
	bool patient;		/* who gives waits for room as long as there is hope */
	bool strict;		/* the first attempt has to succeed */
	bool shared;		/* others can take what this one cannot */
	const char *spool;	/* folder for what does not fit in the queue, or NULL */
	guint64 spool_octets;
	bool inherits; /* the spool, from one that is about to end: sends nothing before that */
};

struct sender;

/* introduction: messages that a reader must know before data, in every session. Starts the thread.
 */
struct sender *sender_new(const struct sender_options *options, const GPtrArray *introduction,
			  GError **error);
void sender_free(struct sender *sender);

/* Waits for the first attempt to reach the collector, and says how it ended. */
bool sender_reached(struct sender *sender, GError **error);
/* Connected, or not known to be unreachable yet. */
bool sender_is_healthy(struct sender *sender);

struct export_state sender_state(struct sender *sender);

/* It takes a reference. Without room the message is counted as overflowed. The thread may not hear
 * of it before sender_wake: to wake it for each of many would cost more than they do. */
void sender_put(struct sender *sender, struct message *message);
void sender_wake(struct sender *sender);
/* What waits for a collector that is away, for others to send: of struct message, free with
 * g_ptr_array_unref. */
GPtrArray *sender_steal(struct sender *sender);
/* Flows that no message will hold: the template has no record for them, or encoding failed. */
void sender_count_untold(struct sender *sender, const struct tally *untold);
void sender_count_failed(struct sender *sender, const struct tally *failed);
/* Waits until everything given was handed over, or so long. */
void sender_flush(struct sender *sender, guint wait_ms);
/* No more comes: the time to linger begins. */
void sender_end(struct sender *sender);
/* After that: waits until it is over, which is told, or the collector cannot be reached. */
bool sender_wait(struct sender *sender);
/* The same at once, without lingering: the spool keeps what has not arrived. */
bool sender_hurry(struct sender *sender, GError **error);
/* Another is to inherit the spool. One that is connected gets a moment to end in order, as what the
 * collector may not have read would be sent again otherwise; false: there is nothing to wait for.
 */
bool sender_hand_over(struct sender *sender);
/* After sender_end: it is over, or the time to linger is. */
bool sender_is_over(struct sender *sender);
/* The same as sender_end, and waits until the collector has it, or that time is over. False: some
 * of it has not arrived, as far as is known, and is lost. */
bool sender_finish(struct sender *sender, GError **error);

const struct export_counts *sender_counts(struct sender *sender);
/* The same, as if everything that waits had been handed over. */
struct export_counts sender_given(struct sender *sender);

#endif
