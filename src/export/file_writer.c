/* SPDX-License-Identifier: BSD-2-Clause */
/* Own buffer instead of stdio: after an error we must know which octets are out. */
#include "export/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/same_file.h"
#include "export/gzip.h"

#define CAPACITY (256 * 1024)
/* What a file system has to have room for before one that was full is written again. */
#define ROOM	 (64 * 1024)

/* Numbers of inodes are given again soon after a file was removed; a moment of birth is not. */
struct identity {
	dev_t device;
	ino_t inode;
	struct statx_timestamp birth; /* 0 where the file system keeps none */
};

struct file_writer {
	int fd;
	bool regular;
	bool cuttable; /* a regular file of ours alone; standard output may hold more than ours */
	bool terminal;
	bool durable;	   /* it has to be on the disk when it is closed */
	bool broken;	   /* it could not be cut back to what makes sense */
	struct gzip *gzip; /* NULL: plain */
	off_t from;	   /* where in the file it began: a member of gzip */
	off_t given;	   /* up to there the system took octets */
	off_t out;	   /* up to there they make sense to a reader */
	off_t looked;	   /* so much was given when all of it was last seen there */
	struct identity identity;
	size_t used;
	guint8 octets[CAPACITY];
};

static bool fail(GError **error, const char *what, int number)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", what, g_strerror(number));
	return false;
}

/* Always at the end: where somebody empties a file, nothing is written behind a hole. */
#define OPEN (O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY)

