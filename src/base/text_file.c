/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define LENGTH_MAX  (256 * 1024)
#define PATIENCE_MS 10000
#define MARK	    "\xef\xbb\xbf" /* with which some editors begin UTF-8 */

static bool fail(GError **error, const char *why)
{
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, why);
	return false;
}

/* Of a pipe, whose other end has nothing yet. */
static bool await_more(int fd, GError **error)
{
	GPollFD poll = { .fd = fd, .events = G_IO_IN };

	return g_poll(&poll, 1, PATIENCE_MS) != 0 ||
	       fail(error, "a pipe out of which nothing comes");
}

static bool read_all(int fd, char *text, gsize *ret_length, GError **error)
{
	gsize length = 0;
	ssize_t got = 1;

	while (got != 0 && length <= LENGTH_MAX) {
		got = read(fd, text + length, LENGTH_MAX + 1 - length);
		if (got > 0)
			length += (gsize)got;
		else if (got < 0 && errno == EAGAIN && !await_more(fd, error))
			return false;
		else if (got < 0 && errno != EAGAIN && errno != EINTR)
			return fail(error, g_strerror(errno));
	}
	*ret_length = length;
	return true;
}

/* Nobody has it open for writing, so that waiting would be for ever. */
static bool is_dead_pipe(int fd, gsize length)
{
	struct stat status;

	return length == 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool read_checked(int fd, char *text, gsize *ret_length, GError **error)
{
	if (!read_all(fd, text, ret_length, error))
		return false;
	if (*ret_length > LENGTH_MAX) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "larger than %d octets",
			    LENGTH_MAX);
		return false;
	}
	return !is_dead_pipe(fd, *ret_length) || fail(error, "a pipe that nobody writes to");
}

static void drop_mark(char *text, gsize *length)
{
	const gsize mark = strlen(MARK);

	if (*length < mark || memcmp(text, MARK, mark) != 0)
		return;
	*length -= mark;
	memmove(text, text + mark, *length);
}

char *text_file_read(const char *path, gsize *ret_length, GError **error)
{
	/* Opening a pipe would wait for who writes to it. */
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	g_autofree char *text = NULL;
	gsize length;
	bool good;

	if (fd < 0) {
		fail(error, g_strerror(errno));
		return NULL;
	}
	text = g_malloc(LENGTH_MAX + 1);
	good = read_checked(fd, text, &length, error);
	close(fd);
	if (!good)
		return NULL;
	drop_mark(text, &length);
	*ret_length = length;
	return g_steal_pointer(&text);
}
