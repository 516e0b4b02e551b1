/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/way.h"

void way_clear(struct way *way)
{
	g_clear_pointer(&way->url, g_free);
	g_clear_pointer(&way->name, g_free);
}

bool way_is_healthy(const struct way *way)
{
	return !way->sender || sender_is_healthy(way->sender);
}

bool way_write(struct way *way, const struct flow_batch *batch, GError **error)
{
	if (batch->count == 0)
		return true;
	return way->file ? destination_write(way->file, batch, error)
			 : stream_write(way->stream, batch, error);
}

void way_move(struct way *from, struct way *to)
{
	g_autoptr(GPtrArray) messages = sender_steal(from->sender);

	for (guint i = 0; i < messages->len; i++) {
		struct message *message = g_ptr_array_index(messages, i);

		from->elsewhere.flows += message->flows.flows;
		from->elsewhere.packets += message->flows.packets;
		from->elsewhere.octets += message->flows.octets;
		to->elsewhere.flows -= message->flows.flows;
		to->elsewhere.packets -= message->flows.packets;
		to->elsewhere.octets -= message->flows.octets;
		sender_put(to->sender, message);
	}
}

const struct export_counts *way_counts(struct way *way)
{
	way->told = way->file ? *destination_counts(way->file) : *sender_counts(way->sender);
	way->told.url = way->url;
	way->told.name = way->name;
	way->told.elsewhere_flows = way->elsewhere.flows;
	way->told.elsewhere_packets = way->elsewhere.packets;
	way->told.elsewhere_octets = way->elsewhere.octets;
	return &way->told;
}
