/* SPDX-License-Identifier: BSD-2-Clause */
/* Another configuration while the run goes on. Every destination that is wanted is the same as one
 * there is, a file that goes on in another form, or new; those that nobody wants any more end.
 *
 * The account goes on too. A new destination has not seen the flows before it, so it refers to what
 * the worst of those there were made of them (past.h); when the flows are shared, all of them
 * together are what was before. */
#include "base/error.h"
#include "export/destination_check.h"
#include "export/fanout_parts.h"

enum step_kind {
	STEP_KEEP,   /* as it is */
	STEP_REFORM, /* the same file */
	STEP_NEW,
};

struct step {
	enum step_kind kind;
	size_t number;	  /* in the options */
	struct way *way;  /* one there is, or a new one, which is the plan's */
	const char *news; /* why it is kept although it should change; or NULL */
};

struct fanout_plan {
	struct fanout *fanout;
	const struct export_options *options; /* while it is made */
	enum flow_detail most;
	GArray *steps;	     /* of struct step, in the user's order */
	GPtrArray *occupied; /* of struct way: those that will be there */
};

void fanout_plan_free(struct fanout_plan *plan)
{
	if (!plan)
		return;
	for (guint i = 0; i < plan->steps->len; i++) {
		struct step *step = &g_array_index(plan->steps, struct step, i);

		if (step->kind == STEP_NEW)
			way_free(step->way);
	}
	g_array_unref(plan->steps);
	g_ptr_array_unref(plan->occupied);
	g_free(plan);
}

/* --- planning --- */

static void add_step(struct fanout_plan *plan, struct step step)
{
	g_array_append_val(plan->steps, step);
	if (step.way)
		g_ptr_array_add(plan->occupied, step.way);
}

static bool is_free(const struct fanout_plan *plan, const struct way *way)
{
	return !g_ptr_array_find(plan->occupied, way, NULL);
}

static struct way *find_same(const struct fanout_plan *plan, const char *recipe)
{
	const struct fanout *fanout = plan->fanout;

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

		if (is_free(plan, way) && g_str_equal(way->recipe, recipe))
			return way;
	}
	return NULL;
}

/* What the user would call the same destination. */
static struct way *find_named(const struct fanout_plan *plan, const char *url, const char *name)
{
	const struct fanout *fanout = plan->fanout;

	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

		if (is_free(plan, way) && (*name ? g_strcmp0(way->name, name) == 0
						 : !way->name && g_str_equal(way->url, url)))
			return way;
	}
	return NULL;
}

static struct way *find_file(const struct fanout_plan *plan, const struct destination_url *url)
{
	const struct fanout *fanout = plan->fanout;

	if (url->transport || url->rotate_ns || url->rotate_octets)
		return NULL;
	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

		if (is_free(plan, way) && way->file && destination_writes(way->file, url->path))
			return way;
	}
	return NULL;
}

static bool needs_more(const struct fanout_plan *plan, const struct destination_url *url)
{
	struct record_template *layout = record_template_load(
		destination_template(url, plan->options), plan->options->direction, NULL);
	const bool more = layout && layout->detail > plan->most;

	record_template_free(layout);
	return more;
}

/* A destination that is not as any was. */
static bool plan_other(struct fanout_plan *plan, struct step step,
		       const struct destination_url *url, GError **error)
{
	step.way = find_file(plan, url);
	step.kind = step.way ? STEP_REFORM : STEP_NEW;
	if (step.way && !destination_can_reform(step.way->file, url, plan->options, error))
		return false;
	if (!step.way)
		step.way = fanout_open(plan->occupied, plan->options, step.number, error);
	if (!step.way)
		return false;
	add_step(plan, step);
	return true;
}

static bool plan_one(struct fanout_plan *plan, size_t number, GError **error)
{
	const struct export_options *options = plan->options;
	const char *name = options->names ? options->names[number] : "";
	const char *label = *name ? name : options->to[number];
	struct step step = { STEP_KEEP, number, NULL, NULL };
	struct destination_url url;
	bool good = true;

	if (!destination_check(options->to[number], label, options, error) ||
	    !destination_url_parse_as(options->to[number], label, &url, NULL, error))
		return false;
	if (needs_more(plan, &url)) {
		step.way = find_named(plan, options->to[number], name);
		step.news = step.way ? "its template needs more than is metered; it goes on as it "
				       "was until the run begins anew"
				     : "its template needs more than is metered; it gets nothing "
				       "until the run begins anew";
		add_step(plan, step);
	} else {
		good = plan_other(plan, step, &url, error);
	}
	destination_url_clear(&url);
	return good;
}

