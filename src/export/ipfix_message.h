/* SPDX-License-Identifier: BSD-2-Clause */
/* One IPFIX session and the message it is filling. Sets are opened and messages ended here, before
 * libfixbuf would have to: left alone, it ends a message with an empty set (before 2.5.2). */
#ifndef WEIR_EXPORT_IPFIX_MESSAGE_H
#define WEIR_EXPORT_IPFIX_MESSAGE_H

#include <fixbuf/public.h>

#include "export/encoder.h"

#define IPFIX_MESSAGE_HEADER   16
#define IPFIX_SET_HEADER       4
#define IPFIX_FIRST_DATA_SET   256
#define IPFIX_MESSAGE_MAX_FILE 65496 /* room below 64 KiB for whoever wraps the message */
#define IPFIX_MESSAGE_MAX_UDP  1420  /* for transports: what passes a tunnel over Ethernet */
#define IPFIX_MESSAGE_MIN      512

struct ipfix_message;

/* Takes the session, whose templates are in it already. */
struct ipfix_message *ipfix_message_new(fbSession_t *session, guint16 max, encoder_sink *sink,
					void *sink_data);
void ipfix_message_free(struct ipfix_message *message);

/* Less than the maximum: messages of records are no longer than that, only a template that needs
 * more gets it. */
void ipfix_message_set_usual(struct ipfix_message *message, size_t usual);

/* The export time of messages sent from now on: seconds of the packet clock. */
void ipfix_message_set_time(struct ipfix_message *message, guint32 seconds);

/* length: octets of the template in its set. */
bool ipfix_message_add_template(struct ipfix_message *message, guint16 id, bool options,
				size_t length, GError **error);
/* A record whose internal and external template both have this id. length: octets of the record
 * on the wire; size: those of the record in memory. */
struct ipfix_record {
	guint16 template_id;
	size_t length;
	guint8 *octets;
	size_t size;
};
bool ipfix_message_add_record(struct ipfix_message *message, const struct ipfix_record *record,
			      GError **error);

/* Hands the message, if there is anything in it, to the sink. */
bool ipfix_message_send(struct ipfix_message *message, GError **error);

#endif
