/* SPDX-License-Identifier: BSD-2-Clause */
/* One line an event, on standard error: as text, in files with time and level in front, or as a
 * JSON object. Where standard error is the journal's, events go there with their fields. What is
 * said again and again is bounded, and what was left out is told. From any thread. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

enum log_level {
	LOG_LEVEL_ERROR,   /* something is lost, or what was asked for is not done */
	LOG_LEVEL_WARNING, /* it goes on, but somebody should look */
	LOG_LEVEL_INFO,	   /* what a run does: a few lines at its beginning, at its end, and when
			    * something changes; never one a flow or a packet */
	LOG_LEVEL_DEBUG,
	LOG_LEVELS,
};

/* As it stands in options and in JSON. */
const char *log_level_name(enum log_level level);

/* Says what is at least as bad as the level; LOG_LEVEL_INFO unless told. Waits for no thread that
 * is saying something. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* Objects with time, level, message, instance and what a message is about. */
void log_set_json(bool json);
bool log_is_json(void);
/* The name in the objects; copied. NULL: none. */
void log_set_instance(const char *instance);

/* Of lines of text. */
enum log_timing {
	LOG_TIMED_IN_FILES, /* where standard error is a file of an instance */
	LOG_TIMED,
	LOG_NOT_TIMED,
};

void log_set_timing(enum log_timing timing);
enum log_timing log_get_timing(void);
/* Where the journal listens, if standard error is the journal's; copied. NULL: where it usually
 * does. */
void log_set_journal(const char *path);

/* Standard error is this file from here on, and the last word is told to what it was before as
 * well. NULL: it is what it was again. guarded: log_give_file() follows. */
bool log_to_file(const char *path, bool guarded, GError **error);
/* By its name: it may have been renamed. Nothing without a file. False: the one that is open stays
 * in use. */
bool log_reopen(GError **error);
/* The file becomes this user's, who is to open it again. */
bool log_give_file(uid_t user, gid_t group, GError **error);

void log_say(enum log_level level, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* With what the message is about, for programs: "destination" and its name. */
void log_about(enum log_level level, const char *what, const char *which, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
/* Of the level of information. */
void log_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_debug(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Says the error and frees it; nothing if there is none. */
void log_error(GError *error);

/* Now and then, so that what was left out is told in time. */
void log_tick(void);
/* The last word, which is never left out: what was left out before is told first. NULL: only
 * that. */
void log_last(const GError *error);
/* A JSON value as a member of an object of its own, whose message is the name: what was asked for,
 * whatever the level. Not bounded. */
void log_json_member(const char *name, const char *json);

/* Lines go to the taker instead, without their newline; NULL: to standard error again. For whoever
 * draws on the terminal. Called one at a time, from whichever thread speaks. */
typedef void log_taker(void *data, const char *line);
void log_divert(log_taker *taker, void *data);

#endif
