/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/logging.h"

#include "base/log.h"

static const enum option_id ids[] = { OPTION_LOG_LEVEL, OPTION_LOG_JSON, OPTIONS };

void logging_begin(const struct options *options)
{
	const unsigned int command = 1u << options->command;

	/* The row of another command says nothing of this one. */
	if (!(option_rows[OPTION_LOG_LEVEL].commands & command))
		return;
	log_set_level((enum log_level)options->values[OPTION_LOG_LEVEL].number);
	log_set_json(options->values[OPTION_LOG_JSON].number);
}

static void apply(void *data, const struct options *fresh, void *prepared, struct reload_news *news)
{
	const enum log_level level = log_get_level();
	const bool json = log_is_json();

	(void)data;
	(void)prepared;
	logging_begin(fresh);
	if (log_get_level() != level)
		reload_changed(news, "log-level: %s from here on", log_level_name(log_get_level()));
	if (log_is_json() != json)
		reload_changed(news, "log-json: %s from here on", json ? "off" : "on");
}

static const struct reload_part part = { .name = "log", .apply = apply };

void logging_join(struct reload *reload)
{
	reload_add(reload, &part, ids, NULL);
}
