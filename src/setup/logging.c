/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/logging.h"

#include "base/log.h"

static const enum option_id ids[] = { OPTION_LOG_LEVEL, OPTION_LOG_JSON, OPTION_LOG_TIME, OPTIONS };

static enum log_timing timing_of(const struct options *options)
{
	const struct option_value *value = &options->values[OPTION_LOG_TIME];

	if (value->origin == OPTION_NOT_GIVEN)
		return LOG_TIMED_IN_FILES;
	return value->number ? LOG_TIMED : LOG_NOT_TIMED;
}

void logging_begin(const struct options *options)
{
	const unsigned int command = 1u << options->command;

	/* The row of another command says nothing of this one. */
	if (!(option_rows[OPTION_LOG_LEVEL].commands & command))
		return;
	log_set_level((enum log_level)options->values[OPTION_LOG_LEVEL].number);
	log_set_json(options->values[OPTION_LOG_JSON].number);
	log_set_timing(timing_of(options));
}

bool logging_open(const struct options *options, GError **error)
{
	const char *path = options->values[OPTION_LOG_FILE].text;

	return !path || log_to_file(path, options_user(options) != NULL, error);
}

void logging_reopen(void)
{
	g_autoptr(GError) error = NULL;

	if (!log_reopen(&error))
		log_warning("%s; going on in the one that is open", error->message);
}

static const char *const timings[] = {
	[LOG_TIMED_IN_FILES] = "in files",
	[LOG_TIMED] = "on",
	[LOG_NOT_TIMED] = "off",
};

static void apply(void *data, const struct options *fresh, void *prepared, struct reload_news *news)
{
	const enum log_level level = log_get_level();
	const bool json = log_is_json();
	const enum log_timing timing = log_get_timing();

	(void)data;
	(void)prepared;
	logging_begin(fresh);
	if (log_get_level() != level)
		reload_changed(news, "log-level: %s from here on", log_level_name(log_get_level()));
	if (log_is_json() != json)
		reload_changed(news, "log-json: %s from here on", json ? "off" : "on");
	if (log_get_timing() != timing)
		reload_changed(news, "log-time: %s from here on", timings[log_get_timing()]);
}

static const struct reload_part part = { .name = "log", .apply = apply };

void logging_join(struct reload *reload)
{
	reload_add(reload, &part, ids, NULL);
}
