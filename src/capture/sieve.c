/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/sieve.h"

#include "capture/link_strip.h"

struct sieve {
	struct sieve_options options;
	struct link_strip *strip;
	struct dedup *dedup;   /* NULL: copies pass */
	GArray *unread;	       /* guint16: link types that were told of */
	struct filter *filter; /* NULL: everything matches */
	struct meter_counts counts;
};

struct sieve *sieve_new(const struct sieve_options *options, GError **error)
{
	struct filter *filter = options->filter ? filter_new(options->filter, error) : NULL;
	struct sieve *sieve;

	if (options->filter && !filter)
		return NULL;
	sieve = g_new0(struct sieve, 1);
	sieve->options = *options;
	sieve->filter = filter;
	if (filter)
		filter_tell_unfit(filter, options->unfit, options->data);
	sieve->strip = link_strip_new();
	if (options->dedup.packets)
		sieve->dedup = dedup_new(&options->dedup);
	sieve->unread = g_array_new(FALSE, FALSE, sizeof(guint16));
	return sieve;
}

void sieve_free(struct sieve *sieve)
{
	if (!sieve)
		return;
	filter_free(sieve->filter);
	link_strip_free(sieve->strip);
	dedup_free(sieve->dedup);
	g_array_unref(sieve->unread);
	g_free(sieve);
}

void sieve_set_filter(struct sieve *sieve, struct filter *filter)
{
	filter_free(sieve->filter);
	sieve->filter = filter;
	if (filter)
		filter_tell_unfit(filter, sieve->options.unfit, sieve->options.data);
}

static void tell_unread(struct sieve *sieve, guint16 linktype)
{
	for (guint i = 0; i < sieve->unread->len; i++) {
		if (g_array_index(sieve->unread, guint16, i) == linktype)
			return;
	}
	g_array_append_val(sieve->unread, linktype);
	if (sieve->options.unread)
		sieve->options.unread(sieve->options.data, linktype);
}

static enum meter_verdict strip(struct sieve *sieve, struct frame *frame)
{
	enum meter_verdict verdict = link_strip_frame(sieve->strip, frame);

	if (verdict == METER_LINK_TYPE)
		tell_unread(sieve, frame->linktype);
	return verdict;
}

static enum meter_verdict examine(struct sieve *sieve, struct frame *frame)
{
	enum meter_verdict verdict = METER_OK;

	if (sieve->filter && !filter_match(sieve->filter, frame->linktype, frame))
		return METER_FILTERED;
	if (frame->link == METER_LINK_OTHER)
		verdict = strip(sieve, frame);
	if (verdict == METER_OK && sieve->dedup && dedup_frame(sieve->dedup, frame))
		return METER_DUPLICATE;
	return verdict;
}

/* Nothing is asked, and there is nothing that the meter does not read: most captures. */
static bool all_pass(const struct sieve *sieve, const struct frame *frames, size_t count)
{
	if (sieve->filter || sieve->dedup)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (frames[i].link == METER_LINK_OTHER)
			return false;
	}
	return true;
}

size_t sieve_frames(struct sieve *sieve, struct frame *frames, size_t count)
{
	size_t kept = 0;

	if (all_pass(sieve, frames, count))
		return count;
	link_strip_begin(sieve->strip);
	for (size_t i = 0; i < count; i++) {
		enum meter_verdict verdict = examine(sieve, &frames[i]);

		if (verdict == METER_OK) {
			if (kept != i)
				frames[kept] = frames[i];
			kept++;
			continue;
		}
		sieve->counts.packets[verdict]++;
		sieve->counts.frame_octets[verdict] += frames[i].length + (guint32)frames[i].outer;
	}
	return kept;
}

const struct meter_counts *sieve_counts(const struct sieve *sieve)
{
	return &sieve->counts;
}

const struct dedup_pair *sieve_copies(const struct sieve *sieve, guint *ret_count)
{
	*ret_count = 0;
	return sieve->dedup ? dedup_pairs(sieve->dedup, ret_count) : NULL;
}