/* Those that stay claim their places first. */
static bool plan_all(struct fanout_plan *plan, GError **error)
{
	const size_t count = g_strv_length((char **)plan->options->to);
	g_autofree struct way **same = g_new0(struct way *, count + 1);

	for (size_t i = 0; i < count; i++) {
		g_autofree char *recipe = fanout_recipe(plan->options, i, error);

		if (!recipe)
			return false;
		same[i] = find_same(plan, recipe);
		if (same[i])
			g_ptr_array_add(plan->occupied, same[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (same[i])
			g_array_append_val(plan->steps,
					   ((struct step){ STEP_KEEP, i, same[i], NULL }));
		else if (!plan_one(plan, i, error))
			return false;
	}
	return true;
}

static bool has_destination(const struct fanout_plan *plan)
{
	for (guint i = 0; i < plan->steps->len; i++) {
		if (g_array_index(plan->steps, struct step, i).way)
			return true;
	}
	return false;
}

struct fanout_plan *fanout_plan(struct fanout *fanout, const struct export_options *options,
				enum flow_detail most, GError **error)
{
	struct fanout_plan *plan = g_new0(struct fanout_plan, 1);

	plan->fanout = fanout;
	plan->options = options;
	plan->most = most;
	plan->steps = g_array_new(FALSE, TRUE, sizeof(struct step));
	plan->occupied = g_ptr_array_new();
	if (g_strv_length((char **)options->to) > FANOUT_MOST)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "more than %d destinations; take fewer", FANOUT_MOST);
	else if (!plan_all(plan, error))
		;
	else if (!has_destination(plan))
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "every template needs more than is metered; the run has to begin anew");
	else
		return plan;
	fanout_plan_free(plan);
	return NULL;
}

/* --- applying --- */

struct change {
	struct fanout *fanout;
	const struct export_options *options;
	fanout_tell *tell;
	void *data;
	bool shares; /* the flows, from here on */
	bool switches;
};

G_GNUC_PRINTF(4, 5)
static void tell(const struct change *change, bool changed, const char *label, const char *format,
		 ...)
{
	va_list values;
	g_autofree char *what = NULL;
	g_autofree char *who = g_strdup_printf("destination \"%s\": ", label);
	g_autofree char *line = NULL;

	va_start(values, format);
	what = g_strdup_vprintf(format, values);
	va_end(values);
	/* Most errors say whose they are. */
	line = g_strconcat(g_str_has_prefix(what, who) ? "" : who, what, NULL);
	change->tell(change->data, changed, line);
}

static bool is_wanted(const struct fanout_plan *plan, const struct way *way)
{
	for (guint i = 0; i < plan->steps->len; i++) {
		if (g_array_index(plan->steps, struct step, i).way == way)
			return true;
	}
	return false;
}

/* A new one sends from the same folder for the same collector. */
static bool has_heir(const struct fanout_plan *plan, const struct way *way)
{
	for (guint i = 0; way->spool && i < plan->steps->len; i++) {
		const struct step *step = &g_array_index(plan->steps, struct step, i);

		if (step->kind == STEP_NEW && g_strcmp0(step->way->spool, way->spool) == 0)
			return true;
	}
	return false;
}

/* Of a spool that is handed on for the second time: whoever waits for it can have it then. */
static void hurry_leaving(const struct fanout *fanout, const struct fanout_plan *plan)
{
	for (guint i = 0; i < fanout->leaving->len; i++) {
		struct way *way = g_ptr_array_index(fanout->leaving, i);

		if (!has_heir(plan, way))
			continue;
		if (way->hands_over)
			way_hurry(way);
		else
			way_hand_over(way);
	}
}

/* Those that nobody wants get nothing more; before anything new begins. */
static void dismiss(const struct change *change, const struct fanout_plan *plan)
{
	struct fanout *fanout = change->fanout;

	hurry_leaving(fanout, plan);
	for (guint i = 0; i < fanout->ways->len; i++) {
		struct way *way = fanout_way(fanout, i);

		if (is_wanted(plan, way))
			continue;
		fanout_leave_stream(fanout, way);
		if (fanout->policy != FANOUT_ALL) {
			past_unref(way->before);
			way->before = fanout->common;
		}
		way_leave(way);
		if (fanout->policy != FANOUT_ALL)
			fanout->common = past_ref(way->as_past);
		if (way->file)
			way_hurry(way);
		else if (has_heir(plan, way))
			way_hand_over(way);
	}
}

/* The places of those that left are empty now. */
static void part(struct fanout *fanout)
{
	g_ptr_array_set_free_func(fanout->ways, NULL);
	for (guint i = fanout->ways->len; i-- > 0;) {
		struct way *way = fanout_way(fanout, i);

		if (way->as_past)
			g_ptr_array_add(fanout->leaving, way);
	}
	g_ptr_array_set_size(fanout->ways, 0);
	g_ptr_array_set_free_func(fanout->ways, (GDestroyNotify)way_free);
}

