/* SPDX-License-Identifier: BSD-2-Clause */
/* One destination: its template, its encoder, its file or series of files, and the account of what
 * became of every flow it was given. */
#ifndef WEIR_EXPORT_DESTINATION_H
#define WEIR_EXPORT_DESTINATION_H

#include "export/destination_url.h"
#include "export/fanout.h"

struct destination;

/* Opens everything, changes nothing yet. label: what messages call it. */
struct destination *destination_new(const char *url, const char *label,
				    const struct export_options *options, GError **error);
void destination_free(struct destination *destination);

/* It writes to the file of this path. */
bool destination_is(const struct destination *destination, const char *path);
/* Its one file is that. */
bool destination_writes(const struct destination *destination, const char *path);
/* Both would write to the same place. */
bool destination_same(const struct destination *a, const struct destination *b);
enum flow_detail destination_detail(const struct destination *destination);
const struct record_template *destination_layout(const struct destination *destination);

/* It can go on as the other URL says, in the same file: the form, the domain and the way it is
 * written are the same. False, and why, where it is the same file but cannot. */
bool destination_can_reform(const struct destination *destination,
			    const struct destination_url *url, const struct export_options *options,
			    GError **error);
/* Records have another template from here on; the file, its numbers and its account go on. */
bool destination_reform(struct destination *destination, const struct destination_url *url,
			const char *label, const struct export_options *options, GError **error);

/* Empties the file, or where beside is set keeps what is in it under another name; of a series,
 * makes the folder. */
bool destination_start(struct destination *destination, bool beside, GError **error);
/* False when it failed just now; from then on it only counts, until it is tried again: where time
 * passes, by destination_tick() and destination_retry(). */
bool destination_write(struct destination *destination, const struct flow_batch *batch,
		       GError **error);
/* Now and then, with or without flows: ends a file whose time is over by the wall clock, and tries
 * again what could not be written; it says by itself when it can be. */
bool destination_tick(struct destination *destination, GError **error);
/* Everything given so far is in the file when it returns true. */
bool destination_flush(struct destination *destination, GError **error);
/* Flushes, and tells the statistics of the run and of this destination; between the files of a
 * series there is nowhere to tell them. */
bool destination_report(struct destination *destination, const struct export_statistics *statistics,
			GError **error);
bool destination_finish(struct destination *destination, GError **error);

/* At once: what is down is tried, and a file that was moved away is followed by a new one. False
 * when it cannot be written; ret_news: what has changed, or NULL. */
bool destination_retry(struct destination *destination, const char **ret_news, GError **error);
/* False: it failed, for good or until it can be written again. */
bool destination_is_healthy(const struct destination *destination);
const struct export_counts *destination_counts(const struct destination *destination);

#endif
