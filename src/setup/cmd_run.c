/* SPDX-License-Identifier: BSD-2-Clause */
/* weir run: interfaces instead of files; everything else as for replay. */
#include "base/error.h"
#include "base/log.h"
#include "setup/instance.h"
#include "setup/instance_memory.h"
#include "setup/live.h"
#include "setup/live_output.h"
#include "setup/live_rights.h"
#include "setup/logging.h"
#include "setup/report.h"
#include "setup/settings.h"
#include "setup/stage_options.h"

static guint32 power_of_two(guint64 number)
{
	guint32 power = 1;

	while (power < number)
		power <<= 1;
	return power;
}

static struct live_options live_options_of(const struct options *options)
{
	static const enum attach_direction directions[] = { ATTACH_IN, ATTACH_OUT, ATTACH_BOTH };
	const struct option_value *values = options->values;

	return (struct live_options){
		.interfaces = (const char *const *)options->arguments,
		.attach = {
			.hook = (enum attach_hook)values[OPTION_HOOK].number,
			.direction = directions[values[OPTION_DIRECTION].number],
			.promiscuous = values[OPTION_PROMISCUOUS].number,
			.force = values[OPTION_FORCE].number,
		},
		.drop = values[OPTION_DROP].number,
		.filter = values[OPTION_FILTER].text,
		.dedup = stage_dedup(options),
		.cache = stage_cache(options),
		.idle_timeout_ns = values[OPTION_IDLE_TIMEOUT].number,
		.active_timeout_ns = values[OPTION_ACTIVE_TIMEOUT].number,
		.max_flows = values[OPTION_MAX_FLOWS].number,
		.detail = stage_detail(options),
		.ring_octets = power_of_two(values[OPTION_RING].number),
		.duration_ns = values[OPTION_DURATION].number,
		.instance = values[OPTION_INSTANCE].text,
		.instance_given = values[OPTION_INSTANCE].text != NULL,
		.export = stage_export_live(options),
		.places = places_options_of(options),
		.statistics_ns = values[OPTION_STATISTICS].number,
		.quiet = values[OPTION_QUIET].number,
		.given = options,
	};
}

/* Its instance ends with it, even where the account cannot be written: the user is still told. */
static bool tell(void *data, const struct account *account)
{
	report_write(data, account);
	return true;
}

static bool run(const struct options *options, GError **error)
{
	struct live_options live = live_options_of(options);
	/* Metrics before rights are given up: their port, key and token may be root's. */
	bool good = settings_check_run(options, error) && logging_open(options, error) &&
		    stage_tunnels(options, &live.tunnels, error) &&
		    live_metrics_open(options, &live.metrics, error);
	g_autofree char *name = live.instance ? NULL : instance_name(live.interfaces);
	struct live_output *output = NULL;
	struct account account = { 0 };
	struct report *report;
	GError *fault = NULL;

	if (!live.instance)
		live.instance = name;
	if (good && live_rights_begin(options, live.instance, error))
		output = live_output_open(options, error);
	if (!output) {
		instance_memory_abandon(live.instance);
		live_metrics_free(live.metrics);
		return false;
	}
	report = report_open(options, NULL, error);
	if (report) {
		live.export.to = live_output_to(output);
		if (!options_say_where(options))
			live.export.names = NULL;
		live.view = live_output_view(output);
		live.tell = tell;
		live.tell_data = report;
		log_set_instance(live.instance);
		live_run(&live, &account, &fault);
	}
	instance_memory_abandon(live.instance);
	live_output_close(output, &account);
	live_metrics_free(live.metrics);
	return report && report_close(report, &account, fault, error);
}

int cmd_run(int argc, char **argv)
{
	return command_main(COMMAND_RUN, argc, argv, run);
}
