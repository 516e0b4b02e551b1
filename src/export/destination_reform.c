/* SPDX-License-Identifier: BSD-2-Clause */
/* A file whose template changes goes on: the templates of the new encoder have ids that the file
 * has not seen, and its messages are numbered on. */
#include "base/error.h"
#include "export/destination_check.h"
#include "export/destination_parts.h"

#define ID_RANGES ((65536 - 256) / ENCODER_IDS)

static guint32 domain_of(const struct destination_url *url, const struct export_options *options)
{
	return url->has_domain ? url->domain : options->domain;
}

bool destination_can_reform(const struct destination *destination,
			    const struct destination_url *url, const struct export_options *options,
			    GError **error)
{
	const struct encoder_ops *ops = destination->ledger.ops;
	const char *what = NULL;

	if (url->ops != ops)
		what = "another form";
	else if (url->gzip != destination->gzip)
		what = "another compression";
	else if (domain_of(url, options) != destination->form.domain && ops->refresh)
		what = "another domain";
	else if (ops->sequence != ENCODER_NO_SEQUENCE && !ops->refresh)
		what = "anything else";
	if (!what)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "destination \"%s\": that file is being written, and cannot have %s from here "
		    "on; name another file",
		    destination->url, what);
	return false;
}

guint32 destination_next_sequence(struct destination *destination)
{
	const struct encoder_ops *ops = destination->ledger.ops;
	guint32 next = G_MAXUINT32;

	if (ops->sequence == ENCODER_NO_SEQUENCE || !ops->refresh)
		return 0;
	destination->next_sequence = &next;
	ops->refresh(destination->encoder);
	if (!ops->flush(destination->encoder, NULL))
		next = 0;
	destination->next_sequence = NULL;
	return destination->sequence_base + next;
}

bool destination_reform(struct destination *destination, const struct destination_url *url,
			const char *label, const struct export_options *options, GError **error)
{
	struct record_template *layout =
		record_template_load(destination_template(url, options), options->direction, error);
	const struct encoder_options before = destination->form;
	const guint32 sequence = destination->sequence_base;

	if (!layout || !destination_flush(destination, error)) {
		record_template_free(layout);
		return false;
	}
	if (destination->over) {
		record_template_free(layout);
		return true;
	}
	destination->sequence_base = destination_next_sequence(destination);
	destination->form.record_template = layout;
	destination->form.pen = options->pen;
	destination->form.message_max = url->mtu;
	destination->form.more_id = (guint16)((destination->reforms + 1) % ID_RANGES * ENCODER_IDS);
	if (!destination_renew(destination, destination->ledger.ops, error)) {
		destination->form = before;
		destination->sequence_base = sequence;
		record_template_free(layout);
		return false;
	}
	destination->reforms++;
	record_template_free(destination->layout);
	destination->layout = layout;
	destination->ledger.layout = layout;
	g_free(destination->url);
	destination->url = g_strdup(label);
	destination->counts.url = destination->url;
	return true;
}
