/* SPDX-License-Identifier: BSD-2-Clause */
/* Which flows an encoder has given out. Flows go in, octets come out later, and several at a time;
 * but the encoder says how many records the octets hold, and how many records a flow becomes is
 * known, so the account stays exact. */
#ifndef WEIR_EXPORT_LEDGER_H
#define WEIR_EXPORT_LEDGER_H

#include "export/encoder.h"

struct tally {
	guint64 flows;
	guint64 packets;
	guint64 octets;
};

struct ledger {
	const struct encoder_ops *ops;
	const struct encoder *encoder;
	const struct record_template *layout;
	guint64 made;			/* records, as the encoder counts them */
	struct tally held;		/* flows of earlier batches, still in the encoder */
	guint64 held_through;		/* all of these are out when so many records are */
	const struct flow_batch *batch; /* being encoded */
	size_t next;	 /* first flow of the batch that may still be in the encoder */
	guint64 through; /* records of all flows before it */
};

static inline void tally_flow(struct tally *tally, const struct flow *flow)
{
	tally->flows++;
	tally->packets += flow_packets(flow);
	tally->octets += flow_octets(flow);
}

/* Adds what is in from, and empties that. */
void tally_move(struct tally *to, struct tally *from);

/* How many records the flow becomes; 0: none, it is left out. */
static inline guint64 ledger_records(const struct ledger *ledger, const struct flow *flow)
{
	if (ledger->ops->records != NULL)
		return ledger->ops->records(ledger->encoder, flow);
	return record_template_records(ledger->layout, flow);
}

/* Adds the flows of a batch to those that become records and those that do not. */
void ledger_sort(const struct ledger *ledger, const struct flow_batch *batch, struct tally *told,
		 struct tally *untold);

/* Encodes the batch: the encoder's sink may call ledger_settle() meanwhile. */
bool ledger_encode(struct ledger *ledger, struct encoder *encoder, const struct flow_batch *batch,
		   GError **error);
/* Adds the flows whose last record the encoder has given out since it was asked before. */
void ledger_settle(struct ledger *ledger, struct tally *out);

#endif
