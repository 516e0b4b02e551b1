/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of a spool have rising numbers, far enough from each other for one in between. Reading
 * goes ahead of confirming; what is confirmed stands in a small file, so that the next process
 * begins there:
 *
 *	removed | confirmed ... handed over ... | unread ... (being written)
 */
#include "export/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "export/spool_file.h"

/* Small enough that little of what was sent stays on disk. */
#define FILE_OCTETS (4u << 20)
#define STEP	    (1u << 16)
#define NAME_LENGTH 8

struct spool {
	struct spool_options options;
	char *url;
	char *stem; /* path of its files, but for what tells them apart */
	const char *suffix;
	int lock;
	int sent;		    /* descriptor of the file that says what is confirmed */
	GPtrArray *files;	    /* of struct spool_file, in order */
	struct spool_file *writing; /* the last of them, or NULL */
	struct spool_file *inserting;
	guint64 read_file; /* what was read last: number, messages of it */
	guint64 read_count;
	guint64 unread; /* messages */
	guint64 octets; /* on disk */
	guint64 last_number;
	guint64 earlier_through; /* files up to this one are an earlier run's */
	bool complained;
};

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void free_file(gpointer file)
{
	spool_file_free(file);
}

/* --- names --- */

/* What data in the files needs its reader to know: templates, not what options data tell. */
static void add_layout(GChecksum *sum, const struct message *message)
{
	const size_t header = 16;

	for (size_t at = header; at + 4 <= message->length;) {
		guint16 length = load_be16(message->octets + at + 2);

		if (length < 4 || at + length > message->length)
			return;
		if (load_be16(message->octets + at) < 256)
			g_checksum_update(sum, message->octets + at, length);
		at += length;
	}
}

static char *layout_name(const struct spool_options *options)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; options->form == &ipfix_encoder && i < options->introduction->len; i++)
		add_layout(sum, g_ptr_array_index(options->introduction, i));
	return g_strndup(g_checksum_get_string(sum), NAME_LENGTH);
}

static char *collector_name(const struct spool_options *options)
{
	g_autofree char *sum =
		g_compute_checksum_for_string(G_CHECKSUM_SHA256, options->collector, -1);

	return g_strdup_printf("weir-%.*s", NAME_LENGTH, sum);
}

/* --- opening --- */

static bool fail_as(const struct spool_options *options, enum weir_error code, GError **error,
		    const char *what)
{
	g_set_error(error, WEIR_ERROR, code, "destination \"%s\": spool \"%s\": %s", options->url,
		    options->folder, what);
	return false;
}

G_GNUC_PRINTF(3, 4)
static bool fail(const struct spool_options *options, GError **error, const char *format, ...)
{
	va_list arguments;
	g_autofree char *what = NULL;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return fail_as(options, WEIR_ERROR_FAILED, error, what);
}

