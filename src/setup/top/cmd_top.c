/* SPDX-License-Identifier: BSD-2-Clause */
/* weir top: a source in a thread of its own, and the view. */
#include <langinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "setup/options.h"
#include "setup/stop.h"
#include "setup/terminal.h"
#include "setup/top/top_source.h"
#include "top/print.h"
#include "top/show.h"

/* About 45 MiB. */
#define ROOM	 131072
#define SAID_MAX 100

struct run {
	const struct options *options;
	top_source_run *source;
	struct top_desk *desk;
	GPtrArray *said; /* what was logged while the view hid it */
	GError *fault;	 /* of the source */
};

static void on_line(void *data, const char *line)
{
	struct run *run = data;

	if (run->said->len < SAID_MAX)
		g_ptr_array_add(run->said, g_strdup(line));
}

static gpointer run_source(gpointer data)
{
	struct run *run = data;

	run->source(run->desk, run->options, false, &run->fault);
	return NULL;
}

/* Signals are for the thread that draws. */
static GThread *start_source(struct run *run)
{
	sigset_t all;
	sigset_t found;
	GThread *thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &found);
	thread = g_thread_new("source", run_source, run);
	pthread_sigmask(SIG_SETMASK, &found, NULL);
	return thread;
}

static bool shows_utf8(const struct options *options)
{
	return !options->values[OPTION_ASCII].number && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void tell_lines(struct run *run)
{
	log_divert(NULL, NULL);
	for (guint i = 0; i < run->said->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(run->said, i));
	g_ptr_array_set_size(run->said, 0);
}

static bool view(struct run *run, GError **error)
{
	const struct option_value *values = run->options->values;
	const struct top_show_options show = {
		.group = (enum top_group)values[OPTION_GROUP].number,
		.sort = (enum top_sort)values[OPTION_TOP_SORT].number,
		.filter = values[OPTION_MATCH].text,
		.utf8 = shows_utf8(run->options),
		.stop = stop_wanted,
	};
	struct top_screen *screen = top_screen_open(error);
	GThread *thread;

	if (!screen)
		return false;
	terminal_borrow(STDOUT_FILENO, top_screen_leave(screen));
	stop_watch(0);
	log_divert(on_line, run);
	thread = start_source(run);
	top_show(screen, run->desk, &show);
	top_desk_stop(run->desk);
	g_thread_join(thread);
	top_screen_close(screen);
	terminal_return();
	tell_lines(run);
	return true;
}

static void print(const struct run *run)
{
	const struct option_value *values = run->options->values;
	const guint limit = (guint)values[OPTION_TOP_LIMIT].number;
	struct top_filter *filter =
		values[OPTION_MATCH].text ? top_filter_new(values[OPTION_MATCH].text) : NULL;
	const struct top_query query = {
		.group = (enum top_group)values[OPTION_GROUP].number,
		.sort = (enum top_sort)values[OPTION_TOP_SORT].number,
		.filter = filter,
	};
	struct top_table *table = top_table_new(run->desk->model, &query);

	if (values[OPTION_AS_JSON].number)
		top_print_json(table, &query, limit, stdout);
	else
		top_print_table(table, &query, limit, stdout);
	top_table_free(table);
	top_filter_free(filter);
}

static bool once(struct run *run)
{
	stop_watch(0);
	run->source(run->desk, run->options, true, &run->fault);
	if (run->desk->account.known)
		print(run);
	return true;
}

static bool check(const struct options *options, GError **error)
{
	if (!options->values[OPTION_AS_JSON].number || options->values[OPTION_ONCE].number)
		return true;
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--json: the view is no JSON; give --once as well");
	return false;
}

static bool top(const struct options *options, GError **error)
{
	struct run run = { .options = options, .source = top_capture_run };
	g_autofree char *name = options->arguments ? g_strjoinv(" ", options->arguments) : NULL;
	bool good;

	if (!check(options, error))
		return false;
	run.desk = top_desk_new(name, options->values[OPTION_SPEED].number > 0, ROOM);
	run.said = g_ptr_array_new_with_free_func(g_free);
	good = options->values[OPTION_ONCE].number ? once(&run) : view(&run, error);
	top_desk_free(run.desk);
	g_ptr_array_unref(run.said);
	if (run.fault)
		g_propagate_error(error, run.fault);
	return good && !run.fault;
}

int cmd_top(int argc, char **argv)
{
	return command_main(COMMAND_TOP, argc, argv, top);
}
