/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"

/* A row of the index: seven numbers of 8 octets, in network order. */
enum row_column {
	ROW_OFFSET,
	ROW_LENGTH,
	ROW_RECORDS,
	ROW_OPTIONS,
	ROW_FLOWS,
	ROW_PACKETS,
	ROW_OCTETS,
	ROW_COLUMNS,
};

#define ROW	(ROW_COLUMNS * 8)
/* No form has longer messages; a row that says so is damaged. */
#define LONGEST (16u << 20)

static void store_be64(guint8 *at, guint64 value)
{
	store_be32(at, (guint32)(value >> 32));
	store_be32(at + 4, (guint32)value);
}

static guint64 load_be64(const guint8 *at)
{
	return (guint64)load_be32(at) << 32 | load_be32(at + 4);
}

static bool fail(const struct spool_file *file, int number, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "spool file %s: %s", file->path,
		    g_strerror(number));
	return false;
}

struct spool_file *spool_file_new(const char *stem, guint64 number, const char *suffix)
{
	struct spool_file *file = g_new0(struct spool_file, 1);

	file->number = number;
	file->path = g_strdup_printf("%s-%016" G_GINT64_MODIFIER "x%s", stem, number, suffix);
	file->index_path = g_strconcat(file->path, ".index", NULL);
	file->data = -1;
	file->index = -1;
	return file;
}

void spool_file_close(struct spool_file *file)
{
	if (file->data >= 0)
		close(file->data);
	if (file->index >= 0)
		close(file->index);
	file->data = -1;
	file->index = -1;
}

void spool_file_free(struct spool_file *file)
{
	if (!file)
		return;
	spool_file_close(file);
	g_free(file->path);
	g_free(file->index_path);
	g_free(file);
}

/* The index last: with it the messages come, and go. */
void spool_file_remove(struct spool_file *file)
{
	spool_file_close(file);
	unlink(file->index_path);
	unlink(file->path);
}

static bool open_both(struct spool_file *file, int flags, GError **error)
{
	file->data = open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (file->data >= 0)
		file->index = open(file->index_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (file->index >= 0)
		return true;
	fail(file, errno, error);
	spool_file_close(file);
	return false;
}

/* 0, or why not. */
static int write_at(int fd, const guint8 *octets, size_t length, guint64 at)
{
	while (length > 0) {
		ssize_t written = pwrite(fd, octets, length, (off_t)at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? errno : ENOSPC;
		octets += written;
		length -= (size_t)written;
		at += (guint64)written;
	}
	return 0;
}

static bool read_at(int fd, guint8 *octets, size_t length, guint64 at)
{
	while (length > 0) {
		ssize_t got = pread(fd, octets, length, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		octets += got;
		length -= (size_t)got;
		at += (guint64)got;
	}
	return true;
}

static bool add_octets(struct spool_file *file, const struct encoder_ops *form,
		       const struct message *message, const struct message *time_from,
		       GError **error)
{
	const struct message_time time = { .as = time_from };
	guint32 sequence = file->sequence;
	g_autofree guint8 *octets = message_numbered(message, form, &sequence, &time);
	int fault = write_at(file->data, octets, message->length, file->octets);

	if (fault != 0)
		return fail(file, fault, error);
	file->sequence = sequence;
	file->octets += message->length;
	return true;
}

bool spool_file_create(struct spool_file *file, const struct encoder_ops *form,
		       const GPtrArray *introduction, const struct message *first, GError **error)
{
	if (!open_both(file, O_CREAT | O_EXCL, error))
		return false;
	for (guint i = 0; i < introduction->len; i++) {
		if (add_octets(file, form, g_ptr_array_index(introduction, i), first, error))
			continue;
		spool_file_remove(file);
		return false;
	}
	return true;
}

bool spool_file_add(struct spool_file *file, const struct encoder_ops *form,
		    const struct message *message, GError **error)
{
	const guint64 before = file->octets;
	const guint32 sequence = file->sequence;
	const guint64 columns[ROW_COLUMNS] = {
		[ROW_OFFSET] = before,
		[ROW_LENGTH] = message->length,
		[ROW_RECORDS] = message->records,
		[ROW_OPTIONS] = message->options,
		[ROW_FLOWS] = message->flows.flows,
		[ROW_PACKETS] = message->flows.packets,
		[ROW_OCTETS] = message->flows.octets,
	};
	guint8 row[ROW];

	for (int i = 0; i < ROW_COLUMNS; i++)
		store_be64(row + i * 8, columns[i]);
	if (add_octets(file, form, message, NULL, error)) {
		int fault = write_at(file->index, row, ROW, file->messages * ROW);

		if (fault == 0) {
			file->messages++;
			return true;
		}
		fail(file, fault, error);
	}
	file->octets = before;
	file->sequence = sequence;
	/* If this fails too, the next process that opens it cuts it. */
	if (ftruncate(file->data, (off_t)before) != 0 ||
	    ftruncate(file->index, (off_t)(file->messages * ROW)) != 0)
		g_debug("cannot cut %s: %s", file->path, g_strerror(errno));
	return false;
}

/* Where the message lies; false when the row cannot be true. */
static bool read_row(const struct spool_file *file, guint64 which, guint64 columns[ROW_COLUMNS])
{
	guint8 row[ROW];

	if (!read_at(file->index, row, ROW, which * ROW))
		return false;
	for (int i = 0; i < ROW_COLUMNS; i++)
		columns[i] = load_be64(row + i * 8);
	return columns[ROW_LENGTH] > 0 && columns[ROW_LENGTH] <= LONGEST &&
	       columns[ROW_OFFSET] + columns[ROW_LENGTH] <= file->octets;
}

bool spool_file_open(struct spool_file *file, GError **error)
{
	guint64 columns[ROW_COLUMNS];
	struct stat data;
	struct stat index;

	if (!open_both(file, 0, error))
		return false;
	if (fstat(file->data, &data) != 0 || fstat(file->index, &index) != 0)
		return fail(file, errno, error);
	file->octets = (guint64)data.st_size;
	file->messages = (guint64)index.st_size / ROW;
	while (file->messages > 0 && !read_row(file, file->messages - 1, columns))
		file->messages--;
	if (file->messages > 0)
		file->octets = columns[ROW_OFFSET] + columns[ROW_LENGTH];
	if (ftruncate(file->data, (off_t)file->octets) != 0 ||
	    ftruncate(file->index, (off_t)(file->messages * ROW)) != 0)
		return fail(file, errno, error);
	return true;
}

struct message *spool_file_read(const struct spool_file *file, guint64 which, GError **error)
{
	guint64 columns[ROW_COLUMNS];
	struct message *message = NULL;
	g_autofree guint8 *octets = NULL;

	if (read_row(file, which, columns)) {
		octets = g_malloc(columns[ROW_LENGTH]);
		if (read_at(file->data, octets, columns[ROW_LENGTH], columns[ROW_OFFSET]))
			message = message_new(octets, columns[ROW_LENGTH]);
	}
	if (!message) {
		fail(file, EIO, error);
		return NULL;
	}
	message->records = columns[ROW_RECORDS];
	message->options = columns[ROW_OPTIONS];
	message->flows =
		(struct tally){ columns[ROW_FLOWS], columns[ROW_PACKETS], columns[ROW_OCTETS] };
	message->spool_file = file->number;
	message->spool_next = which + 1;
	return message;
}
