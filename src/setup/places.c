/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/places.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "enrich/geo_path.h"

#define AUTO "auto"
#define OFF  "off"

struct places {
	struct places_options options;
	bool off;
	bool tried; /* what nobody named is looked for once */
	bool given; /* records in batches may have places */
	struct geo *geo;
	struct geo_counts before; /* of those that a reload replaced */
};

struct places_options places_options_of(const struct options *options)
{
	return (struct places_options){
		.words = (const char *const *)options->values[OPTION_GEO].list,
		.quiet = options->values[OPTION_QUIET].number,
	};
}

static const char *standard_path(void)
{
	const char *own = g_getenv(GEO_PATH_VARIABLE);

	if (own != NULL)
		return strcmp(own, OFF) == 0 ? NULL : own;
	for (const char *const *path = geo_paths(); *path; path++) {
		if (access(*path, F_OK) == 0)
			return *path;
	}
	return NULL;
}

/* The paths behind the words, in their order. */
static GPtrArray *paths_of(const struct places_options *options)
{
	GPtrArray *paths = g_ptr_array_new();

	for (const char *const *word = options->words; *word; word++) {
		const char *path = strcmp(*word, AUTO) == 0 ? standard_path() : *word;

		if (path)
			g_ptr_array_add(paths, (gpointer)(guintptr)path);
	}
	g_ptr_array_add(paths, NULL);
	return paths;
}

static bool is_off(const struct places_options *options)
{
	return !options->words || g_strv_contains(options->words, OFF);
}

static bool only_auto(const struct places_options *options)
{
	for (const char *const *word = options->words; *word; word++) {
		if (strcmp(*word, AUTO) != 0)
			return false;
	}
	return true;
}

static void tell_missing(const struct places_options *options)
{
	if (!options->quiet)
		log_line("no geolocation database: countries and networks are not known; 'weir geo "
			 "build' makes one, --geo FILE names one");
}

struct geo *places_open(const struct places_options *options, GError **error)
{
	g_autoptr(GPtrArray) paths = paths_of(options);

	if (is_off(options)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--geo: nothing is known without a database; leave 'off' out");
		return NULL;
	}
	if (paths->len == 1)
		tell_missing(options);
	return geo_new((const char *const *)paths->pdata, error);
}

static bool check(const struct places_options *options, GError **error)
{
	if (!is_off(options) || !options->words ||
	    g_strv_length((char **)(guintptr)options->words) == 1)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "--geo: 'off' and a database contradict each other; give one of them");
	return false;
}

struct places *places_new(const struct places_options *options, GError **error)
{
	struct places *places;

	if (!check(options, error))
		return NULL;
	places = g_new0(struct places, 1);
	places->options = *options;
	places->off = is_off(options);
	if (places->off || only_auto(options))
		return places;
	places->tried = true;
	places->geo = places_open(options, error);
	if (!places->geo)
		g_clear_pointer(&places, places_free);
	return places;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	geo_free(places->geo);
	g_free(places);
}

/* Nobody asked for this database: a run does not fail for its sake. */
static void try_standard(struct places *places)
{
	GError *error = NULL;

	places->tried = true;
	places->geo = places_open(&places->options, &error);
	if (places->geo)
		return;
	log_error(error);
	places->geo = geo_new((const char *const[]){ NULL }, NULL);
}

static void take_back(struct flow_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		memset(batch->extras[i].place, 0, sizeof(batch->extras[i].place));
}

void places_enrich(struct places *places, const struct fanout *fanout, struct flow_batch *batch)
{
	if (!places->off && fanout_wants_places(fanout)) {
		if (!places->tried)
			try_standard(places);
		geo_enrich(places->geo, batch);
		places->given = true;
	} else if (places->given) {
		take_back(batch); /* templates changed: those of earlier batches are still there */
	}
}

void places_look(struct places *places, struct flow_batch *batch)
{
	if (places->off)
		return;
	if (!places->tried)
		try_standard(places);
	geo_enrich(places->geo, batch);
}

void places_tick(struct places *places)
{
	if (places->geo)
		geo_tick(places->geo);
}

static struct geo_counts counts_of(const struct places *places)
{
	struct geo_counts counts = places->before;