static void reform(const struct change *change, const struct step *step)
{
	struct way *way = step->way;
	struct way *names =
		way_new(change->options->to[step->number],
			change->options->names ? change->options->names[step->number] : NULL);
	struct destination_url url;
	g_autoptr(GError) error = NULL;

	if (!destination_url_parse_as(names->url, way_label(names), &url, NULL, &error) ||
	    !destination_reform(way->file, &url, way_label(names), change->options, &error)) {
		tell(change, false, way_label(way), "%s", error->message);
	} else {
		g_free(way->recipe);
		way->recipe = fanout_recipe(change->options, step->number, NULL);
		names->recipe = way->name;
		way->name = g_steal_pointer(&names->name);
		names->name = way->url;
		way->url = g_steal_pointer(&names->url);
		destination_url_clear(&url);
		tell(change, true, way_label(way), "has other records from here on");
	}
	way_free(names);
}

/* Whoever reloads has seen to what stood in the way, or moved a file away. */
static void retry(const struct change *change, struct way *way)
{
	g_autoptr(GError) error = NULL;
	const char *news;

	if (!destination_retry(way->file, &news, &error))
		tell(change, false, way_label(way), "%s", error->message);
	else if (news)
		tell(change, true, way_label(way), "%s", news);
}

/* Somebody else sends from its spool for a moment yet. */
static bool is_held(const struct fanout *fanout, const struct way *way)
{
	for (guint i = 0; way->spool && i < fanout->leaving->len; i++) {
		const struct way *other = g_ptr_array_index(fanout->leaving, i);

		if (g_strcmp0(other->spool, way->spool) == 0)
			return true;
	}
	return false;
}

static const char *label_of(const struct change *change, const struct step *step)
{
	const char *name = change->options->names ? change->options->names[step->number] : "";

	return *name ? name : change->options->to[step->number];
}

static void take_step(const struct change *change, struct step *step, struct past *before)
{
	struct fanout *fanout = change->fanout;
	struct way *way = step->way;
	g_autoptr(GError) error = NULL;

	if (step->news)
		tell(change, false, label_of(change, step), "%s", step->news);
	if (!way)
		return;
	if (step->kind == STEP_REFORM)
		reform(change, step);
	if (step->kind != STEP_NEW && way->file && change->options->retry)
		retry(change, way);
	way->inherits = step->kind == STEP_NEW && is_held(fanout, way);
	if (step->kind == STEP_NEW && !fanout_start(fanout, way, change->options, &error)) {
		tell(change, false, way_label(way), "%s; it gets nothing", error->message);
		return; /* the plan still has it */
	}
	if (step->kind == STEP_NEW || change->switches)
		fanout_begin_account(fanout, way, before);
	if (step->kind == STEP_NEW)
		tell(change, true, way_label(way), "begins");
	step->kind = STEP_KEEP; /* ours now */
	g_ptr_array_add(fanout->ways, way);
}

/* What was given out before is in messages and files. */
static void flush_all(struct fanout *fanout)
{
	for (guint i = 0; i < fanout->streams->len; i++)
		stream_flush(g_ptr_array_index(fanout->streams, i), NULL);
	for (guint i = 0; i < fanout->ways->len; i++) {
		if (fanout_way(fanout, i)->file)
			destination_flush(fanout_way(fanout, i)->file, NULL);
	}
}

/* Those that had no time are gone before an heir begins, the others before it sends: a spool is one
 * sender's. */
static void tell_dismissed(const struct change *change)
{
	GPtrArray *leaving = change->fanout->leaving;

	for (guint i = leaving->len; i-- > 0;) {
		struct way *way = g_ptr_array_index(leaving, i);

		if (!way->told_leaving)
			tell(change, true, way_label(way), "ends");
		way->told_leaving = true;
		if (!way->hurried)
			continue;
		way_end(way);
		g_ptr_array_remove_index(leaving, i);
	}
}

void fanout_apply(struct fanout *fanout, struct fanout_plan *plan,
		  const struct export_options *options, fanout_tell *teller, void *data)
{
	const bool shared = fanout->policy != FANOUT_ALL;
	struct change change = {
		.fanout = fanout,
		.options = options,
		.tell = teller,
		.data = data,
		.shares = options->policy != FANOUT_ALL,
	};
	struct way *bad;
	struct past *before;

	change.switches = shared != change.shares;
	flush_all(fanout);
	bad = fanout_worst(fanout);
	dismiss(&change, plan);
	before = shared ? fanout_past_of_all(fanout) : fanout_past_of(fanout, bad, bad->before);
	part(fanout);
	tell_dismissed(&change);
	if (change.switches) {
		past_unref(fanout->common);
		fanout->common = change.shares ? past_ref(before) : NULL;
	}
	fanout->policy = options->policy;
	fanout->active = 0;
	fanout->reloading = true;
	for (guint i = 0; i < plan->steps->len; i++)
		take_step(&change, &g_array_index(plan->steps, struct step, i),
			  change.shares ? NULL : before);
	past_unref(before);
	fanout_plan_free(plan);
}
