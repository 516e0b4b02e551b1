/* SPDX-License-Identifier: BSD-2-Clause */
/* Where octets come from: one buffer that keeps what the reader has not taken, and is filled from
 * a file, a pipe or gzip. Regular files are read as well, not mapped: a file that shrinks cannot
 * end the process with SIGBUS then, and a map was not clearly faster. On a busy virtual machine (5
 * million packets of 90 octets, 1 million of 880; best of 7) it took 10.4 and 147 ns a packet, this
 * buffer 12.3 and 74; a repeat under load did not tell them apart on large packets. */
#include "capture/octet_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"

#define STREAM_OCTETS (256 * 1024) /* stays in a second-level cache */
#define INPUT_OCTETS  (64 * 1024)  /* a pipe's worth */
#define GZIP_WINDOW   (15 + 16)	   /* zlib: largest window, gzip framing */

/* How the window grows. */
struct octet_kind {
	/* More octets behind the window, whose start may move; false at the end of them. */
	bool (*fill)(struct octet_source *source);
	/* For kinds that fill a buffer: up to room octets to `to`; 0 at the end. */
	size_t (*produce)(struct octet_source *source, guint8 *to, size_t room);
};

struct octet_source {
	const struct octet_kind *kind;
	const guint8 *at;
	const guint8 *end;
	guint64 end_offset; /* of end, in the uncompressed octets */
	char *fault;
	int fd;
	guint64 disk_size;
	guint64 disk_read; /* octets that went through input */

	guint8 *buffer;
	size_t room;

	guint8 *input_buffer;
	const guint8 *input; /* read and not yet used */
	size_t input_left;
	bool input_ended;

	z_stream gzip;
	bool is_gzip;
	bool member_open; /* within a gzip member */
};

/* Input: compressed or plain, from the descriptor or from memory. */

static size_t read_some(struct octet_source *source, guint8 *to, size_t room)
{
	ssize_t got;

	if (source->input_ended)
		return 0;
	do {
		got = read(source->fd, to, room);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		source->disk_read += (size_t)got;
		return (size_t)got;
	}
	if (got < 0)
		source->fault = g_strdup_printf("reading fails (%s)", g_strerror(errno));
	else if (source->disk_read < source->disk_size)
		source->fault = g_strdup("the file shrank while it was read");
	source->input_ended = true;
	return 0;
}

static bool have_input(struct octet_source *source)
{
	if (source->input_left == 0 && !source->input_ended) {
		source->input = source->input_buffer;
		source->input_left = read_some(source, source->input_buffer, INPUT_OCTETS);
	}
	return source->input_left > 0;
}

/* Kinds. */

static bool fill_nothing(struct octet_source *source G_GNUC_UNUSED)
{
	return false;
}

static bool fill_buffer(struct octet_source *source)
{
	size_t kept = (size_t)(source->end - source->at);
	size_t got;

	if (kept == source->room) {
		source->room = MAX(STREAM_OCTETS, 2 * source->room);
		guint8 *larger = g_malloc(source->room);

		if (kept > 0)
			memcpy(larger, source->at, kept);
		g_free(source->buffer);
		source->buffer = larger;
	} else if (kept > 0) {
		memmove(source->buffer, source->at, kept);
	}
	source->at = source->buffer;
	got = source->kind->produce(source, source->buffer + kept, source->room - kept);
	source->end = source->buffer + kept + got;
	source->end_offset += got;
	return got > 0;
}

static size_t produce_plain(struct octet_source *source, guint8 *to, size_t room)
{
	size_t some;

	if (source->input_left == 0)
		return read_some(source, to, room);
	some = MIN(room, source->input_left);
	memcpy(to, source->input, some);
	source->input += some;
	source->input_left -= some;
	return some;
}

/* Between members: true if another one begins. Padding of zeros is the end, as gzip has it. */
static bool next_member(struct octet_source *source)
{
	while (have_input(source) && *source->input == 0) {
		source->input++;
		source->input_left--;
	}
	if (source->input_left == 0)
		return false;
	inflateReset(&source->gzip);
	source->member_open = true;
	return true;
}

static void gzip_fault(struct octet_source *source, int result)
{
	if (source->fault)
		return;
	if (result == Z_BUF_ERROR)
		source->fault = g_strdup("the gzip data ends too early");
	else
		source->fault =
			g_strdup_printf("the gzip data is damaged (%s)",
					source->gzip.msg ? source->gzip.msg : zError(result));
}

