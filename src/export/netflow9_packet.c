/* SPDX-License-Identifier: BSD-2-Clause */
/* A flowset is opened with its first record, so none is ever empty, and it is padded to 32 bits
 * when the next one is opened or the packet ends. */
#include "export/netflow9_packet.h"

#include <string.h>

#include "base/buffer.h"

#define VERSION 9

struct netflow9_packet {
	guint32 source_id;
	const struct netflow_time *time;
	encoder_sink *sink;
	void *sink_data;
	guint64 sent;
	guint64 sent_octets;
	guint16 records; /* of all kinds, in this packet */
	guint16 flowset; /* being filled, where records > 0 */
	size_t start;	 /* of that flowset */
	size_t used;
	size_t max;
	guint8 octets[];
};

static size_t padded(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

size_t netflow9_packet_room(size_t max)
{
	const size_t headers = NETFLOW9_PACKET_HEADER + NETFLOW9_FLOWSET_HEADER;

	max &= ~(size_t)3; /* what lies beyond could not be padded */
	return max > headers ? max - headers : 0;
}

struct netflow9_packet *netflow9_packet_new(size_t max, guint32 source_id,
					    const struct netflow_time *time, encoder_sink *sink,
					    void *sink_data)
{
	struct netflow9_packet *packet = g_malloc0(sizeof(*packet) + max);

	packet->source_id = source_id;
	packet->time = time;
	packet->sink = sink;
	packet->sink_data = sink_data;
	packet->max = max;
	return packet;
}

void netflow9_packet_free(struct netflow9_packet *packet)
{
	g_free(packet);
}

static void close_flowset(struct netflow9_packet *packet)
{
	size_t end = padded(packet->used);

	memset(packet->octets + packet->used, 0, end - packet->used);
	store_be16(packet->octets + packet->start, packet->flowset);
	store_be16(packet->octets + packet->start + 2, (guint16)(end - packet->start));
	packet->used = end;
}

static void open_flowset(struct netflow9_packet *packet, guint16 flowset)
{
	if (packet->records > 0)
		close_flowset(packet);
	else
		packet->used = NETFLOW9_PACKET_HEADER;
	packet->flowset = flowset;
	packet->start = packet->used;
	packet->used += NETFLOW9_FLOWSET_HEADER;
}

bool netflow9_packet_send(struct netflow9_packet *packet, GError **error)
{
	guint8 *header = packet->octets;

	if (packet->records == 0)
		return true;
	close_flowset(packet);
	store_be16(header, VERSION);
	store_be16(header + 2, packet->records);
	store_be32(header + 4, netflow_time_uptime(packet->time));
	store_be32(header + 8, netflow_time_seconds(packet->time));
	store_be32(header + 12, (guint32)packet->sent);
	store_be32(header + 16, packet->source_id);
	packet->sent++;
	packet->sent_octets += packet->used;
	packet->records = 0;
	return packet->sink(packet->sink_data, packet->octets, packet->used, error);
}

guint8 *netflow9_packet_add(struct netflow9_packet *packet, guint16 flowset, size_t length,
			    GError **error)
{
	bool same = packet->records > 0 && packet->flowset == flowset;
	size_t at = same ? packet->used : padded(packet->used) + NETFLOW9_FLOWSET_HEADER;

	g_assert(length <= netflow9_packet_room(packet->max));
	if (packet->records > 0 &&
	    (padded(at + length) > packet->max || packet->records == G_MAXUINT16)) {
		if (!netflow9_packet_send(packet, error))
			return NULL;
		same = false;
	}
	if (!same)
		open_flowset(packet, flowset);
	packet->used += length;
	packet->records++;
	return packet->octets + packet->used - length;
}

guint64 netflow9_packet_sent(const struct netflow9_packet *packet)
{
	return packet->sent;
}

guint64 netflow9_packet_sent_octets(const struct netflow9_packet *packet)
{
	return packet->sent_octets;
}