/* A copy of standard output, so that closing it tells whether everything arrived. */
static int open_path(const char *path)
{
	if (strcmp(path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return open(path, OPEN, 0666);
}

/* A reader that went away is an error like any other and must not kill the process; SIGPIPE is
 * held back for this thread alone, as the disposition belongs to the whole process. */
static ssize_t write_quietly(const struct file_writer *writer, const void *octets, size_t length)
{
	const struct timespec now = { 0 };
	sigset_t pipe_signal;
	sigset_t before;
	sigset_t pending;
	ssize_t written;
	int number;

	if (writer->regular)
		return write(writer->fd, octets, length);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	written = write(writer->fd, octets, length);
	number = errno;
	/* A pipe whose reader goes away in the middle takes a part, and signals all the same. */
	if (written != (ssize_t)length && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe_signal, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = number;
	return written;
}

static bool write_all(struct file_writer *writer, const guint8 *octets, size_t length,
		      GError **error)
{
	while (length > 0) {
		ssize_t written = write_quietly(writer, octets, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fail(error, "cannot write", written < 0 ? errno : EIO);
		octets += written;
		length -= (size_t)written;
		writer->given += written;
	}
	return true;
}

static bool on_gzip(void *data, const guint8 *octets, size_t length, GError **error)
{
	return write_all(data, octets, length, error);
}

static struct identity identity_of(int fd, const struct stat *status)
{
	struct identity identity = { .device = status->st_dev, .inode = status->st_ino };
	struct statx more;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &more) == 0 && more.stx_mask & STATX_BTIME)
		identity.birth = more.stx_btime;
	return identity;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->birth.tv_sec == b->birth.tv_sec && a->birth.tv_nsec == b->birth.tv_nsec;
}

static struct file_writer *writer_of(int fd, bool ours, bool gzip, GError **error)
{
	struct file_writer *writer;
	struct stat status;

	if (fstat(fd, &status) != 0) {
		fail(error, "cannot look at it", errno);
		close(fd);
		return NULL;
	}
	writer = g_new(struct file_writer, 1);
	writer->fd = fd;
	writer->regular = S_ISREG(status.st_mode);
	writer->terminal = isatty(fd);
	writer->cuttable = writer->regular && ours;
	writer->durable = false;
	writer->broken = false;
	writer->gzip = gzip ? gzip_new(on_gzip, writer) : NULL;
	writer->from = 0;
	writer->given = 0;
	writer->out = 0;
	writer->looked = 0;
	writer->identity = identity_of(fd, &status);
	writer->used = 0;
	return writer;
}

struct file_writer *file_writer_open(const char *path, bool gzip, GError **error)
{
	int fd = open_path(path);

	if (fd >= 0)
		return writer_of(fd, strcmp(path, "-") != 0, gzip, error);
	fail(error, "cannot open it for writing", errno);
	return NULL;
}

struct file_writer *file_writer_take(int fd, bool gzip, GError **error)
{
	struct file_writer *writer = writer_of(fd, true, gzip, error);

	if (writer != NULL)
		writer->durable = true;
	return writer;
}

void file_writer_free(struct file_writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->fd >= 0)
		close(writer->fd);
	gzip_free(writer->gzip);
	g_free(writer);
}

bool file_writer_same(const struct file_writer *a, const struct file_writer *b)
{
	return a->regular && b->regular && is_same(&a->identity, &b->identity);
}

bool file_writer_is(const struct file_writer *writer, const char *input)
{
	return same_file_as_input(writer->fd, input);
}

bool file_writer_is_terminal(const struct file_writer *writer)
{
	return writer->terminal;
}

bool file_writer_start(struct file_writer *writer, GError **error)
{
	if (!writer->cuttable || ftruncate(writer->fd, 0) == 0)
		return true;
	return fail(error, "cannot empty it", errno);
}

/* No process but this one writes files of these names. */
static char *name_beside(const char *path)
{
	struct stat status;
	char *name = g_strconcat(path, ".before", NULL);

	for (unsigned int i = 2; lstat(name, &status) == 0; i++) {
		g_free(name);
		name = g_strdup_printf("%s.before-%u", path, i);
	}
	return name;
}

bool file_writer_start_beside(struct file_writer *writer, const char *path, char **ret_beside,
			      GError **error)
{
	g_autofree char *beside = NULL;
	struct stat status;
	int fd;

	*ret_beside = NULL;
	if (!writer->cuttable)
		return true;
	if (fstat(writer->fd, &status) != 0)
		return fail(error, "cannot look at it", errno);
	if (status.st_size == 0)
		return true;
	beside = name_beside(path);
	if (rename(path, beside) != 0) {
		writer->from = writer->given = writer->out = writer->looked = status.st_size;
		return true;
	}
	fd = open_path(path);
	if (fd < 0 || fstat(fd, &status) != 0) {
		fail(error, "cannot open it for writing", errno);
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(writer->fd);
	writer->fd = fd;
	writer->identity = identity_of(fd, &status);
	*ret_beside = g_steal_pointer(&beside);
	return true;
}

bool file_writer_fits(const struct file_writer *writer, size_t length)
{
	return writer->used + length <= CAPACITY;
}

/* Whole pieces: after them, a reader can use everything that is there. */
static bool put(struct file_writer *writer, const guint8 *octets, size_t length, GError **error)
{
	if (!(writer->gzip != NULL ? gzip_piece(writer->gzip, octets, length, error)
				   : write_all(writer, octets, length, error)))
		return false;
	/* The disk may begin, so that little is left to wait for at the end. */
	if (writer->durable)
		sync_file_range(writer->fd, writer->out, writer->given - writer->out,
				SYNC_FILE_RANGE_WRITE);
	writer->out = writer->given;
	return true;
}

bool file_writer_drain(struct file_writer *writer, GError **error)
{
	if (writer->used > 0 && !put(writer, writer->octets, writer->used, error))
		return false;
	writer->used = 0;
	return true;
}

guint64 file_writer_size(const struct file_writer *writer)
{
	return (guint64)writer->out + (writer->gzip != NULL ? 0 : writer->used);
}

bool file_writer_add(struct file_writer *writer, const void *octets, size_t length, GError **error)
{
	if (!file_writer_fits(writer, length) && !file_writer_drain(writer, error))
		return false;
	if (file_writer_fits(writer, length)) {
		memcpy(writer->octets + writer->used, octets, length);
		writer->used += length;
		return true;
	}
	return put(writer, octets, length, error);
}

static bool end_gzip(struct file_writer *writer, GError **error)
{
	guint8 trailer[GZIP_TRAILER];

	if (writer->gzip == NULL)
		return true;
	if (!gzip_piece(writer->gzip, NULL, 0, error))
		return false;
	gzip_trailer(writer->gzip, trailer);
	return write_all(writer, trailer, sizeof(trailer), error);
}

/* Some file systems have nothing to wait for, and say so. */
static bool sync_file(int fd)
{
	int result;

	do {
		result = fsync(fd);
	} while (result != 0 && errno == EINTR);
	return result == 0 || errno == EINVAL || errno == ENOSYS;
}

bool file_writer_close(struct file_writer *writer, GError **error)
{
	int fd = writer->fd;

	if (!file_writer_drain(writer, error) || !end_gzip(writer, error))
		return false;
	if (writer->durable && !sync_file(fd))
		return fail(error, "cannot bring it to the disk", errno);
	writer->fd = -1;
	/* Linux has closed it even when close was interrupted. */
	if (close(fd) != 0 && errno != EINTR)
		return fail(error, "cannot finish writing", errno);
	return true;
}

/* Behind what makes sense, wherever its end is by now. A member of gzip gets its end. */
static bool go_on(struct file_writer *writer, int fd, off_t *ret_at, GError **error)
{
	guint8 trailer[GZIP_TRAILER];

	if (ftruncate(fd, writer->out) != 0)
		return fail(error, "cannot cut it back to what is whole", errno);
	*ret_at = writer->out;
	if (writer->gzip == NULL || writer->out == writer->from)
		return true;
	gzip_trailer(writer->gzip, trailer);
	if (pwrite(fd, trailer, sizeof(trailer), writer->out) != sizeof(trailer))
		return fail(error, "cannot write", errno);
	*ret_at += (off_t)sizeof(trailer);
	return true;
}

/* Back to what makes sense, and an end to that. */
static bool cut(struct file_writer *writer)
{
	struct stat status;
	off_t at;

	if (fstat(writer->fd, &status) != 0)
		return false;
	/* Else somebody has cut it, shorter. */
	return status.st_size < writer->out || go_on(writer, writer->fd, &at, NULL);
}

void file_writer_abandon(struct file_writer *writer)
{
	writer->used = 0;
	if (writer->fd < 0)
		return;
	/* If even this fails, the file keeps its broken tail for now. */
	writer->broken = writer->cuttable && !cut(writer);
	close(writer->fd);
	writer->fd = -1;
}

/* --- a file that outlives its failures --- */

bool file_writer_is_gone(struct file_writer *writer)
{
	struct stat status;

	if (!writer->cuttable || writer->fd < 0)
		return false;
	if (fstat(writer->fd, &status) != 0 || status.st_nlink == 0 ||
	    status.st_size < writer->given)
		return true;
	writer->looked = writer->given;
	return false;
}

bool file_writer_is_at(const struct file_writer *writer, const char *path)
{
	struct stat status;

	return !writer->cuttable ||
	       (stat(path, &status) == 0 && status.st_dev == writer->identity.device &&
		status.st_ino == writer->identity.inode);
}

/* Nobody but a writer is told that there is no room. It is asked for behind the end and given back;
 * where a file system cannot, a reader may see zeros for a moment. */
static bool prove_room(int fd, off_t at, GError **error)
{
	static const guint8 zeros[4096];
	bool room = fallocate(fd, FALLOC_FL_KEEP_SIZE, at, ROOM) == 0;
	int number = errno;

	if (!room && (number == EOPNOTSUPP || number == ENOSYS || number == EINVAL)) {
		room = pwrite(fd, zeros, sizeof(zeros), at) == sizeof(zeros);
		number = errno;
	}
	if (ftruncate(fd, at) != 0)
		return fail(error, "cannot cut it", errno);
	return room || fail(error, "cannot write", number);
}

static bool find_place(struct file_writer *writer, int fd, const struct stat *status, off_t *ret_at,
		       GError **error)
{
	const struct identity identity = identity_of(fd, status);
	const bool same = is_same(&identity, &writer->identity);

	*ret_at = 0;
	if (status->st_size == 0)
		return true;
	if (same && status->st_size >= writer->out)
		return go_on(writer, fd, ret_at, error);
	/* Emptied between a look at it and what was written then: as if it had been after that. */
	if (same && status->st_size <= writer->given - writer->looked)
		return ftruncate(fd, 0) == 0 || fail(error, "cannot empty it", errno);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "there is something else in its place now; move it away");
	return false;
}

static bool resume(struct file_writer *writer, int fd, struct file_resumed *ret_as, GError **error)
{
	struct stat status;
	off_t at = 0;

	if (fstat(fd, &status) != 0)
		return fail(error, "cannot look at it", errno);
	if (S_ISREG(status.st_mode) &&
	    (!find_place(writer, fd, &status, &at, error) || !prove_room(fd, at, error)))
		return false;
	if (lseek(fd, at, SEEK_SET) < 0 && S_ISREG(status.st_mode))
		return fail(error, "cannot go to its end", errno);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	if (writer->fd >= 0)
		close(writer->fd);
	writer->fd = fd;
	writer->regular = writer->cuttable = S_ISREG(status.st_mode);
	writer->terminal = isatty(fd);
	writer->identity = identity_of(fd, &status);
	writer->from = writer->given = writer->out = writer->looked = at;
	writer->used = 0;
	writer->broken = false;
	if (writer->gzip != NULL) {
		gzip_free(writer->gzip);
		writer->gzip = gzip_new(on_gzip, writer);
	}
	*ret_as = (struct file_resumed){
		.anew = at == 0,
		.proven = S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode),
	};
	return true;
}

bool file_writer_resume(struct file_writer *writer, const char *path, struct file_resumed *ret_as,
			GError **error)
{
	int fd = open(path, OPEN | O_NONBLOCK, 0666);

	if (fd < 0)
		return fail(error, "cannot open it for writing", errno);
	if (resume(writer, fd, ret_as, error))
		return true;
	close(fd);
	return false;
}

bool file_writer_has_room(const struct file_writer *writer, GError **error)
{
	return !writer->regular || prove_room(writer->fd, writer->out, error);
}

void file_writer_mend(struct file_writer *writer, const char *path)
{
	struct identity identity;
	struct stat status;
	off_t at;
	int fd = writer->broken ? open(path, (OPEN & ~O_CREAT) | O_NONBLOCK) : -1;

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0) {
		identity = identity_of(fd, &status);
		writer->broken =
			is_same(&identity, &writer->identity) && !go_on(writer, fd, &at, NULL);
	}
	close(fd);
}
