/* SPDX-License-Identifier: BSD-2-Clause */
/* Files one after the other, named by time. While it is written a file is NAME.part, and NAME when
 * it is whole and on the disk, so whoever watches the folder meets whole files only. No file that
 * is there is ever written over: the name gets a number instead. */
#ifndef WEIR_EXPORT_FILE_SERIES_H
#define WEIR_EXPORT_FILE_SERIES_H

#include "export/file_writer.h"

struct file_series;

/* The pattern is one of export/file_pattern.h. */
struct file_series *file_series_new(const char *url, const char *pattern, bool gzip);
/* A file that is not finished stays NAME.part. */
void file_series_free(struct file_series *series);

/* Makes the folder all names begin with, and looks whether one may write there. */
bool file_series_prepare(const struct file_series *series, GError **error);
/* Begins the file of that time, in seconds since 1970. The writer stays the series'. */
struct file_writer *file_series_begin(struct file_series *series, guint64 seconds, GError **error);
/* False when the file could not be written, or not get its name: it stays NAME.part. */
bool file_series_end(struct file_series *series, GError **error);
/* After a failure of the writer: what was drained gets its name if it is worth it, else it goes
 * away. True when it is there. */
bool file_series_abandon(struct file_series *series, bool worth);
/* The file that is being written, or was last. */
const char *file_series_part(const struct file_series *series);

#endif
