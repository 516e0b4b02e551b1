/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/stream.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/statistics.h"

struct stream {
	struct stream_options options;
	char *template_name;
	char *template_sum;
	struct record_template *layout;
	struct encoder *encoder;
	struct ledger ledger;
	GPtrArray *introduction; /* of struct message */
	GPtrArray *caught;	 /* what the encoder gives goes here, not to the senders; or NULL */
	GPtrArray *senders;
	guint64 counted;      /* records in messages so far */
	guint64 options_made; /* records of reports */
	guint64 reported;     /* of them: in messages */
	struct tally told;    /* flows given */
	struct tally out;     /* of them: in messages */
	bool over;
};

static void unref_message(gpointer message)
{
	message_unref(message);
}

/* What the encoder calls with a finished message. */
static bool take(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct stream *stream = data;
	struct message *message = message_new(octets, length);

	(void)error;
	message->options = stream->options_made - stream->reported;
	stream->reported = stream->options_made;
	if (stream->caught) {
		message->records = message->options;
		g_ptr_array_add(stream->caught, message);
		return true;
	}
	message->records = stream->ledger.made - stream->counted;
	stream->counted = stream->ledger.made;
	ledger_settle(&stream->ledger, &message->flows);
	stream->out.flows += message->flows.flows;
	stream->out.packets += message->flows.packets;
	stream->out.octets += message->flows.octets;
	for (guint i = 0; i < stream->senders->len; i++)
		sender_put(g_ptr_array_index(stream->senders, i), message);
	message_unref(message);
	return true;
}

static bool catch_introduction(struct stream *stream, GPtrArray *messages, GError **error)
{
	const struct encoder_ops *form = stream->options.form;
	bool good;

	form->refresh(stream->encoder);
	stream->caught = messages;
	good = form->flush(stream->encoder, error);
	stream->caught = NULL;
	return good;
}

static guint32 sequence_of(const struct stream *stream, const GPtrArray *messages, guint i)
{
	const struct message *message = g_ptr_array_index(messages, i);

	return load_be32(message->octets + stream->options.form->sequence_at);
}

/* Type records are data records too. How many a message of the introduction has is told by the
 * number of the message that follows it, so it is asked for twice. */
static bool learn_introduction(struct stream *stream, GError **error)
{
	g_autoptr(GPtrArray) again = g_ptr_array_new_with_free_func(unref_message);
	GPtrArray *first = stream->introduction;

	if (!stream->options.form->refresh)
		return true;
	if (!catch_introduction(stream, first, error) || !catch_introduction(stream, again, error))
		return false;
	for (guint i = 0; i < first->len && again->len > 0; i++) {
		struct message *message = g_ptr_array_index(first, i);
		guint32 next = i + 1 < first->len ? sequence_of(stream, first, i + 1)
						  : sequence_of(stream, again, 0);

		message->records = message->options = next - sequence_of(stream, first, i);
	}
	return true;
}

struct stream *stream_new(const struct stream_options *options, GError **error)
{
	struct stream *stream = g_new0(struct stream, 1);

	stream->options = *options;
	stream->template_name = g_strdup(options->template_name);
	stream->template_sum = g_strdup(options->template_sum);
	stream->introduction = g_ptr_array_new_with_free_func(unref_message);
	stream->senders = g_ptr_array_new();
	stream->layout = record_template_load(stream->template_name, options->direction, error);
	if (stream->layout)
		stream->encoder = options->form->open(
			&(struct encoder_options){
				.record_template = stream->layout,
				.pen = options->pen,
				.domain = options->domain,
				.sampling = options->sampling,
				.random_sampling = options->random_sampling,
				.message_max = options->message_max,
				.message_grows = options->message_grows,
				.more_id = options->more_id,
				.lasting_introduction = true,
			},
			take, stream, error);
	stream->ledger = (struct ledger){ .ops = options->form,
					  .encoder = stream->encoder,
					  .layout = stream->layout };
	if (!stream->encoder || !learn_introduction(stream, error)) {
		stream_free(stream);
		return NULL;
	}
	return stream;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->encoder)
		stream->options.form->free(stream->encoder);
	record_template_free(stream->layout);
	g_ptr_array_unref(stream->introduction);
	g_ptr_array_unref(stream->senders);
	g_free(stream->template_name);
	g_free(stream->template_sum);
	g_free(stream);
}

