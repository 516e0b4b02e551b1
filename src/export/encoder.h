/* SPDX-License-Identifier: BSD-2-Clause */
/* An encoder turns flow records into octets of one form; where they go is not its business. */
#ifndef WEIR_EXPORT_ENCODER_H
#define WEIR_EXPORT_ENCODER_H

#include "export/template.h"

struct encoder;
struct export_report;

/* More ids than an encoder ever takes. */
#define ENCODER_IDS 32

struct encoder_options {
	const struct record_template *record_template; /* outlives the encoder */
	guint32 pen;				       /* of our own elements */
	guint32 domain;				       /* observation domain */
	guint16 message_max;  /* octets of a message at most; 0: what suits the form */
	bool message_grows;   /* that is only usual: more where a template has to have it */
	guint32 sampling;     /* one packet in so many was metered; 0 and 1: every one */
	bool random_sampling; /* chosen at random, not every Nth */
	/* Added to the ids of templates: who changes them for a collector that may remember the old
	 * ones gives them new ids. A multiple of ENCODER_IDS. */
	guint16 more_id;
	/* What the session begins with is told again as it was: nothing in it may change. */
	bool lasting_introduction;
};

/* Takes finished octets: all of them, or sets the error. One call is one whole message of IPFIX or
 * one packet of NetFlow, so a transport with borders of its own sends each call's octets as one
 * datagram; of JSON and text it is some whole lines. */
typedef bool encoder_sink(void *data, const guint8 *octets, size_t length, GError **error);

/* What the number in a message's header counts of those before it in its session. */
enum encoder_sequence {
	ENCODER_NO_SEQUENCE,
	ENCODER_COUNTS_RECORDS,
	ENCODER_COUNTS_MESSAGES,
};

/* One row per form, in export/encoders.c. All calls come from the export thread. */
struct encoder_ops {
	const char *scheme; /* "ipfix", "json", ...: the part of the URL before "+" */
	enum encoder_sequence sequence;
	guint sequence_at;	/* where it stands: 4 octets */
	guint time_at;		/* seconds since 1970, likewise; 0: nowhere */
	guint uptime_at;	/* milliseconds of the same moment since some other; 0: nowhere */
	const char *transports; /* beside files, that can carry it: "udp tcp" */
	guint16 port;		/* of collectors, where the transport's is not theirs; 0: none */
	const char *template_name; /* where the user named none; NULL: "standard" */
	/* At start. The encoder calls the sink whenever it has something whole to send. */
	struct encoder *(*open)(const struct encoder_options *options, encoder_sink *sink,
				void *sink_data, GError **error);
	/* How many records this flow becomes; 0: it cannot be told, and encode leaves it out. NULL:
	 * as many as record_template_records says. */
	guint64 (*records)(const struct encoder *encoder, const struct flow *flow);
	/* Every flow of the batch that becomes records. ret_records grows by the data records
	 * made, not before they are made: at each call of the sink it tells
	 * how many records the octets so far hold. */
	bool (*encode)(struct encoder *encoder, const struct flow_batch *batch,
		       guint64 *ret_records, GError **error);
	/* At any time: whatever is still held back goes to the sink as finished octets, a message
	 * or whole lines. With nothing held back the sink is not called, but for an encoder that
	 * has told nothing yet: its templates go out, so that the end of a session without flows
	 * is well-formed. */
	bool (*flush)(struct encoder *encoder, GError **error);
	/* What a reader must know before data (templates, element types, options) will be told
	 * again, in a message of its own before the next record, or at the next flush. When is
	 * for the caller to say: after a reconnect, and over UDP by time and by count. NULL:
	 * there is nothing of the kind. */
	void (*refresh)(struct encoder *encoder);
	/* Statistics (export/statistics.h), after what was encoded before and in finished messages.
	 * ret_options grows by data records as encode's ret_records does: they are not of flows.
	 * NULL: the form has no place for them. */
	bool (*report)(struct encoder *encoder, const struct export_report *report,
		       guint64 *ret_options, GError **error);
	void (*free)(struct encoder *encoder);
};

extern const struct encoder_ops ipfix_encoder;
extern const struct encoder_ops netflow9_encoder;
extern const struct encoder_ops netflow5_encoder;
extern const struct encoder_ops json_encoder;
extern const struct encoder_ops text_encoder;

/* All of them, NULL-terminated. */
extern const struct encoder_ops *const encoders[];
const struct encoder_ops *encoder_by_scheme(const char *scheme, size_t length);

#endif
