/* SPDX-License-Identifier: BSD-2-Clause */
/* The NetFlow v9 packet being filled (RFC 3954, section 5): header, flowsets, padding. */
#ifndef WEIR_EXPORT_NETFLOW9_PACKET_H
#define WEIR_EXPORT_NETFLOW9_PACKET_H

#include "export/encoder.h"
#include "export/netflow_time.h"

#define NETFLOW9_PACKET_HEADER	   20
#define NETFLOW9_FLOWSET_HEADER	   4
#define NETFLOW9_TEMPLATES	   0 /* flowset ids */
#define NETFLOW9_OPTIONS_TEMPLATES 1
#define NETFLOW9_FIRST_DATA	   256

struct netflow9_packet;

/* max: octets a packet may have. The clock is read whenever a packet is finished. */
struct netflow9_packet *netflow9_packet_new(size_t max, guint32 source_id,
					    const struct netflow_time *time, encoder_sink *sink,
					    void *sink_data);
void netflow9_packet_free(struct netflow9_packet *packet);

/* The longest record, or template with its header, that a packet of so many octets holds. */
size_t netflow9_packet_room(size_t max);
/* Room for one more record or template, of at most netflow9_packet_room octets, in a flowset of
 * this id; in the next packet if need be. NULL: the sink failed. */
guint8 *netflow9_packet_add(struct netflow9_packet *packet, guint16 flowset, size_t length,
			    GError **error);
/* Hands the packet, if there is anything in it, to the sink. */
bool netflow9_packet_send(struct netflow9_packet *packet, GError **error);

/* What was sent so far. */
guint64 netflow9_packet_sent(const struct netflow9_packet *packet);
guint64 netflow9_packet_sent_octets(const struct netflow9_packet *packet);

#endif
