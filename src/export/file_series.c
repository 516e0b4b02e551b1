/* SPDX-License-Identifier: BSD-2-Clause */
/* Names are taken by creating NAME.part, and given by a rename that does not replace: other
 * processes may write the same series. */
#include "export/file_series.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "export/file_pattern.h"

#define NUMBER_MAX 999999

struct file_series {
	char *url;
	char *pattern;
	bool gzip;
	guint64 seconds; /* of the file's name */
	guint number;	 /* in it */
	char *first;	 /* the name with these seconds and without a number */
	char *name;
	char *part;
	struct file_writer *writer; /* NULL: between files */
};

struct file_series *file_series_new(const char *url, const char *pattern, bool gzip)
{
	struct file_series *series = g_new0(struct file_series, 1);

	series->url = g_strdup(url);
	series->pattern = g_strdup(pattern);
	series->gzip = gzip;
	return series;
}

void file_series_free(struct file_series *series)
{
	if (series == NULL)
		return;
	file_writer_free(series->writer);
	g_free(series->part);
	g_free(series->name);
	g_free(series->first);
	g_free(series->pattern);
	g_free(series->url);
	g_free(series);
}

static bool fail(GError **error, const char *what, const char *path)
{
	int number = errno;

	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot %s %s: %s", what, path,
		    g_strerror(number));
	return false;
}

bool file_series_prepare(const struct file_series *series, GError **error)
{
	g_autofree char *folder = file_pattern_folder(series->pattern);

	if (g_mkdir_with_parents(folder, 0777) != 0)
		return fail(error, "make the folder", folder);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
		return fail(error, "write to the folder", folder);
	return true;
}

static bool is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static void set_name(struct file_series *series)
{
	g_free(series->name);
	series->name = file_pattern_name(series->pattern, series->seconds, series->number);
}

static bool next_name(struct file_series *series, GError **error)
{
	if (series->number == NUMBER_MAX) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "there are too many files of the name %s; put the time into it",
			    series->first);
		return false;
	}
	series->number++;
	set_name(series);
	return true;
}

/* A name that was used before in this run is not tried again. */
static bool first_name(struct file_series *series, guint64 seconds, GError **error)
{
	g_autofree char *first = file_pattern_name(series->pattern, seconds, 0);

	series->seconds = seconds;
	if (g_strcmp0(first, series->first) == 0)
		return next_name(series, error);
	g_free(series->first);
	series->first = g_steal_pointer(&first);
	series->number = 0;
	set_name(series);
	return true;
}

/* The descriptor of the new NAME.part, or -1 and errno. */
static int create_part(struct file_series *series)
{
	g_autofree char *folder = NULL;
	int fd;

	g_free(series->part);
	series->part = g_strconcat(series->name, ".part", NULL);
	fd = open(series->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	folder = g_path_get_dirname(series->part);
	if (g_mkdir_with_parents(folder, 0777) != 0)
		return -1;
	return open(series->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static void tell_leftover(const struct file_series *series, const char *leftover)
{
	if (leftover != NULL)
		log_about(LOG_LEVEL_WARNING, "destination", series->url,
			  "destination \"%s\": %s is there already, left by a run that was killed "
			  "or of one that still writes it; this one writes %s",
			  series->url, leftover, series->name);
}

/* Nothing was ever found under it: it may be tried again. */
static void forget_name(struct file_series *series)
{
	if (series->number > 0)
		series->number--;
	else
		g_clear_pointer(&series->first, g_free);
}

struct file_writer *file_series_begin(struct file_series *series, guint64 seconds, GError **error)
{
	g_autofree char *leftover = NULL;
	int fd;

	if (!first_name(series, seconds, error))
		return NULL;
	for (;;) {
		if (!is_there(series->name)) {
			fd = create_part(series);
			if (fd >= 0)
				break;
			if (errno != EEXIST) {
				fail(error, "create", series->part);
				forget_name(series);
				return NULL;
			}
			if (leftover == NULL)
				leftover = g_strdup(series->part);
		}
		if (!next_name(series, error))
			return NULL;
	}
	tell_leftover(series, leftover);
	series->writer = file_writer_take(fd, series->gzip, error);
	return series->writer;
}

/* Not every file system knows a rename that does not replace. */
static bool rename_to(const char *part, const char *name)
{
	if (renameat2(AT_FDCWD, part, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (!is_there(name))
		return rename(part, name) == 0;
	errno = EEXIST;
	return false;
}

static bool publish(struct file_series *series, GError **error)
{
	while (!rename_to(series->part, series->name)) {
		if (errno != EEXIST) {
			int number = errno;

			g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "cannot rename %s to %s: %s", series->part, series->name,
				    g_strerror(number));
			return false;
		}
		if (!next_name(series, error))
			return false;
	}
	return true;
}

bool file_series_end(struct file_series *series, GError **error)
{
	bool closed = file_writer_close(series->writer, error);

	if (!closed)
		g_prefix_error(error, "%s stays unfinished: ", series->part);
	g_clear_pointer(&series->writer, file_writer_free);
	return closed && publish(series, error);
}

bool file_series_abandon(struct file_series *series, bool worth)
{
	file_writer_abandon(series->writer);
	g_clear_pointer(&series->writer, file_writer_free);
	if (worth)
		return publish(series, NULL);
	unlink(series->part);
	forget_name(series);
	return false;
}

const char *file_series_part(const struct file_series *series)
{
	return series->part;
}
