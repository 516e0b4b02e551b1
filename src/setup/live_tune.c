/* SPDX-License-Identifier: BSD-2-Clause */
/* In the kernel the settings are constants of the programs, which the verifier works into them. So
 * other settings are other programs over the same tables, as after a restart: they are loaded
 * first, then exchanged for those that are attached, each at once. */
#include "setup/live_tune.h"

#include "base/log.h"
#include "capture/filter.h"
#include "capture/grace.h"
#include "capture/native_meter.h"
#include "capture/sieve.h"
#include "setup/live_cache.h"
#include "setup/live_join.h"

static const enum option_id ids[] = { OPTION_IDLE_TIMEOUT, OPTION_ACTIVE_TIMEOUT, OPTION_FILTER,
				      OPTIONS };

/* What is going to be. */
struct change {
	guint64 idle_ns;
	guint64 active_ns;
	const char *expression;
	bool refiltered;
	struct kernel_meter *next; /* or */
	struct filter *filter;
};

static void free_change(struct change *change)
{
	kernel_meter_free(change->next);
	filter_free(change->filter);
	g_free(change);
}

static bool retimes(const struct live_tune *tune, const struct change *change)
{
	return change->idle_ns != tune->options->idle_timeout_ns ||
	       change->active_ns != tune->options->active_timeout_ns;
}

static struct kernel_meter *load(const struct live_tune *tune, const struct change *change,
				 GError **error)
{
	struct live_options wanted = *tune->options;

	tune->cache->other_gates |= change->active_ns != wanted.active_timeout_ns;
	wanted.idle_timeout_ns = change->idle_ns;
	wanted.active_timeout_ns = change->active_ns;
	wanted.filter = change->expression;
	return live_cache_again(tune->cache, &wanted, error);
}

static bool make(const struct live_tune *tune, struct change *change, GError **error)
{
	if (tune->cache) {
		change->next = load(tune, change, error);
		return change->next;
	}
	if (change->refiltered && change->expression)
		change->filter = filter_new(change->expression, error);
	return !change->refiltered || !change->expression || change->filter;
}

static bool prepare(void *data, const struct options *fresh, void **ret_prepared, GError **error)
{
	const struct live_tune *tune = data;
	struct change *change = g_new0(struct change, 1);

	change->idle_ns = fresh->values[OPTION_IDLE_TIMEOUT].number;
	change->active_ns = fresh->values[OPTION_ACTIVE_TIMEOUT].number;
	change->expression = fresh->values[OPTION_FILTER].text;
	change->refiltered = g_strcmp0(change->expression, tune->options->filter) != 0;
	if ((retimes(tune, change) || change->refiltered) && !make(tune, change, error)) {
		free_change(change);
		return false;
	}
	*ret_prepared = change;
	return true;
}

/* What ran before runs again, if it cannot be everywhere. */
static bool exchange(const struct live_tune *tune, struct change *change, GError **error)
{
	struct kernel_meter *meter = tune->cache->meter;
	bool good;

	if (!kernel_meter_exchange(meter, change->next, error))
		return false;
	good = links_renew(*tune->links, error);
	if (!good && kernel_meter_exchange(meter, change->next, NULL))
		links_renew(*tune->links, NULL);
	grace_wait(NULL); /* before those that may still run lose what they need */
	return good;
}

static bool exchange_natively(const struct live_tune *tune, struct change *change)
{
	native_meter_set_timeouts(tune->meter, change->idle_ns,
				  change->active_ns ? change->active_ns : G_MAXUINT64);
	if (change->refiltered)
		sieve_set_filter(tune->sieve, g_steal_pointer(&change->filter));
	return true;
}

static void tell(const struct options *fresh, enum option_id id, struct reload_news *news)
{
	g_autofree char *text = option_format(fresh, id);

	reload_changed(news, "%s: %s from here on", option_rows[id].name,
		       *text ? text : "everything is metered");
}

static void settle(const struct live_tune *tune, const struct options *fresh,
		   const struct change *change, struct reload_news *news)
{
	struct live_options *options = tune->options;

	if (change->idle_ns != options->idle_timeout_ns)
		tell(fresh, OPTION_IDLE_TIMEOUT, news);
	if (change->active_ns != options->active_timeout_ns)
		tell(fresh, OPTION_ACTIVE_TIMEOUT, news);
	if (change->refiltered)
		tell(fresh, OPTION_FILTER, news);
	/* Another thread may be looking at flows. */
	__atomic_store_n(&options->idle_timeout_ns, change->idle_ns, __ATOMIC_RELAXED);
	options->active_timeout_ns = change->active_ns;
	if (tune->join)
		join_set_timeouts(live_join_of(tune->join), change->idle_ns,
				  change->active_ns ? change->active_ns : G_MAXUINT64);
}

static void apply(void *data, const struct options *fresh, void *prepared, struct reload_news *news)
{
	const struct live_tune *tune = data;
	struct change *change = prepared;
	const bool asked = retimes(tune, change) || change->refiltered;
	g_autoptr(GError) error = NULL;
	bool good = true;

	if (asked)
		good = tune->cache ? exchange(tune, change, &error)
				   : exchange_natively(tune, change);
	if (!good)
		reload_kept(news, "the meter goes on as it was: %s", error->message);
	else
		settle(tune, fresh, change, news);
	/* The same words, in options that last as long as these. */
	if (good)
		tune->options->filter = change->expression;
	else if (tune->options->filter)
		tune->options->filter = g_intern_string(tune->options->filter);
	free_change(change);
}

static void cancel(void *data, void *prepared)
{
	(void)data;
	free_change(prepared);
}

void live_tune_join(const struct live_tune *tune, struct reload *reload)
{
	static const struct reload_part part = {
		.name = "meter",
		.prepare = prepare,
		.apply = apply,
		.cancel = cancel,
	};

	reload_add(reload, &part, ids, (void *)(guintptr)tune);
}
