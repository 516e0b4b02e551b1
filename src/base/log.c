/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/log_file.h"
#include "base/log_journal.h"
#include "base/log_limit.h"

#define WHO	   "weir: "
#define INTERVAL_S 60
#define TEXT_MOST  5   /* of one text in that time */
#define KIND_MOST  300 /* of messages that differ in what they name: every interface has its own */
#define TEXTS	   256

/* What a line is made of. */
struct event {
	enum log_level level;
	const char *text;
	const char *what; /* NULL: about nothing in particular */
	const char *which;
	guint64 left;	  /* so many more were left out */
	const char *json; /* a member of that name; NULL: none */
	const char *json_name;
};

struct log {
	GMutex mutex; /* of everything below but the level */
	bool json;
	enum log_timing timing;
	char *instance;
	struct log_file *file; /* NULL: standard error is what it was */
	char *journal;	       /* NULL: where it usually listens */
	log_taker *diverted;
	void *diverted_data;
	struct log_limit *texts;
	struct log_limit *kinds; /* by format */
};

static struct log the_log;
static int the_level = LOG_LEVEL_INFO;

static const struct level {
	const char *name;
	int priority; /* of the journal, as syslog's */
} levels[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

void log_set_level(enum log_level level)
{
	g_atomic_int_set(&the_level, (int)level);
}

enum log_level log_get_level(void)
{
	return (enum log_level)g_atomic_int_get(&the_level);
}

void log_set_json(bool json)
{
	g_mutex_lock(&the_log.mutex);
	the_log.json = json;
	g_mutex_unlock(&the_log.mutex);
}

bool log_is_json(void)
{
	bool json;

	g_mutex_lock(&the_log.mutex);
	json = the_log.json;
	g_mutex_unlock(&the_log.mutex);
	return json;
}

void log_set_instance(const char *instance)
{
	g_mutex_lock(&the_log.mutex);
	g_free(the_log.instance);
	the_log.instance = g_strdup(instance);
	g_mutex_unlock(&the_log.mutex);
}

void log_set_timing(enum log_timing timing)
{
	g_mutex_lock(&the_log.mutex);
	the_log.timing = timing;
	g_mutex_unlock(&the_log.mutex);
}

enum log_timing log_get_timing(void)
{
	enum log_timing timing;

	g_mutex_lock(&the_log.mutex);
	timing = the_log.timing;
	g_mutex_unlock(&the_log.mutex);
	return timing;
}

void log_set_journal(const char *path)
{
	g_mutex_lock(&the_log.mutex);
	g_free(the_log.journal);
	the_log.journal = g_strdup(path);
	g_mutex_unlock(&the_log.mutex);
}

/* --- a file of its own --- */

bool log_to_file(const char *path, bool guarded, GError **error)
{
	struct log_file *file = path ? log_file_open(path, guarded, error) : NULL;

	if (path && !file)
		return false;
	g_mutex_lock(&the_log.mutex);
	if (!path)
		log_file_free(the_log.file);
	the_log.file = file;
	g_mutex_unlock(&the_log.mutex);
	return true;
}

bool log_reopen(GError **error)
{
	bool good;

	g_mutex_lock(&the_log.mutex);
	good = !the_log.file || log_file_reopen(the_log.file, error);
	g_mutex_unlock(&the_log.mutex);
	return good;
}

bool log_give_file(uid_t user, gid_t group, GError **error)
{
	bool good;

	g_mutex_lock(&the_log.mutex);
	good = !the_log.file || fchown(STDERR_FILENO, user, group) == 0;
	g_mutex_unlock(&the_log.mutex);
	if (!good)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "the log file: %s",
			    g_strerror(errno));
	return good;
}

void log_divert(log_taker *taker, void *data)
{
	g_mutex_lock(&the_log.mutex);
	the_log.diverted = taker;
	the_log.diverted_data = data;
	g_mutex_unlock(&the_log.mutex);
}

/* --- lines --- */

/* RFC 3339 */
static char *time_text(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();

	return g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ");
}

