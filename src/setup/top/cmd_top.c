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
#include "setup/instance_socket.h"
#include "setup/options.h"
#include "setup/stop.h"
#include "setup/terminal.h"
#include "setup/top/top_source.h"
#include "top/print.h"
#include "top/show.h"

/* About 45 MiB. */
#define ROOM	    131072
#define SAID_MAX    100
#define PATIENCE_US (G_USEC_PER_SEC / 2)

struct run {
	struct top_input input;
	struct top_desk *desk;
	enum top_group group;
	enum top_sort sort;
	GPtrArray *said; /* what was logged while the view hid it */
	GError *fault;	 /* of the source */
};

static void on_line(void *data, const char *line)
{
	struct run *run = data;

	if (run->said->len < SAID_MAX)
		g_ptr_array_add(run->said, g_strdup(line));
}

static void fill(struct run *run)
{
	if (run->input.files)
		top_capture_run(run->desk, &run->input, &run->fault);
	else
		top_instance_run(run->desk, &run->input, &run->fault);
}

static gpointer run_source(gpointer data)
{
	struct run *run = data;

	fill(run);
	top_desk_end(run->desk);
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

/* True: the source has ended. One that waits for a run that does not answer is left to itself. */
static bool draw(struct run *run, struct top_screen *screen)
{
	const struct option_value *values = run->input.options->values;
	const struct top_show_options show = {
		.group = run->group,
		.sort = run->sort,
		.filter = values[OPTION_MATCH].text,
		.utf8 = shows_utf8(run->input.options),
		.stop = stop_wanted,
	};
	GThread *thread;
	bool ended;

	log_divert(on_line, run);
	thread = start_source(run);
	top_show(screen, run->desk, &show);
	ended = top_desk_stop(run->desk, g_get_monotonic_time() + PATIENCE_US);
	if (ended)
		g_thread_join(thread);
	else
		g_thread_unref(thread);
	return ended;
}

static bool view(struct run *run, bool *ret_ended, GError **error)
{
	struct top_screen *screen;

	terminal_remember(STDOUT_FILENO);
	screen = top_screen_open(error);
	if (!screen)
		return false;
	terminal_borrow(top_screen_leave(screen));
	stop_watch(0);
	*ret_ended = draw(run, screen);
	top_screen_close(screen);
	terminal_return();
	tell_lines(run);
	return true;
}

static void print(const struct run *run)
{
	const struct option_value *values = run->input.options->values;
	const guint limit = (guint)values[OPTION_TOP_LIMIT].number;
	struct top_filter *filter =
		values[OPTION_MATCH].text ? top_filter_new(values[OPTION_MATCH].text) : NULL;
	const struct top_query query = {
		.group = run->group,
		.sort = run->sort,
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

static void tell_cut(const struct top_account *account)
{
	if (account->looked_at < account->of_flows)
		log_warning("the largest %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
			    " flows were looked at; what the rest of them count is in (others)",
			    account->looked_at, account->of_flows);
}

static void once(struct run *run)
{
	/* A run is asked, and who waits for its answer may go at once. */
	if (run->input.files)
		stop_watch(0);
	fill(run);
	tell_cut(&run->desk->account);
	if (!run->fault || run->desk->account.seen > 0)
		print(run);
}

/* --- what to show --- */

static bool check(const struct options *options, GError **error)
{
	const struct option_value *values = options->values;

	if (values[OPTION_AS_JSON].number && !values[OPTION_ONCE].number)
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "--json: the view is no JSON; give --once as well");
	else if (values[OPTION_READ].list && options->arguments)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "'%s': captures are named by --read already; leave one of them out",
			    options->arguments[0]);
	else
		return true;
	return false;
}

/* An argument alone may be a run's name or a file's; a run that is there is meant. */
static bool names_files(char *const *arguments)
{
	g_autofree char *socket = NULL;

	if (!arguments)
		return false;
	if (arguments[1] || strcmp(arguments[0], "-") == 0 || strchr(arguments[0], '/'))
		return true;
	socket = instance_socket_find(arguments[0], NULL);
	return !socket && access(arguments[0], F_OK) == 0;
}

static bool choose_input(struct run *run, GError **error)
{
	const struct options *options = run->input.options;
	char *const *arguments = options->arguments;

	if (options->values[OPTION_READ].list)
		run->input.files = (const char *const *)options->values[OPTION_READ].list;
	else if (names_files(arguments))
		run->input.files = (const char *const *)arguments;
	else
		run->input.socket = instance_socket_find(arguments ? arguments[0] : NULL, error);
	if (!run->input.files && !run->input.socket && arguments)
		g_prefix_error(error, "'%s' is no file, and ", arguments[0]);
	return run->input.files || run->input.socket;
}

/* A capture that is read at once has no rate. */
static bool choose_order(struct run *run, bool rates, GError **error)
{
	const struct option_value *sort = &run->input.options->values[OPTION_TOP_SORT];

	run->group = (enum top_group)run->input.options->values[OPTION_GROUP].number;
	run->sort = rates ? TOP_BY_RATE : TOP_BY_OCTETS;
	if (sort->origin == OPTION_NOT_GIVEN)
		return true;
	run->sort = (enum top_sort)sort->number;
	if (rates || run->sort != TOP_BY_RATE)
		return true;
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--sort rate: a capture has rates only at a speed; give --speed 1, or "
			    "--sort octets");
	return false;
}

static bool open_desk(struct run *run, GError **error)
{
	const struct top_input *input = &run->input;
	const bool rates =
		!input->files || (input->options->values[OPTION_SPEED].number > 0 && !input->once);
	g_autofree char *name =
		input->files ? g_strjoinv(" ", (char **)(guintptr)input->files) : g_strdup("");

	if (!choose_order(run, rates, error))
		return false;
	run->desk = top_desk_new(name, rates, ROOM);
	run->said = g_ptr_array_new_with_free_func(g_free);
	return true;
}

static void run_free(struct run *run)
{
	top_desk_free(run->desk);
	if (run->said)
		g_ptr_array_unref(run->said);
	g_free((char *)(guintptr)run->input.socket);
	g_free(run);
}

static bool top(const struct options *options, GError **error)
{
	struct run *run = g_new0(struct run, 1);
	bool ended = true;
	bool good;

	run->input.options = options;
	run->input.once = options->values[OPTION_ONCE].number;
	good = check(options, error) && choose_input(run, error) && open_desk(run, error);
	if (good && run->input.once)
		once(run);
	else if (good)
		good = view(run, &ended, error);
	if (!ended)
		return good;
	if (run->fault) {
		g_propagate_error(error, run->fault);
		good = false;
	}
	run_free(run);
	return good;
}

int cmd_top(int argc, char **argv)
{
	return command_main(COMMAND_TOP, argc, argv, top);
}