	if (places->geo) {
		const struct geo_counts *now = geo_counts(places->geo);

		counts.lookups += now->lookups;
		counts.hits += now->hits;
		counts.reloads += now->reloads;
		counts.reload_failures += now->reload_failures;
	}
	return counts;
}

void places_settle(const struct places *places, struct account *account)
{
	struct geo_counts counts;

	if (!places)
		return;
	counts = counts_of(places);
	account->places_asked = counts.lookups;
	account->places_remembered = counts.hits;
	account->places_reloads = counts.reloads;
	account->places_reload_failures = counts.reload_failures;
}

enum places_state places_state(const struct places *places)
{
	const guint count = places->geo ? geo_databases(places->geo) : 0;

	if (places->off)
		return PLACES_OFF;
	for (guint i = 0; i < count; i++) {
		if (access(geo_path_at(places->geo, i), R_OK) != 0)
			return PLACES_MISSING;
	}
	return count > 0 ? PLACES_GOOD : PLACES_NONE;
}

const struct geo *places_geo(const struct places *places)
{
	return places ? places->geo : NULL;
}

/* --- reload --- */

static bool is_same(const struct places *places, const struct places_options *fresh)
{
	return g_strv_equal(places->options.words, fresh->words);
}

/* Whether the words lead elsewhere now: 'weir geo build' ran meanwhile. What is gone is used on. */
static bool lead_elsewhere(const struct places *places, const struct places_options *fresh)
{
	g_autoptr(GPtrArray) paths = NULL;

	if (!places->geo)
		return false;
	paths = paths_of(fresh);
	if (paths->len - 1 < geo_databases(places->geo))
		return false;
	for (guint i = 0; i + 1 < paths->len; i++) {
		if (i >= geo_databases(places->geo) ||
		    strcmp(g_ptr_array_index(paths, i), geo_path_at(places->geo, i)) != 0)
			return true;
	}
	return false;
}

/* As in try_standard(): nobody asked for this database, so a bad one changes nothing. */
static struct places *look_again(const struct places_options *fresh)
{
	struct places *other = g_new0(struct places, 1);
	GError *error = NULL;

	other->options = *fresh;
	other->tried = true;
	other->geo = places_open(fresh, &error);
	if (other->geo)
		return other;
	log_error(error);
	places_free(other);
	return NULL;
}

static bool prepare(void *data, const struct options *options, void **ret_prepared, GError **error)
{
	const struct places_options fresh = places_options_of(options);

	*ret_prepared = NULL;
	if (!is_same(data, &fresh)) {
		*ret_prepared = places_new(&fresh, error);
		return *ret_prepared;
	}
	if (lead_elsewhere(data, &fresh))
		*ret_prepared = look_again(&fresh);
	return true;
}

static void tell(const struct places *places, const struct options *options,
		 struct reload_news *news)
{
	g_autofree char *text = option_format(options, OPTION_GEO);
	const struct places_options fresh = places_options_of(options);

	if (is_same(places, &fresh))
		reload_changed(news, "geo: other databases are there for %s from here on", text);
	else
		reload_changed(news, "geo: %s from here on", text);
}

/* The places that batches point at go with what knew them: there is none between the two. */
static void apply(void *data, const struct options *options, void *prepared,
		  struct reload_news *news)
{
	struct places *places = data;
	struct places *other = prepared;

	if (other) {
		tell(places, options, news);
		places->before = counts_of(places);
		geo_free(places->geo);
		places->geo = g_steal_pointer(&other->geo);
		places->off = other->off;
		places->tried = other->tried;
		places_free(other);
	} else if (places->geo && geo_databases(places->geo) > 0) {
		geo_reload(places->geo);
		reload_changed(news, "geo: the databases are read again; a line says when");
	}
	places->options = places_options_of(options); /* those of before end now */
}

static void cancel(void *data, void *prepared)
{
	(void)data;
	places_free(prepared);
}

void places_join(struct places *places, struct reload *reload)
{
	static const enum option_id ids[] = { OPTION_GEO, OPTIONS };
	static const struct reload_part part = {
		.name = "geolocation",
		.prepare = prepare,
		.apply = apply,
		.cancel = cancel,
	};

	reload_add(reload, &part, ids, places);
}
