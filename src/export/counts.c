/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that an earlier run left in the spool are in that run's account; here only their records
 * are counted, apart. */
#include "export/counts.h"

void counts_sent(struct export_counts *counts, const struct message *message)
{
	if (message->earlier) {
		counts->recovered += message_flow_records(message);
		return;
	}
	counts->flows += message->flows.flows;
	counts->packets += message->flows.packets;
	counts->octets += message->flows.octets;
	counts->records += message_flow_records(message);
	counts->messages++;
	counts->message_octets += message->length;
}

void counts_unsent(struct export_counts *counts, const struct message *message)
{
	if (message->earlier) {
		counts->recovered -= message_flow_records(message);
		return;
	}
	counts->flows -= message->flows.flows;
	counts->packets -= message->flows.packets;
	counts->octets -= message->flows.octets;
	counts->records -= message_flow_records(message);
	counts->messages--;
	counts->message_octets -= message->length;
}

void counts_spooled(struct export_counts *counts, const struct message *message)
{
	if (message->earlier)
		return;
	counts->spooled_flows += message->flows.flows;
	counts->spooled_packets += message->flows.packets;
	counts->spooled_octets += message->flows.octets;
	counts->spooled_records += message_flow_records(message);
}

void counts_unspooled(struct export_counts *counts, const struct message *message)
{
	if (message->earlier)
		return;
	counts->spooled_flows -= message->flows.flows;
	counts->spooled_packets -= message->flows.packets;
	counts->spooled_octets -= message->flows.octets;
	counts->spooled_records -= message_flow_records(message);
}

void counts_failed(struct export_counts *counts, const struct tally *lost)
{
	counts->failed_flows += lost->flows;
	counts->failed_packets += lost->packets;
	counts->failed_octets += lost->octets;
}

void counts_overflow(struct export_counts *counts, const struct tally *lost)
{
	counts->overflow_flows += lost->flows;
	counts->overflow_packets += lost->packets;
	counts->overflow_octets += lost->octets;
}

void counts_untold(struct export_counts *counts, const struct tally *untold)
{
	counts->untold_flows += untold->flows;
	counts->untold_packets += untold->packets;
	counts->untold_octets += untold->octets;
}
