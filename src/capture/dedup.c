/* SPDX-License-Identifier: BSD-2-Clause */
/* The last packets lie in a ring, each in the chain of its digest's bucket: so the window of
 * packets is exact, whatever they are. */
#include "capture/dedup.h"

#include "meter/copy.h"

#define NOBODY G_MAXUINT32

struct copy {
	guint64 digest;
	guint64 time_ns;
	guint32 next; /* in the bucket's chain */
	guint32 iface;
	bool used;
};

struct dedup {
	struct dedup_options options;
	struct copy_settings settings;
	struct copy *ring;
	guint32 at; /* where the next one goes, in the oldest one's place */
	guint32 *buckets;
	guint32 mask;
	struct dedup_pair pairs[COPY_PAIRS];
	guint pairs_count;
};

/* splitmix64 */
static guint64 next_key(guint64 *state)
{
	guint64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

struct copy_settings dedup_settings(const struct dedup_options *options)
{
	struct copy_settings settings = { .wanted = options->packets > 0,
					  .window_ns = options->window_ns };
	guint64 state = options->seed;
	guint64 sets = 1;

	while (sets * COPY_WAYS < 2 * (guint64)options->packets)
		sets <<= 1;
	settings.set_mask = (guint32)(sets - 1);
	for (guint i = 0; i < COPY_KEYS; i++)
		settings.keys[i] = (guint32)(next_key(&state) >> 32);
	return settings;
}

struct dedup *dedup_new(const struct dedup_options *options)
{
	struct dedup *dedup = g_new0(struct dedup, 1);
	guint64 buckets = 1;

	while (buckets < options->packets)
		buckets <<= 1;
	dedup->options = *options;
	dedup->settings = dedup_settings(options);
	dedup->ring = g_new0(struct copy, options->packets);
	dedup->buckets = g_new(guint32, buckets);
	dedup->mask = (guint32)(buckets - 1);
	for (guint64 i = 0; i < buckets; i++)
		dedup->buckets[i] = NOBODY;
	return dedup;
}

void dedup_free(struct dedup *dedup)
{
	if (!dedup)
		return;
	g_free(dedup->ring);
	g_free(dedup->buckets);
	g_free(dedup);
}

static guint32 *bucket_of(struct dedup *dedup, guint64 digest)
{
	return &dedup->buckets[(guint32)(digest >> 32) & dedup->mask];
}

static void forget(struct dedup *dedup, guint32 place)
{
	guint32 *link = bucket_of(dedup, dedup->ring[place].digest);

	while (*link != place)
		link = &dedup->ring[*link].next;
	*link = dedup->ring[place].next;
}

static void remember(struct dedup *dedup, guint64 digest, const struct frame *frame)
{
	struct copy *copy = &dedup->ring[dedup->at];
	guint32 *bucket = bucket_of(dedup, digest);

	if (copy->used)
		forget(dedup, dedup->at);
	*copy = (struct copy){ .digest = digest,
			       .time_ns = frame->time_ns,
			       .iface = frame->iface,
			       .next = *bucket,
			       .used = true };
	*bucket = dedup->at;
	dedup->at = dedup->at + 1 < dedup->options.packets ? dedup->at + 1 : 0;
}

/* Whichever is the earlier by its time was first: interfaces are not read in that order. */
static void count_pair(struct dedup *dedup, const struct copy *known, const struct frame *frame)
{
	const bool earlier = frame->time_ns < known->time_ns;
	const struct copy_pair pair = { .first = earlier ? frame->iface : known->iface,
					.again = earlier ? known->iface : frame->iface };
	guint i = 0;

	while (i < dedup->pairs_count && (dedup->pairs[i].pair.first != pair.first ||
					  dedup->pairs[i].pair.again != pair.again))
		i++;
	if (i == COPY_PAIRS)
		return;
	if (i == dedup->pairs_count)
		dedup->pairs[dedup->pairs_count++].pair = pair;
	dedup->pairs[i].counts.packets++;
	dedup->pairs[i].counts.frame_octets += frame->length + (guint32)frame->outer;
}

/* What a packet of that time is a copy of; of several, the latest. */
static const struct copy *find(struct dedup *dedup, guint64 digest, guint64 time_ns)
{
	const struct copy *found = NULL;

	for (guint32 place = *bucket_of(dedup, digest); place != NOBODY;
	     place = dedup->ring[place].next) {
		const struct copy *copy = &dedup->ring[place];

		if (copy->digest == digest &&
		    copy_is_near(time_ns, copy->time_ns, dedup->options.window_ns) &&
		    (!found || copy->time_ns > found->time_ns))
			found = copy;
	}
	return found;
}

bool dedup_frame(struct dedup *dedup, const struct frame *frame)
{
	struct copy_view view = { .at = frame->data,
				  .end = frame->data + frame->captured,
				  .keys = dedup->settings.keys };
	const guint64 digest = copy_digest(&view, (enum meter_link)frame->link);

	const struct copy *known = find(dedup, digest, frame->time_ns);

	if (known)
		count_pair(dedup, known, frame);
	else
		remember(dedup, digest, frame);
	return known != NULL;
}

const struct dedup_pair *dedup_pairs(const struct dedup *dedup, guint *ret_count)
{
	*ret_count = dedup->pairs_count;
	return dedup->pairs;
}
