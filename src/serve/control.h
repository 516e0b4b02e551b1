/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket of a run, a Unix socket: a request is one line, the answer is one line of
 * JSON, and as many lines more as that says.
 *
 *	request:	VERB [ARGUMENT]\n
 *	answer:		{"status":0,"answer":{...}}\n
 *			{"status":0,"answer":{"lines":2,...}}\nLINE\nLINE\n
 *			{"status":1,"error":"what, where, what to do"}\n
 *
 * status is as an exit status: 0 done, 1 failed, 2 a request that makes no sense, 3 not allowed.
 * What the lines are is the verb's: objects of JSON, or text for people. Without the member "lines"
 * there are none.
 * A connection takes any number of requests, answered in their order; one that is silent, does not
 * take its answer, or sends a line without an end is closed. Root and the user of the run may
 * everything; the group's members may ask; others are refused. */
#ifndef WEIR_SERVE_CONTROL_H
#define WEIR_SERVE_CONTROL_H

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#define CONTROL_FOLDER	"/run/weir"
#define CONTROL_GROUP	"weir"
/* Octets of a request with its end, at most. */
#define CONTROL_REQUEST 4096
/* Connections at a time; more are told so and closed. */
#define CONTROL_CLIENTS 32

/* What a status says. */
enum control_status {
	CONTROL_DONE,
	CONTROL_FAILED,
	CONTROL_USAGE,
	CONTROL_NOT_ALLOWED,
};

/* Adds members to the answer, an object that was begun. argument: "" where there is none. False:
 * the error is the answer instead. */
typedef bool control_handle(void *data, const char *argument, JsonBuilder *answer, GError **error);

/* An answer that takes longer: whoever began it owes one of the two below, once, in the same
 * thread. The client may be gone by then. */
struct control_reply;

/* False: the error is the answer, and the reply is not his. */
typedef bool control_begin(void *data, const char *argument, struct control_reply *reply,
			   GError **error);
/* answer: an object's text, which says "lines" where there are any; lines: of whole lines, taken;
 * NULL: none. */
void control_reply_done(struct control_reply *reply, const char *answer, GString *lines);
void control_reply_failed(struct control_reply *reply, const GError *error);

/* One row a verb. */
struct control_verb {
	const char *name;
	bool changes; /* not for those who may only ask */
	control_handle *handle;
	control_begin *begin; /* in place of handle */
};

struct control_options {
	const char *path;
	const char *group;		  /* whose members may ask; NULL: nobody else */
	const struct control_verb *verbs; /* the last one has no name */
	void *data;			  /* of the handlers */
	guint patience_ms;		  /* for a client that does nothing; 0: what suits most */
};

struct control;

/* Begins to listen. A socket that nobody answers at is replaced; one that somebody does is an error
 * (WEIR_ERROR_USAGE). Everything happens in the default main context, whoever runs that. */
struct control *control_new(const struct control_options *options, GError **error);
/* Closes every connection, and the socket goes. */
void control_free(struct control *control);
/* Somebody is connected. NULL: nobody is. */
bool control_busy(const struct control *control);

/* Of an instance; free with g_free. */
char *control_path(const char *instance);

#endif