static void add_members(JsonBuilder *json, const struct event *event)
{
	g_autofree char *time = time_text();

	json_put_text(json, "time", time);
	json_put_text(json, "level", log_level_name(event->level));
	json_put_text(json, "message", event->text);
	if (the_log.instance)
		json_put_text(json, "instance", the_log.instance);
	if (event->what)
		json_put_text(json, event->what, event->which);
	if (event->left > 0) {
		json_put_count(json, "leftOut", event->left);
	}
	if (event->json) {
		json_builder_set_member_name(json, event->json_name);
		json_builder_add_value(json, json_from_string(event->json, NULL));
	}
}

static char *json_line(const struct event *event)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(json);
	add_members(json, event);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	json_generator_set_root(generator, root);
	return json_generator_to_data(generator, NULL);
}

/* Names of files are the user's: nothing in them shall steer the terminal. */
static char *without_controls(char *text)
{
	for (char *c = text; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	return text;
}

static char *text_line(const struct event *event)
{
	return without_controls(g_strconcat(WHO, event->text, NULL));
}

static char *line_of(const struct event *event)
{
	return the_log.json ? json_line(event) : text_line(event);
}

/* --- the journal --- */

/* sd-daemon(3): standard error is the journal's own stream, which takes the level from <N>. */
static bool is_journal(void)
{
	const char *stream = g_getenv("JOURNAL_STREAM");
	g_autofree char *own = NULL;
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) != 0)
		return false;
	own = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)status.st_dev,
			      (guint64)status.st_ino);
	return strcmp(own, stream) == 0;
}

/* WEIR_DESTINATION */
static char *field_name(const char *what)
{
	g_autofree char *name = g_strconcat("WEIR_", what, NULL);

	for (char *c = name; *c; c++)
		*c = g_ascii_isalnum(*c) ? g_ascii_toupper(*c) : '_';
	return g_steal_pointer(&name);
}

/* False: it is not taken there, or objects were asked for, which are lines. */
static bool tell_journal(const struct event *event)
{
	g_autofree char *priority = g_strdup_printf("%d", levels[event->level].priority);
	g_autofree char *text = without_controls(g_strdup(event->text));
	g_autofree char *left = g_strdup_printf("%" G_GUINT64_FORMAT, event->left);
	g_autofree char *what = field_name(event->what ? event->what : "");
	struct log_journal_field fields[6] = {
		{ "MESSAGE", text },
		{ "PRIORITY", priority },
		{ "SYSLOG_IDENTIFIER", "weir" },
	};
	guint count = 3;

	if (the_log.instance)
		fields[count++] = (struct log_journal_field){ "WEIR_INSTANCE", the_log.instance };
	if (event->what)
		fields[count++] = (struct log_journal_field){ what, event->which };
	if (event->left > 0)
		fields[count++] = (struct log_journal_field){ "WEIR_LEFT_OUT", left };
	return !the_log.json &&
	       log_journal_send(the_log.journal ? the_log.journal : LOG_JOURNAL_SOCKET, fields,
				count);
}

static void write_to_journal(const struct event *event)
{
	g_autofree char *line = NULL;

	if (tell_journal(event))
		return;
	line = line_of(event);
	fprintf(stderr, "<%d>%s\n", levels[event->level].priority, line);
}

/* --- lines --- */

