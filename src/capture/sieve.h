/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with frames before the native meter: those that do not match the filter stay behind,
 * each in a counter. */
#ifndef WEIR_CAPTURE_SIEVE_H
#define WEIR_CAPTURE_SIEVE_H

#include "capture/frame.h"

struct sieve;

struct sieve_options {
	const char *filter; /* a tcpdump expression; NULL: everything */
};

/* WEIR_ERROR_USAGE: the filter. */
struct sieve *sieve_new(const struct sieve_options *options, GError **error);
void sieve_free(struct sieve *sieve);

/* What the meter is to have is moved to the front, in the same order; how many they are. The data
 * of the frames is left as it is. */
size_t sieve_frames(struct sieve *sieve, struct frame *frames, size_t count);

/* Of what stayed behind. */
const struct meter_counts *sieve_counts(const struct sieve *sieve);

#endif
