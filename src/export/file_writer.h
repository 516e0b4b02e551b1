/* SPDX-License-Identifier: BSD-2-Clause */
/* A file, or standard output, written in large pieces, plain or as one member of gzip. What was
 * drained is in the file and can be read; a regular file whose writing fails is cut back to that,
 * so it never ends in half a record. */
#ifndef WEIR_EXPORT_FILE_WRITER_H
#define WEIR_EXPORT_FILE_WRITER_H

#include <glib.h>
#include <stdbool.h>

struct file_writer;

/* "-" is standard output. What the file holds stays until file_writer_start. */
struct file_writer *file_writer_open(const char *path, bool gzip, GError **error);
/* Takes the descriptor of a new, empty file, which is going to be on the disk when it is closed. */
struct file_writer *file_writer_take(int fd, bool gzip, GError **error);
/* Closes without writing what is left. */
void file_writer_free(struct file_writer *writer);

/* Whether it would write over this input; "-" is standard input. */
bool file_writer_is(const struct file_writer *writer, const char *input);
/* Both would write over each other. */
bool file_writer_same(const struct file_writer *a, const struct file_writer *b);
/* Somebody is looking: octets should not wait for more. */
bool file_writer_is_terminal(const struct file_writer *writer);

/* Empties the file. */
bool file_writer_start(struct file_writer *writer, GError **error);
/* The same, but what is in it is kept beside it, under a name that is free: where; free with
 * g_free. NULL: there was nothing, or it stays where it is and what is written comes behind it, as
 * where the folder is not this user's. */
bool file_writer_start_beside(struct file_writer *writer, const char *path, char **ret_beside,
			      GError **error);
/* Whether so many octets fit beside those that wait. */
bool file_writer_fits(const struct file_writer *writer, size_t length);
/* Octets that never fit are written at once, after those that wait. */
bool file_writer_add(struct file_writer *writer, const void *octets, size_t length, GError **error);
bool file_writer_drain(struct file_writer *writer, GError **error);
/* Octets of the file so far; of gzip, those that were drained. */
guint64 file_writer_size(const struct file_writer *writer);
/* Drains, and checks that the system took everything. */
bool file_writer_close(struct file_writer *writer, GError **error);
/* After a failure: cuts a regular file back to what was drained. */
void file_writer_abandon(struct file_writer *writer);

/* --- a file that outlives its failures --- */

/* What was written is no longer where readers look for it: the file was removed, or cut by somebody
 * else. Looks at the file. */
bool file_writer_is_gone(struct file_writer *writer);
/* Its file has this path still. */
bool file_writer_is_at(const struct file_writer *writer, const char *path);

struct file_resumed {
	bool anew;   /* the file is empty: nothing of before is in it */
	bool proven; /* it takes octets: a device may not, and only tells who writes */
};

/* Opens the path again, after file_writer_abandon, file_writer_close or when it is gone: goes on
 * behind what was drained, or begins a file that is empty. What others wrote there stays, and is an
 * error; so is a file system without room. Does not wait for the reader of a pipe. */
bool file_writer_resume(struct file_writer *writer, const char *path, struct file_resumed *ret_as,
			GError **error);
/* Whether there is room for more in a file that has just begun. */
bool file_writer_has_room(const struct file_writer *writer, GError **error);
/* After file_writer_abandon: cuts the file back if that was not possible then. */
void file_writer_mend(struct file_writer *writer, const char *path);

#endif
