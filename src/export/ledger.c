/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/ledger.h"

void tally_move(struct tally *to, struct tally *from)
{
	to->flows += from->flows;
	to->packets += from->packets;
	to->octets += from->octets;
	*from = (struct tally){ 0 };
}

void ledger_sort(const struct ledger *ledger, const struct flow_batch *batch, struct tally *told,
		 struct tally *untold)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct flow *flow = &batch->records[i].flow;

		tally_flow(ledger_records(ledger, flow) > 0 ? told : untold, flow);
	}
}

void ledger_settle(struct ledger *ledger, struct tally *out)
{
	const struct flow_batch *batch = ledger->batch;

	if (ledger->held.flows > 0) {
		if (ledger->made < ledger->held_through)
			return;
		tally_move(out, &ledger->held);
	}
	for (; batch != NULL && ledger->next < batch->count; ledger->next++) {
		const struct flow *flow = &batch->records[ledger->next].flow;
		guint64 records = ledger_records(ledger, flow);

		if (ledger->through + records > ledger->made)
			return;
		ledger->through += records;
		if (records > 0)
			tally_flow(out, flow);
	}
}

/* The batch goes away; what the encoder keeps of it stays as a sum. */
static void hold_rest(struct ledger *ledger)
{
	const struct flow_batch *batch = ledger->batch;

	for (; ledger->next < batch->count; ledger->next++) {
		const struct flow *flow = &batch->records[ledger->next].flow;
		guint64 records = ledger_records(ledger, flow);

		ledger->through += records;
		if (records > 0)
			tally_flow(&ledger->held, flow);
	}
	ledger->held_through = ledger->through;
	ledger->batch = NULL;
}

bool ledger_encode(struct ledger *ledger, struct encoder *encoder, const struct flow_batch *batch,
		   GError **error)
{
	bool done;

	ledger->batch = batch;
	ledger->next = 0;
	done = ledger->ops->encode(encoder, batch, &ledger->made, error);
	hold_rest(ledger);
	return done;
}
