/* SPDX-License-Identifier: BSD-2-Clause */
/* One file of a spool: messages as a reader of such files wants them, and beside it an index that
 * says where each begins and what it holds. A message is there when its row of the index is. */
#ifndef WEIR_EXPORT_SPOOL_FILE_H
#define WEIR_EXPORT_SPOOL_FILE_H

#include "export/message.h"

struct spool_file {
	guint64 number;
	guint64 messages;
	guint64 octets; /* of the data, introduction and all */
	char *path;
	char *index_path;
	int data;  /* -1: not open */
	int index; /* likewise */
	guint32 sequence;
};

/* stem: path of the spool's files but for the number; suffix: with its dot. Creates nothing. */
struct spool_file *spool_file_new(const char *stem, guint64 number, const char *suffix);
/* Closes it. */
void spool_file_free(struct spool_file *file);

/* A new file, which begins with the introduction, at the time of the first message. */
bool spool_file_create(struct spool_file *file, const struct encoder_ops *form,
		       const GPtrArray *introduction, const struct message *first, GError **error);
/* One that is there; what was being written when a process died is cut away. */
bool spool_file_open(struct spool_file *file, GError **error);
/* Leaves the file as it was when it fails. */
bool spool_file_add(struct spool_file *file, const struct encoder_ops *form,
		    const struct message *message, GError **error);
/* NULL: the disk does not give it. */
struct message *spool_file_read(const struct spool_file *file, guint64 which, GError **error);
void spool_file_close(struct spool_file *file);
void spool_file_remove(struct spool_file *file);

#endif
