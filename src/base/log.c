/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log_limit.h"

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
	char *instance;
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

void log_divert(log_taker *taker, void *data)
{
	g_mutex_lock(&the_log.mutex);
	the_log.diverted = taker;
	the_log.diverted_data = data;
	g_mutex_unlock(&the_log.mutex);
}

/* --- lines --- */

static void add_members(JsonBuilder *json, const struct event *event)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ");

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

static char *text_line(const struct event *event)
{
	char *line = g_strconcat("weir: ", event->text, NULL);

	/* Names of files are the user's: nothing in them shall steer the terminal. */
	for (char *c = line; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	return line;
}

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

/* Nothing else tells when a line of it was written. */
static bool is_log_file(void)
{
	struct stat status;

	return the_log.instance && fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

static void write_timed(const char *line)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");

	fprintf(stderr, "%s %s\n", time, line);
}

static void write_event(const struct event *event)
{
	g_autofree char *line = the_log.json ? json_line(event) : text_line(event);

	if (the_log.diverted)
		the_log.diverted(the_log.diverted_data, line);
	else if (is_journal())
		fprintf(stderr, "<%d>%s\n", levels[event->level].priority, line);
	else if (!the_log.json && is_log_file())
		write_timed(line);
	else
		fprintf(stderr, "%s\n", line);
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
