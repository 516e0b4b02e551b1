/* SPDX-License-Identifier: BSD-2-Clause */
/* Records in one form, encoded once for every collector that wants them so. */
#ifndef WEIR_EXPORT_STREAM_H
#define WEIR_EXPORT_STREAM_H

#include "export/sender.h"

struct stream;

struct stream_options {
	const struct encoder_ops *form;
	const char *template_name;
	const char *template_sum; /* of the template's file; "" or NULL: it is in weir itself */
	enum template_direction direction;
	guint32 pen;
	guint32 domain;
	guint32 sampling;
	bool random_sampling;
	guint16 message_max; /* 0: what suits the form */
	bool message_grows;  /* where a template has to have more */
	guint16 more_id;     /* see struct encoder_options */
};

struct stream *stream_new(const struct stream_options *options, GError **error);
void stream_free(struct stream *stream);

/* Whether its octets are those that were asked for. */
bool stream_is(const struct stream *stream, const struct stream_options *options);
/* Their messages have the same templates: one may be sent for the other. */
bool stream_equal(const struct stream *one, const struct stream *other);
enum flow_detail stream_detail(const struct stream *stream);
const struct record_template *stream_layout(const struct stream *stream);

/* What every session begins with: of struct message. */
const GPtrArray *stream_introduction(const struct stream *stream);
/* From now on the sender gets every message. It stays the caller's. */
void stream_add(struct stream *stream, struct sender *sender);
/* From now on it gets nothing. Returns how many still do. */
guint stream_remove(struct stream *stream, struct sender *sender);

/* False when encoding failed just now; from then on it only counts. */
bool stream_write(struct stream *stream, const struct flow_batch *batch, GError **error);
/* What the encoder holds back becomes a message. */
bool stream_flush(struct stream *stream, GError **error);
/* Flushes, and tells every sender the statistics of the run and of its session. */
bool stream_report(struct stream *stream, const struct export_statistics *statistics,
		   GError **error);

#endif