static size_t produce_inflated(struct octet_source *source, guint8 *to, size_t room)
{
	z_stream *gzip = &source->gzip;
	int result = Z_OK;

	gzip->next_out = to;
	gzip->avail_out = (uInt)MIN(room, G_MAXINT);
	room = gzip->avail_out;
	while (gzip->avail_out > 0 && !source->fault) {
		if (!source->member_open && !next_member(source))
			break;
		if (!have_input(source)) {
			gzip_fault(source, Z_BUF_ERROR);
			break;
		}
		gzip->next_in = (Bytef *)source->input; /* zlib does not write there */
		gzip->avail_in = (uInt)MIN(source->input_left, G_MAXINT);
		result = inflate(gzip, Z_NO_FLUSH);
		source->input_left -= (size_t)(gzip->next_in - source->input);
		source->input = gzip->next_in;
		if (result == Z_STREAM_END)
			source->member_open = false;
		else if (result != Z_OK && result != Z_BUF_ERROR)
			gzip_fault(source, result);
	}
	return room - gzip->avail_out;
}

static const struct octet_kind memory_kind = { fill_nothing, NULL };
static const struct octet_kind plain_kind = { fill_buffer, produce_plain };
static const struct octet_kind gzip_kind = { fill_buffer, produce_inflated };

/* Opening. */

static struct octet_source *source_new(int fd)
{
	struct octet_source *source = g_new0(struct octet_source, 1);

	source->fd = fd;
	source->kind = &memory_kind;
	return source;
}

static bool begins_as_gzip(const guint8 *data, size_t size)
{
	return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

/* Enough to tell gzip from the rest, even when a pipe hands out single octets. */
static void read_start(struct octet_source *source)
{
	source->input_buffer = g_malloc(INPUT_OCTETS);
	source->input = source->input_buffer;
	while (source->input_left < 2 && !source->input_ended)
		source->input_left += read_some(source, source->input_buffer + source->input_left,
						INPUT_OCTETS - source->input_left);
}

/* False if zlib has no memory. */
static bool use_stream(struct octet_source *source)
{
	source->is_gzip = begins_as_gzip(source->input, source->input_left);
	source->kind = source->is_gzip ? &gzip_kind : &plain_kind;
	if (!source->is_gzip)
		return true;
	source->member_open = true;
	return inflateInit2(&source->gzip, GZIP_WINDOW) == Z_OK;
}

static int open_path(const char *path, GError **error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int code = errno;

	if (fd < 0)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: cannot be opened: %s",
			    is_stdin ? "standard input" : path, g_strerror(code));
	return fd;
}

struct octet_source *octet_source_open(const char *path, GError **error)
{
	int fd = open_path(path, error);
	struct octet_source *source;
	struct stat info;

	if (fd < 0)
		return NULL;
	source = source_new(fd);
	if (fstat(fd, &info) != 0)
		memset(&info, 0, sizeof(info));
	if (S_ISDIR(info.st_mode)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: is a directory, not a capture; name a file in it", path);
		octet_source_free(source);
		return NULL;
	}
	if (S_ISREG(info.st_mode)) {
		source->disk_size = (guint64)info.st_size;
		source->disk_read = (guint64)MAX(lseek(fd, 0, SEEK_CUR), 0);
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	read_start(source);
	if (!use_stream(source)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: no memory to inflate it",
			    path);
		octet_source_free(source);
		return NULL;
	}
	return source;
}

struct octet_source *octet_source_from_memory(const void *data, size_t size)
{
	struct octet_source *source = source_new(-1);

	source->disk_size = size;
	source->disk_read = size;
	source->input_ended = true;
	source->input = size > 0 ? data : (const void *)""; /* no octets may well be at NULL */
	source->input_left = size;
	if (begins_as_gzip(source->input, size) && use_stream(source))
		return source;
	source->input_left = 0;
	source->at = source->input;
	source->end = source->at + size;
	source->end_offset = size;
	return source;
}

void octet_source_free(struct octet_source *source)
{
	if (!source)
		return;
	if (source->is_gzip)
		inflateEnd(&source->gzip);
	if (source->fd >= 0)
		close(source->fd);
	g_free(source->buffer);
	g_free(source->input_buffer);
	g_free(source->fault);
	g_free(source);
}

/* Reading. */

const guint8 *octet_source_window(const struct octet_source *source, size_t *ret_size)
{
	*ret_size = (size_t)(source->end - source->at);
	return source->at;
}

void octet_source_advance(struct octet_source *source, const guint8 *next)
{
	source->at = next;
}

bool octet_source_want(struct octet_source *source, size_t need)
{
	while ((size_t)(source->end - source->at) < need) {
		if (!source->kind->fill(source))
			return false;
	}
	return true;
}

const char *octet_source_fault(const struct octet_source *source)
{
	return source->fault;
}

guint64 octet_source_position(const struct octet_source *source)
{
	return source->end_offset - (guint64)(source->end - source->at);
}

bool octet_source_is_gzip(const struct octet_source *source)
{
	return source->is_gzip;
}

guint64 octet_source_disk_position(const struct octet_source *source)
{
	guint64 unused = source->input_left;

	if (!source->is_gzip)
		unused += (guint64)(source->end - source->at);
	return source->disk_read - unused;
}

guint64 octet_source_disk_size(const struct octet_source *source)
{
	return source->disk_size;
}
