/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/sieve.h"

#include "capture/filter.h"

struct sieve {
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
	sieve->filter = filter;
	return sieve;
}

void sieve_free(struct sieve *sieve)
{
	if (!sieve)
		return;
	filter_free(sieve->filter);
	g_free(sieve);
}

static enum meter_verdict examine(struct sieve *sieve, const struct frame *frame)
{
	if (sieve->filter && !filter_match(sieve->filter, frame->linktype, frame))
		return METER_FILTERED;
	return METER_OK;
}

size_t sieve_frames(struct sieve *sieve, struct frame *frames, size_t count)
{
	size_t kept = 0;

	if (!sieve->filter)
		return count;
	for (size_t i = 0; i < count; i++) {
		enum meter_verdict verdict = examine(sieve, &frames[i]);

		if (verdict == METER_OK) {
			frames[kept++] = frames[i];
			continue;
		}
		sieve->counts.packets[verdict]++;
		sieve->counts.frame_octets[verdict] += frames[i].length;
	}
	return kept;
}

const struct meter_counts *sieve_counts(const struct sieve *sieve)
{
	return &sieve->counts;
}
