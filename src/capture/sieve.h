/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with frames before the native meter: link headers that it does not read are taken
 * off, and frames that do not match the filter, hold nothing for it, or are copies of another, stay
 * behind, each in a counter. */
#ifndef WEIR_CAPTURE_SIEVE_H
#define WEIR_CAPTURE_SIEVE_H

#include "capture/dedup.h"
#include "capture/filter.h"

struct sieve;

/* A link type that is not read has come for the first time. */
typedef void sieve_unread(void *data, guint16 linktype);

struct sieve_options {
	sieve_unread *unread; /* NULL: nobody wants to know */
	filter_unfit *unfit;  /* likewise */
	void *data;
	const char *filter;	    /* a tcpdump expression; NULL: everything */
	struct dedup_options dedup; /* no packets: copies are metered, too */
};

/* WEIR_ERROR_USAGE: the filter. */
struct sieve *sieve_new(const struct sieve_options *options, GError **error);
void sieve_free(struct sieve *sieve);
/* From the next frame on; takes it. NULL: everything. */
void sieve_set_filter(struct sieve *sieve, struct filter *filter);

/* What the meter is to have is moved to the front, in the same order; how many they are. The data
 * of the frames is left as it is. */
size_t sieve_frames(struct sieve *sieve, struct frame *frames, size_t count);

/* Of what stayed behind. */
const struct meter_counts *sieve_counts(const struct sieve *sieve);

/* The copies among it, by pair; no count of them without dedup. */
const struct dedup_pair *sieve_copies(const struct sieve *sieve, guint *ret_count);

#endif
