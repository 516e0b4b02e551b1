/* SPDX-License-Identifier: BSD-2-Clause */
/* weir replay: options become the stages' own options; the account comes at the end. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "setup/options.h"
#include "setup/pipeline.h"
#include "setup/progress.h"

static int detail_of(const struct options *options)
{
	static const int details[] = { -1, FLOW_DETAIL_BASIC, FLOW_DETAIL_TCP, FLOW_DETAIL_FULL };

	return details[options->values[OPTION_DETAIL].number];
}

static void print_table(const struct account *account)
{
	account_print_table(account, stderr);
}

static struct replay_options replay_options_of(const struct options *options)
{
	const struct option_value *values = options->values;

	return (struct replay_options){
		.files = (const char *const *)options->arguments,
		.idle_timeout_ns = values[OPTION_IDLE_TIMEOUT].number,
		.active_timeout_ns = values[OPTION_ACTIVE_TIMEOUT].number,
		.max_flows = values[OPTION_MAX_FLOWS].number,
		.seed_given = values[OPTION_SEED].origin != OPTION_NOT_GIVEN,
		.seed = values[OPTION_SEED].number,
		.filter = values[OPTION_FILTER].text,
		.detail = detail_of(options),
		.batch = (guint)values[OPTION_BATCH].number,
		.begin = values[OPTION_QUIET].number ? NULL : print_table,
		.export = {
			.to = (const char *const *)values[OPTION_TO].list,
			.template_name = values[OPTION_TEMPLATE].text,
			.direction = options_direction(options),
			.pen = (guint32)values[OPTION_PEN].number,
			.domain = (guint32)values[OPTION_DOMAIN].number,
		},
	};
}

/* Records on the same terminal would be torn by the line; --progress wants it all the same. */
static bool progress_wanted(const struct options *options)
{
	const struct option_value *progress = &options->values[OPTION_PROGRESS];
	char *const *to = options->values[OPTION_TO].list;
	bool records = false;

	if (options->values[OPTION_QUIET].number)
		return false;
	if (progress->origin != OPTION_NOT_GIVEN)
		return progress->number;
	for (guint i = 0; to[i]; i++)
		records |= strstr(to[i], "file:-") != NULL;
	return isatty(STDERR_FILENO) && !(records && isatty(STDOUT_FILENO));
}

/* Opened before the run, so that a name that cannot be written is known before the work; not cut
 * to nothing until there is something to write. */
static bool open_stats(const char *path, FILE **ret_stats, GError **error)
{
	FILE *stats = NULL;

	if (path)
		stats = strcmp(path, "-") == 0 ? stdout : fopen(path, "ae");
	if (path && !stats) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; the account cannot be written there", path, g_strerror(errno));
		return false;
	}
	*ret_stats = stats;
	return true;
}

static void write_stats(const struct account *account, FILE *stats)
{
	g_autofree char *json = account_to_json(account);

	/* A pipe or a terminal cannot be cut, and need not be. */
	if (stats != stdout && ftruncate(fileno(stats), 0) != 0)
		clearerr(stats);
	fputs(json, stats);
}

static bool close_stats(FILE *stats, const char *path, GError **error)
{
	bool good = fflush(stats) == 0 && !ferror(stats);
	int why = errno;

	if (stats != stdout && fclose(stats) != 0 && good) {
		good = false;
		why = errno;
	}
	if (!good)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; the account there is not complete", path, g_strerror(why));
	return good;
}

/* An account of nothing would only hide the error below it. */
static bool worth_telling(const struct account *account, const GError *fault)
{
	return !fault || account->seen.packets > 0 ||
	       g_error_matches(fault, WEIR_ERROR, WEIR_ERROR_DAMAGED);
}

static void check_balance(const struct account *account, GError **fault)
{
	if (account_balanced(account, NULL))
		return;
	if (*fault)
		g_prefix_error(fault, "the account does not balance, and ");
	else
		g_set_error(fault, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "the account does not balance; report this with the capture");
}

static bool replay(const struct options *options, GError **error)
{
	struct replay_options run = replay_options_of(options);
	const char *stats_path = options->values[OPTION_JSON_STATS].text;
	struct account account = { 0 };
	struct progress *progress = NULL;
	GError *fault = NULL;
	FILE *stats;

	if (!open_stats(stats_path, &stats, error))
		return false;
	if (progress_wanted(options)) {
		progress = progress_new(stderr, g_get_monotonic_time);
		run.progress = progress_report;
		run.progress_data = progress;
	}
	replay_run(&run, &account, &fault);
	progress_free(progress);
	if (worth_telling(&account, fault)) {
		check_balance(&account, &fault);
		if (!options->values[OPTION_QUIET].number)
			account_print(&account, stderr);
		if (stats)
			write_stats(&account, stats);
	}
	if (stats)
		close_stats(stats, stats_path, fault ? NULL : &fault);
	account_clear(&account);
	if (fault)
		g_propagate_error(error, fault);
	return !fault;
}

int cmd_replay(int argc, char **argv)
{
	return command_main(COMMAND_REPLAY, argc, argv, replay);
}
