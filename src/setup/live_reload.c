/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_reload.h"

#include "base/error.h"
#include "setup/stage_options.h"

struct live_reload {
	struct live_parts parts;
	bool said_where; /* the user, not a file of the run's own making */
	struct export_options export;
	struct reload_news *news;
};

static const enum option_id export_ids[] = {
	OPTION_TO,     OPTION_FANOUT,  OPTION_TEMPLATE, OPTION_BIFLOW,
	OPTION_DOMAIN, OPTION_UNIFLOW, OPTION_PEN,	OPTIONS,
};
static const enum option_id statistics_ids[] = { OPTION_STATISTICS, OPTIONS };

/* What the run itself decided stays. */
static struct export_options options_of(const struct live_reload *reload,
					const struct options *fresh)
{
	const struct export_options *running = &reload->parts.options->export;
	struct export_options export = stage_export_live(fresh);

	if (!options_say_where(fresh)) {
		export.to = running->to;
		export.names = running->names;
	}
	export.account = running->account;
	export.sampling = running->sampling;
	export.random_sampling = running->random_sampling;
	return export;
}

static bool prepare_export(void *data, const struct options *fresh, void **ret_prepared,
			   GError **error)
{
	struct live_reload *reload = data;

	if (reload->said_where && !options_say_where(fresh)) {
		g_set_error(
			error, WEIR_ERROR, WEIR_ERROR_USAGE,
			"nothing says any more where records go; add an [exporter NAME] or to =");
		return false;
	}
	reload->export = options_of(reload, fresh);
	*ret_prepared =
		fanout_plan(reload->parts.fanout, &reload->export, reload->parts.detail, error);
	return *ret_prepared;
}

static void take_line(void *data, bool changed, const char *line)
{
	struct live_reload *reload = data;

	if (changed)
		reload_changed(reload->news, "%s", line);
	else
		reload_kept(reload->news, "%s", line);
}

static void apply_export(void *data, const struct options *fresh, void *prepared,
			 struct reload_news *news)
{
	struct live_reload *reload = data;

	reload->news = news;
	reload->said_where = options_say_where(fresh);
	reload->export.retry = !news->one_key;
	reload->parts.statistics->next_us = 0; /* whoever is new is told at once */
	fanout_apply(reload->parts.fanout, prepared, &reload->export, take_line, reload);
}

static void cancel_export(void *data, void *prepared)
{
	(void)data;
	fanout_plan_free(prepared);
}

static void apply_statistics(void *data, const struct options *fresh, void *prepared,
			     struct reload_news *news)
{
	const struct live_reload *reload = data;
	struct statistics *statistics = reload->parts.statistics;
	const guint64 every_ns = fresh->values[OPTION_STATISTICS].number;
	g_autofree char *text = option_format(fresh, OPTION_STATISTICS);

	(void)prepared;
	if (every_ns == statistics->every_ns)
		return;
	statistics->every_ns = every_ns;
	statistics->next_us = 0;
	reload_changed(news, "statistics: %s from here on", text);
}

static const struct reload_part export_part = {
	.name = "export",
	.prepare = prepare_export,
	.apply = apply_export,
	.cancel = cancel_export,
};

static const struct reload_part statistics_part = {
	.name = "statistics",
	.apply = apply_statistics,
};

struct live_reload *live_reload_new(const struct live_parts *parts, struct reload *reload)
{
	struct live_reload *exports = g_new0(struct live_reload, 1);

	exports->parts = *parts;
	exports->said_where = options_say_where(parts->options->given);
	reload_add(reload, &export_part, export_ids, exports);
	reload_add(reload, &statistics_part, statistics_ids, exports);
	return exports;
}

void live_reload_free(struct live_reload *reload)
{
	g_free(reload);
}