/* Who looks at a terminal knows when; who looks at a file of a run does not. */
static bool is_timed(void)
{
	struct stat status;

	if (the_log.timing != LOG_TIMED_IN_FILES)
		return the_log.timing == LOG_TIMED;
	return the_log.instance && fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

static void write_line(const struct event *event)
{
	g_autofree char *line = line_of(event);
	g_autofree char *time = !the_log.json && is_timed() ? time_text() : NULL;

	if (time)
		fprintf(stderr, "%s %s %s\n", time, log_level_name(event->level), line);
	else
		fprintf(stderr, "%s\n", line);
}

static void write_event(const struct event *event)
{
	if (the_log.diverted) {
		g_autofree char *line = line_of(event);

		the_log.diverted(the_log.diverted_data, line);
		if (!the_log.file)
			return;
	}
	if (is_journal())
		write_to_journal(event);
	else
		write_line(event);
}

/* Who started it sees nothing of the file. */
static void tell_former(const struct event *event)
{
	FILE *former = the_log.file ? log_file_former(the_log.file) : NULL;
	g_autofree char *line = former ? line_of(event) : NULL;

	if (!former)
		return;
	fprintf(former, "%s\n", line);
	fflush(former);
}

/* --- what is said again and again --- */

static void have_limits(void)
{
	struct log_limit_rule rule = { TEXT_MOST, INTERVAL_S * G_USEC_PER_SEC, TEXTS };

	if (the_log.texts)
		return;
	the_log.texts = log_limit_new(&rule);
	rule.most = KIND_MOST;
	the_log.kinds = log_limit_new(&rule);
}

static void tell_left(struct log_limit *limit, gint64 now_us, bool all)
{
	guint64 count;
	char *text;

	while ((text = log_limit_left(limit, now_us, all, &count))) {
		g_autofree char *line = g_strdup_printf("left out %" G_GUINT64_FORMAT
							" more of these within %d s: %s",
							count, INTERVAL_S, text);
		const struct event event = { .level = LOG_LEVEL_WARNING,
					     .text = line,
					     .left = count };

		write_event(&event);
		g_free(text);
	}
}

static void tell_all_left(gint64 now_us, bool all)
{
	have_limits();
	tell_left(the_log.texts, now_us, all);
	tell_left(the_log.kinds, now_us, all);
}

static void say(const struct event *event, const char *format)
{
	const gint64 now_us = g_get_monotonic_time();

	g_mutex_lock(&the_log.mutex);
	tell_all_left(now_us, false);
	if (log_limit_take(the_log.texts, event->text, now_us) &&
	    (strcmp(format, "%s") == 0 || log_limit_take(the_log.kinds, format, now_us)))
		write_event(event);
	g_mutex_unlock(&the_log.mutex);
}

void log_tick(void)
{
	g_mutex_lock(&the_log.mutex);
	tell_all_left(g_get_monotonic_time(), false);
	g_mutex_unlock(&the_log.mutex);
}

void log_last(const GError *error)
{
	g_mutex_lock(&the_log.mutex);
	tell_all_left(g_get_monotonic_time(), true);
	if (error) {
		const struct event event = { .level = LOG_LEVEL_ERROR, .text = error->message };

		write_event(&event);
		tell_former(&event);
	}
	g_mutex_unlock(&the_log.mutex);
}

void log_json_member(const char *name, const char *json)
{
	const struct event event = {
		.level = LOG_LEVEL_INFO, .text = name, .json = json, .json_name = name
	};

	g_mutex_lock(&the_log.mutex);
	write_event(&event);
	g_mutex_unlock(&the_log.mutex);
}

/* --- what is said --- */

G_GNUC_PRINTF(2, 0)
static void say_values(struct event *event, const char *format, va_list values)
{
	g_autofree char *text = NULL;

	if (event->level > log_get_level())
		return;
	text = g_strdup_vprintf(format, values);
	event->text = text;
	say(event, format);
}

void log_say(enum log_level level, const char *format, ...)
{
	struct event event = { .level = level };
	va_list values;

	va_start(values, format);
	say_values(&event, format, values);
	va_end(values);
}

void log_about(enum log_level level, const char *what, const char *which, const char *format, ...)
{
	struct event event = { .level = level, .what = what, .which = which };
	va_list values;

	va_start(values, format);
	say_values(&event, format, values);
	va_end(values);
}

void log_line(const char *format, ...)
{
	struct event event = { .level = LOG_LEVEL_INFO };
	va_list values;

	va_start(values, format);
	say_values(&event, format, values);
	va_end(values);
}

void log_warning(const char *format, ...)
{
	struct event event = { .level = LOG_LEVEL_WARNING };
	va_list values;

	va_start(values, format);
	say_values(&event, format, values);
	va_end(values);
}

void log_debug(const char *format, ...)
{
	struct event event = { .level = LOG_LEVEL_DEBUG };
	va_list values;

	va_start(values, format);
	say_values(&event, format, values);
	va_end(values);
}

void log_error(GError *error)
{
	if (!error)
		return;
	log_say(LOG_LEVEL_ERROR, "%s", error->message);
	g_error_free(error);
}
