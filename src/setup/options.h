/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of every command (options.def), from the command line and the configuration file. */
#ifndef WEIR_SETUP_OPTIONS_H
#define WEIR_SETUP_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "export/template.h"
#include "setup/commands.h"

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#include "setup/options.def"
#undef OPTION
	OPTIONS,
};

enum option_type {
	OPTION_TYPE_FLAG,   /* number: 0 or 1 */
	OPTION_TYPE_SWITCH, /* --name and --no-name; number: 0 or 1, or not given */
	OPTION_TYPE_TEXT,
	OPTION_TYPE_LIST, /* may be given again */
	OPTION_TYPE_NUMBER,
	OPTION_TYPE_COUNT,
	OPTION_TYPE_DURATION,	     /* number: nanoseconds */
	OPTION_TYPE_DURATION_OR_OFF, /* 0 as well */
	OPTION_TYPE_CHOICE,	     /* number: index */
};

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_type type;
	const char *standard; /* the default as a user would write it, or NULL */
	const char *argument;
	guint64 low;
	guint64 high;
	const char *section;   /* of the configuration file, or NULL */
	unsigned int commands; /* 1 << enum command_id */
	const char *help;
};

extern const struct option_row option_rows[OPTIONS];

/* Of the configuration file, in the order to show them; the last has no name and stands for what
 * the command line alone has. */
struct option_section {
	const char *name;
	const char *title;
};

extern const struct option_section option_sections[];
extern const guint option_sections_count;

/* Later ones override earlier ones. */
enum option_origin {
	OPTION_NOT_GIVEN,
	OPTION_FROM_CONFIG,
	OPTION_FROM_COMMAND_LINE,
};

struct option_value {
	enum option_origin origin;
	guint line; /* of the configuration file, where it comes from there */
	guint64 number;
	char *text;
	char **list; /* NULL-terminated; NULL when empty */
};

/* A destination with a section of its own in the configuration file. */
struct exporter {
	char *name;
	char *url;
	guint line;
};

struct options {
	struct option_value values[OPTIONS];
	/* What is no option: NULL-terminated. Of a run, after options_gather(): all interfaces. */
	char **arguments;
	GPtrArray *exporters; /* of struct exporter */
	/* Where records go, after options_gather(): those of --to, and the exporters unless the
	 * command line says otherwise; with a name each, "" for those without. */
	char **to;
	char **to_names;
	/* What was typed, to be read again; NULL: nothing was. */
	enum command_id command;
	char **typed;
};

/* All at their defaults. */
struct options *options_new(void);
struct options *options_copy(const struct options *options);
void options_free(struct options *options);

/* Where a value comes from. */
struct option_source {
	enum option_origin origin;
	const char *where; /* begins the error: "--batch", "weir.conf:3: batch" */
	guint line;	   /* of the configuration file */
};

/* Checks text and takes it, unless something of higher origin is there already. */
bool options_set(struct options *options, enum option_id id, const struct option_source *source,
		 const char *text, GError **error);

void options_add_exporter(struct options *options, const char *name, const char *url, guint line);
/* Once everything is read. */
void options_gather(struct options *options);
/* Somebody said where records go. */
bool options_say_where(const struct options *options);

/* The command line of one command; argv[0] is skipped. With --help, unknown options are
 * let pass. */
bool options_parse(struct options *options, enum command_id command, int argc, char **argv,
		   GError **error);

/* What no option can tell alone: contradictions. ret_about is set when there is one. */
bool options_check(const struct options *options, enum option_id *ret_about, GError **error);

/* What --biflow and --uniflow come to. */
enum template_direction options_direction(const struct options *options);
/* Whom the run becomes; NULL: nobody else. */
const char *options_user(const struct options *options);

/* What values a row takes, in words; free with g_free. */
char *option_range(const struct option_row *row);
/* The value as a user would write it; free with g_free. */
char *option_format(const struct options *options, enum option_id id);

#endif
