/* SPDX-License-Identifier: BSD-2-Clause */
/* What a live run shows on a terminal, as a function of what is known: the account, and the flows
 * that left lately. */
#ifndef WEIR_SETUP_LIVE_FRAME_H
#define WEIR_SETUP_LIVE_FRAME_H

#include "flow/flow.h"
#include "setup/account.h"

/* Flows that are remembered to be shown: a window seldom has more rows. */
#define LIVE_FLOWS 256

/* As much of a flow as a line tells, the initiator first. */
struct live_flow {
	guint8 address[2][16];
	guint64 packets[2];
	guint64 octets[2];
	guint64 first_ns;
	guint64 last_ns;
	guint16 port[2]; /* 0: none */
	guint8 proto;
	guint8 version;
	guint8 end;
};

struct live_frame {
	const char *title; /* what is metered */
	const char *hint;  /* where records go, how to end */
	const char *said;  /* the last message, or NULL */
	gint64 run_us;	   /* since the run began */
	double packets_s;  /* over the last second; negative: not known yet */
	double bits_s;
	const struct account *account;
	const struct live_flow *flows; /* a ring of LIVE_FLOWS */
	guint64 flows_count; /* that ever came: the newest is before [count % LIVE_FLOWS] */
};

struct live_flow live_flow_of(const struct flow_record *record);

/* A whole window: control sequences and text, to be written to the terminal; free with
 * g_string_free. Whatever comes from outside cannot steer it. */
GString *live_frame_draw(const struct live_frame *frame, guint rows, guint columns);

#endif
