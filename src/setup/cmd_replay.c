/* SPDX-License-Identifier: BSD-2-Clause */
/* weir replay: options become the stages' own options; the account comes at the end. */
#include <string.h>
#include <unistd.h>

#include "setup/pipeline.h"
#include "setup/progress.h"
#include "setup/report.h"
#include "setup/stage_options.h"

static void print_table(const struct account *account)
{
	account_print_table(account, stderr);
}

static struct replay_options replay_options_of(const struct options *options)
{
	const struct option_value *values = options->values;
	struct export_options export = stage_export(options);

	export.patient = true; /* the capture does not go away */
	return (struct replay_options){
		.files = (const char *const *)options->arguments,
		.idle_timeout_ns = values[OPTION_IDLE_TIMEOUT].number,
		.active_timeout_ns = values[OPTION_ACTIVE_TIMEOUT].number,
		.max_flows = values[OPTION_MAX_FLOWS].number,
		.seed_given = values[OPTION_SEED].origin != OPTION_NOT_GIVEN,
		.seed = values[OPTION_SEED].number,
		.filter = values[OPTION_FILTER].text,
		.dedup = stage_dedup(options),
		.detail = stage_detail(options),
		.batch = (guint)values[OPTION_BATCH].number,
		.begin = values[OPTION_QUIET].number ? NULL : print_table,
		.quiet = values[OPTION_QUIET].number,
		.export = export,
		.places = places_options_of(options),
	};
}

/* Records on the same terminal would be torn by the line; --progress wants it all the same. */
static bool progress_wanted(const struct options *options)
{
	const struct option_value *progress = &options->values[OPTION_PROGRESS];
	char *const *to = options->to;
	bool records = false;

	if (options->values[OPTION_QUIET].number)
		return false;
	if (progress->origin != OPTION_NOT_GIVEN)
		return progress->number;
	for (guint i = 0; to[i]; i++)
		records |= strstr(to[i], "file:-") != NULL;
	return isatty(STDERR_FILENO) && !(records && isatty(STDOUT_FILENO));
}

static bool replay(const struct options *options, GError **error)
{
	struct replay_options run = replay_options_of(options);
	struct report *report = stage_tunnels(options, &run.tunnels, error)
					? report_open(options, options->arguments, error)
					: NULL;
	struct progress *progress = NULL;
	struct account account = { 0 };
	GError *fault = NULL;

	if (!report)
		return false;
	if (progress_wanted(options)) {
		progress = progress_new(stderr, g_get_monotonic_time);
		run.progress = progress_report;
		run.progress_data = progress;
	}
	replay_run(&run, &account, &fault);
	progress_free(progress);
	return report_close(report, &account, fault, error);
}

int cmd_replay(int argc, char **argv)
{
	return command_main(COMMAND_REPLAY, argc, argv, replay);
}