bool stream_is(const struct stream *stream, const struct stream_options *options)
{
	const struct stream_options *mine = &stream->options;

	return mine->form == options->form && mine->direction == options->direction &&
	       mine->pen == options->pen && mine->domain == options->domain &&
	       mine->message_max == options->message_max &&
	       mine->message_grows == options->message_grows && mine->more_id == options->more_id &&
	       g_strcmp0(stream->template_sum, options->template_sum) == 0 &&
	       g_str_equal(stream->template_name, options->template_name);
}

bool stream_equal(const struct stream *one, const struct stream *other)
{
	struct stream_options options = other->options;

	options.template_name = other->template_name;
	options.template_sum = other->template_sum;
	return stream_is(one, &options);
}

enum flow_detail stream_detail(const struct stream *stream)
{
	return stream->layout->detail;
}

const struct record_template *stream_layout(const struct stream *stream)
{
	return stream->layout;
}

const GPtrArray *stream_introduction(const struct stream *stream)
{
	return stream->introduction;
}

void stream_add(struct stream *stream, struct sender *sender)
{
	g_ptr_array_add(stream->senders, sender);
}

guint stream_remove(struct stream *stream, struct sender *sender)
{
	g_ptr_array_remove(stream->senders, sender);
	return stream->senders->len;
}

/* What is in no message will be in none. */
static void give_up(struct stream *stream)
{
	const struct tally lost = {
		.flows = stream->told.flows - stream->out.flows,
		.packets = stream->told.packets - stream->out.packets,
		.octets = stream->told.octets - stream->out.octets,
	};

	stream->over = true;
	for (guint i = 0; i < stream->senders->len; i++)
		sender_count_failed(g_ptr_array_index(stream->senders, i), &lost);
}

/* Of what was put since. */
static void wake_senders(const struct stream *stream)
{
	for (guint i = 0; i < stream->senders->len; i++)
		sender_wake(g_ptr_array_index(stream->senders, i));
}

bool stream_write(struct stream *stream, const struct flow_batch *batch, GError **error)
{
	struct tally told = { 0 };
	struct tally untold = { 0 };
	bool good;

	ledger_sort(&stream->ledger, batch, &told, &untold);
	for (guint i = 0; i < stream->senders->len; i++) {
		struct sender *sender = g_ptr_array_index(stream->senders, i);

		if (untold.flows > 0)
			sender_count_untold(sender, &untold);
		if (stream->over)
			sender_count_failed(sender, &told);
	}
	if (stream->over)
		return true;
	tally_move(&stream->told, &told);
	good = ledger_encode(&stream->ledger, stream->encoder, batch, error);
	wake_senders(stream);
	if (!good)
		give_up(stream);
	return good;
}

bool stream_flush(struct stream *stream, GError **error)
{
	bool good;

	if (stream->over || stream->told.flows == 0)
		return true;
	good = stream->options.form->flush(stream->encoder, error);
	wake_senders(stream);
	if (!good)
		give_up(stream);
	return good;
}

/* The statistics of this sender's session, for it alone. */
static bool report_to(struct stream *stream, struct sender *sender,
		      const struct export_statistics *statistics, GError **error)
{
	g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(unref_message);
	const struct export_counts counts = sender_given(sender);
	bool good;

	stream->caught = messages;
	good = stream->options.form->report(stream->encoder,
					    &(struct export_report){ statistics, &counts },
					    &stream->options_made, error);
	stream->caught = NULL;
	for (guint i = 0; i < messages->len; i++)
		sender_put(sender, g_ptr_array_index(messages, i));
	sender_wake(sender);
	return good;
}

bool stream_report(struct stream *stream, const struct export_statistics *statistics,
		   GError **error)
{
	if (stream->over || !stream->options.form->report)
		return true;
	if (!stream_flush(stream, error))
		return false;
	for (guint i = 0; i < stream->senders->len; i++) {
		if (report_to(stream, g_ptr_array_index(stream->senders, i), statistics, error))
			continue;
		give_up(stream);
		return false;
	}
	return true;
}