static bool take_lock(struct spool *spool, GError **error)
{
	g_autofree char *lock = g_strconcat(spool->stem, ".lock", NULL);
	g_autofree char *sent = g_strconcat(spool->stem, ".sent", NULL);

	spool->lock = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (spool->lock < 0)
		return fail(&spool->options, error, "%s; name a folder that can be written to",
			    g_strerror(errno));
	if (flock(spool->lock, LOCK_EX | LOCK_NB) != 0)
		return fail_as(&spool->options, WEIR_ERROR_BUSY, error,
			       "another weir sends from it; give each a folder of its own");
	spool->sent = open(sent, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return spool->sent >= 0 || fail(&spool->options, error, "%s", g_strerror(errno));
}

static gint by_number(gconstpointer a, gconstpointer b)
{
	const struct spool_file *one = *(struct spool_file *const *)a;
	const struct spool_file *other = *(struct spool_file *const *)b;

	return one->number < other->number ? -1 : one->number > other->number;
}

/* The number in the name of a file of this spool; 0: it is none. */
static guint64 number_of(const struct spool *spool, const char *base, const char *name)
{
	const size_t length = strlen(base);
	char *end = NULL;
	guint64 number;

	if (!g_str_has_prefix(name, base) || name[length] != '-')
		return 0;
	number = g_ascii_strtoull(name + length + 1, &end, 16);
	return end && g_str_equal(end, spool->suffix) ? number : 0;
}

static void take_file(struct spool *spool, guint64 number)
{
	struct spool_file *file = spool_file_new(spool->stem, number, spool->suffix);
	g_autoptr(GError) error = NULL;

	spool->last_number = MAX(spool->last_number, number);
	if (!spool_file_open(file, &error)) {
		log_about(LOG_LEVEL_WARNING, "destination", spool->url,
			  "destination \"%s\": %s; it is left alone", spool->url, error->message);
		spool_file_free(file);
		return;
	}
	spool_file_close(file);
	g_ptr_array_add(spool->files, file);
	spool->octets += file->octets;
	spool->unread += file->messages;
}

static bool take_files(struct spool *spool, const char *collector, GError **error)
{
	g_autofree char *base = g_path_get_basename(spool->stem);
	g_autoptr(GDir) folder = g_dir_open(spool->options.folder, 0, NULL);
	bool other = false;
	const char *name;

	if (!folder)
		return fail(&spool->options, error, "cannot look into it");
	while ((name = g_dir_read_name(folder))) {
		guint64 number = number_of(spool, base, name);

		if (number > 0)
			take_file(spool, number);
		else if (g_str_has_prefix(name, collector) && !g_str_has_prefix(name, base) &&
			 g_str_has_suffix(name, ".index"))
			other = true;
	}
	g_ptr_array_sort(spool->files, by_number);
	if (other)
		log_about(LOG_LEVEL_INFO, "destination", spool->url,
			  "destination \"%s\": spool \"%s\" also holds records of another template "
			  "for this collector; a run with that template sends them",
			  spool->url, spool->options.folder);
	return true;
}

static void remove_file(struct spool *spool, guint at)
{
	struct spool_file *file = g_ptr_array_index(spool->files, at);

	spool->octets -= file->octets;
	spool_file_remove(file);
	g_ptr_array_remove_index(spool->files, at);
}

/* Removes what is behind the point, and returns how many of its messages there were. */
static guint64 remove_confirmed(struct spool *spool, guint64 number, guint64 count)
{
	guint64 removed = 0;

	while (spool->files->len > 0) {
		const struct spool_file *first = g_ptr_array_index(spool->files, 0);
		const bool whole = first->number < number ||
				   (first->number == number && count >= first->messages);

		if (!whole || first == spool->writing)
			break;
		removed += first->messages;
		remove_file(spool, 0);
	}
	return removed;
}

static void take_point(struct spool *spool)
{
	guint64 point[2] = { 0 };
	const struct spool_file *first;

	if (pread(spool->sent, point, sizeof(point), 0) != sizeof(point))
		return;
	spool->last_number = MAX(spool->last_number, point[0]);
	spool->unread -= remove_confirmed(spool, point[0], point[1]);
	first = spool->files->len > 0 ? g_ptr_array_index(spool->files, 0) : NULL;
	if (!first || first->number != point[0])
		return;
	spool->read_file = point[0];
	spool->read_count = point[1];
	spool->unread -= point[1];
}

struct spool *spool_open(const struct spool_options *options, GError **error)
{
	struct spool *spool = g_new0(struct spool, 1);
	g_autofree char *collector = collector_name(options);
	g_autofree char *layout = layout_name(options);
	bool good;

	spool->url = g_strdup(options->url);
	spool->options = *options;
	spool->options.folder = g_strdup(options->folder);
	spool->options.url = spool->url;
	spool->options.collector = NULL;
	spool->stem = g_strdup_printf("%s/%s-%s", options->folder, collector, layout);
	spool->suffix = options->form == &json_encoder ? ".json" : ".ipfix";
	spool->files = g_ptr_array_new_with_free_func(free_file);
	spool->lock = -1;
	spool->sent = -1;
	if (g_mkdir_with_parents(options->folder, 0700) != 0)
		good = fail(options, error, "%s; name a folder that can be made",
			    g_strerror(errno));
	else
		good = take_lock(spool, error) && take_files(spool, collector, error);
	if (!good) {
		spool_free(spool);
		return NULL;
	}
	take_point(spool);
	spool->earlier_through = spool->last_number;
	if (spool->unread > 0)
		log_about(LOG_LEVEL_INFO, "destination", spool->url,
			  "destination \"%s\": %" G_GUINT64_FORMAT
			  " messages of an earlier run wait in spool \"%s\" and are sent first",
			  spool->url, spool->unread, options->folder);
	return spool;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	g_ptr_array_unref(spool->files);
	close_if_open(spool->sent);
	close_if_open(spool->lock);
	g_free((char *)spool->options.folder);
	g_free(spool->stem);
	g_free(spool->url);
	g_free(spool);
}

/* --- writing --- */

guint64 spool_unread(const struct spool *spool)
{
	return spool->unread;
}

static bool complain(struct spool *spool, const char *what)
{
	if (!spool->complained)
		log_about(
			LOG_LEVEL_WARNING, "destination", spool->url,
			"destination \"%s\": spool \"%s\": %s; records it has no room for are lost",
			spool->url, spool->options.folder, what);
	spool->complained = true;
	return false;
}

static void stop_writing(struct spool *spool)
{
	if (spool->writing)
		spool_file_close(spool->writing);
	spool->writing = NULL;
}

static guint64 introduction_octets(const struct spool *spool)
{
	guint64 octets = 0;

	for (guint i = 0; i < spool->options.introduction->len; i++)
		octets += ((struct message *)g_ptr_array_index(spool->options.introduction, i))
				  ->length;
	return octets;
}

static struct spool_file *make_file(struct spool *spool, const struct message *first,
				    guint64 number)
{
	struct spool_file *file = spool_file_new(spool->stem, number, spool->suffix);
	g_autoptr(GError) error = NULL;

	if (!spool_file_create(file, spool->options.form, spool->options.introduction, first,
			       &error)) {
		complain(spool, error->message);
		spool_file_free(file);
		return NULL;
	}
	g_ptr_array_add(spool->files, file);
	g_ptr_array_sort(spool->files, by_number);
	spool->octets += file->octets;
	spool->last_number = MAX(spool->last_number, number);
	return file;
}

static bool has_room(struct spool *spool, const struct message *message, bool new_file)
{
	guint64 needed = message->length + (new_file ? introduction_octets(spool) : 0);

	return spool->octets + needed <= spool->options.size || complain(spool, "it is full");
}

static bool add(struct spool *spool, struct spool_file *file, const struct message *message)
{
	g_autoptr(GError) error = NULL;

	if (!spool_file_add(file, spool->options.form, message, &error))
		return complain(spool, error->message);
	spool->octets += message->length;
	spool->unread++;
	return true;
}

bool spool_write(struct spool *spool, const struct message *message)
{
	if (spool->writing && spool->writing->octets >= FILE_OCTETS)
		stop_writing(spool);
	if (!has_room(spool, message, !spool->writing))
		return false;
	if (!spool->writing)
		spool->writing = make_file(spool, message, (spool->last_number / STEP + 1) * STEP);
	return spool->writing && add(spool, spool->writing, message);
}

/* --- reading --- */

/* The first file with something to read; where its reading goes on. */
static struct spool_file *next_unread(const struct spool *spool, guint64 *ret_at)
{
	for (guint i = 0; i < spool->files->len; i++) {
		struct spool_file *file = g_ptr_array_index(spool->files, i);
		guint64 at = file->number == spool->read_file ? spool->read_count : 0;

		if (file->number < spool->read_file || at >= file->messages)
			continue;
		*ret_at = at;
		return file;
	}
	return NULL;
}

guint64 spool_next_file(const struct spool *spool)
{
	guint64 at;
	const struct spool_file *file = next_unread(spool, &at);

	return file ? file->number : 0;
}

bool spool_insert(struct spool *spool, const struct message *message, guint64 before)
{
	const bool same = spool->inserting && spool->inserting->number == before - 1;

	if (before == 0)
		return spool_write(spool, message);
	if (!has_room(spool, message, !same))
		return false;
	if (!same) {
		if (spool->inserting)
			spool_file_close(spool->inserting);
		spool->inserting = make_file(spool, message, before - 1);
	}
	return spool->inserting && add(spool, spool->inserting, message);
}

static bool ready(struct spool_file *file, GError **error)
{
	return file->data >= 0 || spool_file_open(file, error);
}

/* What a damaged file still holds is passed over; the next one may be good. */
static void pass_over(struct spool *spool, const struct spool_file *file, guint64 at)
{
	spool->unread -= file->messages - at;
	spool->read_file = file->number;
	spool->read_count = file->messages;
}

struct message *spool_read(struct spool *spool)
{
	struct message *message = NULL;
	struct spool_file *file;
	guint64 at;

	while (!message && (file = next_unread(spool, &at))) {
		g_autoptr(GError) error = NULL;

		if (ready(file, &error))
			message = spool_file_read(file, at, &error);
		if (!message) {
			log_about(LOG_LEVEL_WARNING, "destination", spool->url,
				  "destination \"%s\": %s; what it holds is passed over",
				  spool->url, error->message);
			pass_over(spool, file, at);
			continue;
		}
		message->earlier = file->number <= spool->earlier_through;
		spool->read_file = file->number;
		spool->read_count = at + 1;
		spool->unread--;
		if (spool->read_count == file->messages && file != spool->writing)
			spool_file_close(file);
	}
	/* What comes next is in memory: whatever follows it needs a file of its own. */
	if (spool->unread == 0) {
		stop_writing(spool);
		spool->complained = false;
	}
	return message;
}

void spool_confirm(struct spool *spool, const struct message *message)
{
	const guint64 point[2] = { message->spool_file, message->spool_next };

	if (pwrite(spool->sent, point, sizeof(point), 0) != sizeof(point))
		complain(spool, "cannot note what has arrived; some may be sent twice");
	remove_confirmed(spool, point[0], point[1]);
}
