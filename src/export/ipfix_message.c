/* SPDX-License-Identifier: BSD-2-Clause */
/* libfixbuf in manual mode over a buffer exporter. Every length is known before it is appended, so
 * the library never meets the end of a message by surprise. */
#include "export/ipfix_message.h"

#include <string.h>

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
	guint8 *split; /* the same with a set for each options template */
	size_t max;
	size_t usual;	/* up to max; a template may need more */
	size_t used;	/* octets the message has so far; 0: none begun */
	size_t added;	/* of them: those that the split adds */
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

	message->max = message->usual = max;
	message->octets = g_malloc(max);
	message->split = g_malloc(max);
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
	g_free(message->split);
	g_free(message);
}

void ipfix_message_set_usual(struct ipfix_message *message, size_t usual)
{
	g_assert(usual <= message->max);
	message->usual = usual;
}

void ipfix_message_set_time(struct ipfix_message *message, guint32 seconds)
{
	message->seconds = seconds;
}

static size_t options_template_length(const guint8 *template)
{
	const guint columns = load_be16(template + 2);
	size_t length = 6;

	for (guint i = 0; i < columns; i++)
		length += load_be16(template + length) & 0x8000 ? 8 : 4;
	return length;
}

/* A set at from, of options templates, becomes as many sets; returns what they take. */
static size_t split_set(const guint8 *from, guint8 *to)
{
	const guint8 *end = from + load_be16(from + 2);
	size_t written = 0;

	for (from += IPFIX_SET_HEADER; from < end;) {
		const size_t length = options_template_length(from);

		store_be16(to + written, OPTIONS_TEMPLATE_SET);
		store_be16(to + written + 2, (guint16)(IPFIX_SET_HEADER + length));
		memcpy(to + written + IPFIX_SET_HEADER, from, length);
		written += IPFIX_SET_HEADER + length;
		from += length;
	}
	return written;
}

/* pmacct (1.7.7) looks for the second options template of a set in the wrong place, and then gives
 * up the whole message. The library puts all of them into one set. */
static const guint8 *split_options(struct ipfix_message *message, size_t length)
{
	size_t written = IPFIX_MESSAGE_HEADER;

	memcpy(message->split, message->octets, IPFIX_MESSAGE_HEADER);
	for (size_t at = IPFIX_MESSAGE_HEADER; at < length;) {
		const guint8 *set = message->octets + at;
		const size_t size = load_be16(set + 2);

		if (load_be16(set) == OPTIONS_TEMPLATE_SET) {
			written += split_set(set, message->split + written);
		} else {
			memcpy(message->split + written, set, size);
			written += size;
		}
		at += size;
	}
	store_be16(message->split + 2, (guint16)written);
	g_assert(written == message->used);
	return message->split;
}

bool ipfix_message_send(struct ipfix_message *message, GError **error)
{
	GError *fixbuf = NULL;
	const guint8 *octets = message->octets;
	size_t length;

	if (message->used == 0)
		return true;
	if (!fBufEmit(message->buffer, &fixbuf)) {
		ipfix_error(error, fixbuf, "cannot end the IPFIX message");
		return false;
	}
	length = fbExporterGetMsgLen(message->exporter);
	/* Else a set may be empty and sizes are wrong. */
	g_assert(length + message->added == message->used);
	/* libfixbuf stamps a message when it begins it, which is before the clock is known. */
	store_be32(message->octets + 4, message->seconds);
	if (message->added > 0) {
		octets = split_options(message, length);
		length = message->used;
	}
	message->used = message->added = 0;
	message->set = 0;
	return message->sink(message->sink_data, octets, length, error);
}

/* Room for so many octets in that set, in a new message if need be. */
static bool reserve(struct ipfix_message *message, guint16 set, size_t length, GError **error)
{
	const bool same = message->set == set;
	const bool split = same && set == OPTIONS_TEMPLATE_SET;
	size_t need = (same && !split ? 0 : IPFIX_SET_HEADER) + length;

	if (message->used != 0 && message->used + need > message->usual &&
	    !ipfix_message_send(message, error))
		return false;
	if (message->used == 0) {
		message->used = IPFIX_MESSAGE_HEADER;
		need = IPFIX_SET_HEADER + length;
	} else if (split) {
		message->added += IPFIX_SET_HEADER;
	}
	if (message->used + need > (set < IPFIX_FIRST_DATA_SET ? message->max : message->usual)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "an IPFIX record of %zu octets does not fit messages of %zu; "
			    "use a shorter template",
			    length, message->usual);
		message->used = message->added = 0;
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
