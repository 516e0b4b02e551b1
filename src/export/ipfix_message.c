/* SPDX-License-Identifier: BSD-2-Clause */
/* libfixbuf in manual mode over a buffer exporter. Every length is known before it is appended, so
 * the library never meets the end of a message by surprise. */
#include "export/ipfix_message.h"

#include "base/buffer.h"
#include "base/error.h"
#include "export/ipfix_model.h"

#define TEMPLATE_SET	     2
#define OPTIONS_TEMPLATE_SET 3

struct ipfix_message {
	fBuf_t *buffer; /* owns session and exporter */
	fbSession_t *session;
	fbExporter_t *exporter;
	guint8 *octets;
	size_t max;
	size_t used;	/* octets the message has so far; 0: none begun */
	guint16 set;	/* the set being filled */
	guint16 chosen; /* templates the buffer is set to */
	guint32 seconds;
	encoder_sink *sink;
	void *sink_data;
};

struct ipfix_message *ipfix_message_new(fbSession_t *session, guint16 max, encoder_sink *sink,
					void *sink_data)
{
	struct ipfix_message *message = g_new0(struct ipfix_message, 1);

	message->max = max;
	message->octets = g_malloc(max);
	message->session = session;
	message->exporter = fbExporterAllocBuffer(message->octets, max);
	message->buffer = fBufAllocForExport(session, message->exporter);
	message->sink = sink;
	message->sink_data = sink_data;
	fBufSetAutomaticMode(message->buffer, FALSE);
	return message;
}

void ipfix_message_free(struct ipfix_message *message)
{
	if (message == NULL)
		return;
	fBufFree(message->buffer);
	g_free(message->octets);
	g_free(message);
}

void ipfix_message_set_time(struct ipfix_message *message, guint32 seconds)
{
	message->seconds = seconds;
}

bool ipfix_message_send(struct ipfix_message *message, GError **error)
{
	GError *fixbuf = NULL;
	size_t length;

	if (message->used == 0)
		return true;
	if (!fBufEmit(message->buffer, &fixbuf)) {
		ipfix_error(error, fixbuf, "cannot end the IPFIX message");
		return false;
	}
	length = fbExporterGetMsgLen(message->exporter);
	g_assert(length == message->used); /* else a set may be empty and sizes are wrong */
	/* libfixbuf stamps a message when it begins it, which is before the clock is known. */
	store_be32(message->octets + 4, message->seconds);
	message->used = 0;
	message->set = 0;
	return message->sink(message->sink_data, message->octets, length, error);
}

/* Room for so many octets in that set, in a new message if need be. */
static bool reserve(struct ipfix_message *message, guint16 set, size_t length, GError **error)
{
	size_t need = (message->set == set ? 0 : IPFIX_SET_HEADER) + length;

	if (message->used != 0 && message->used + need > message->max &&
	    !ipfix_message_send(message, error))
		return false;
	if (message->used == 0) {
		message->used = IPFIX_MESSAGE_HEADER;
		need = IPFIX_SET_HEADER + length;
	}
	if (message->used + need > message->max) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "an IPFIX record of %zu octets does not fit messages of %zu; "
			    "use a shorter template",
			    length, message->max);
		message->used = 0;
		return false;
	}
	message->used += need;
	message->set = set;
	return true;
}

/* The first record after templates, and the first template after records, are refused once even
 * by an empty message: the library changes its mode that way. */
static bool mode_change(GError **fixbuf)
{
	if (!g_error_matches(*fixbuf, FB_ERROR_DOMAIN, FB_ERROR_EOM))
		return false;
	g_clear_error(fixbuf);
	return true;
}

bool ipfix_message_add_template(struct ipfix_message *message, guint16 id, bool options,
				size_t length, GError **error)
{
	GError *fixbuf = NULL;

	if (message->set >= IPFIX_FIRST_DATA_SET && !ipfix_message_send(message, error))
		return false;
	if (!reserve(message, options ? OPTIONS_TEMPLATE_SET : TEMPLATE_SET, length, error))
		return false;
	if (fbSessionExportTemplate(message->session, id, &fixbuf) ||
	    (mode_change(&fixbuf) && fbSessionExportTemplate(message->session, id, &fixbuf)))
		return true;
	ipfix_error(error, fixbuf, "cannot add a template to the IPFIX message");
	return false;
}

static bool choose(struct ipfix_message *message, guint16 id, GError **fixbuf)
{
	if (message->chosen == id)
		return true;
	message->chosen = id;
	return fBufSetInternalTemplate(message->buffer, id, fixbuf) &&
	       fBufSetExportTemplate(message->buffer, id, fixbuf);
}

bool ipfix_message_add_record(struct ipfix_message *message, const struct ipfix_record *record,
			      GError **error)
{
	GError *fixbuf = NULL;

	if (message->used != 0 && message->set < IPFIX_FIRST_DATA_SET &&
	    !ipfix_message_send(message, error))
		return false;
	if (!reserve(message, record->template_id, record->length, error))
		return false;
	if (choose(message, record->template_id, &fixbuf) &&
	    (fBufAppend(message->buffer, record->octets, record->size, &fixbuf) ||
	     (mode_change(&fixbuf) &&
	      fBufAppend(message->buffer, record->octets, record->size, &fixbuf))))
		return true;
	ipfix_error(error, fixbuf, "cannot add a record to the IPFIX message");
	return false;
}
