/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_control.h"

#include <unistd.h>

#include "base/log.h"
#include "operate/live_flows.h"
#include "serve/control.h"
#include "setup/live_reload.h"
#include "setup/logging.h"
#include "setup/stop.h"

/* What happens in one turn at most: packets wait meanwhile. */
#define TURN 64

struct live_control {
	struct live_parts parts;
	struct control *control; /* NULL: there is no socket */
	struct live_reload *exports;
	struct reload *reload;
	struct live_flows *flows;
	GDateTime *since;
	guint reloads; /* that changed something or were free to */
	guint failed;
};

/* --- reload --- */

static struct reload_news *reload(struct live_control *control, GError **error)
{
	struct reload_news *news;

	if (control->parts.commit)
		control->parts.commit(control->parts.data);
	news = reload_run(control->reload, error);
	if (news)
		control->reloads++;
	else
		control->failed++;
	return news;
}

static void log_lines(const GPtrArray *lines)
{
	for (guint i = 0; i < lines->len; i++)
		log_line("reload: %s", (const char *)g_ptr_array_index(lines, i));
}

static void log_news(const struct live_control *control, const struct reload_news *news)
{
	if (control->parts.options->quiet)
		return;
	log_lines(news->changed);
	log_lines(news->kept);
	if (news->changed->len == 0)
		log_line("reload: nothing has changed");
}

static void reload_by_signal(struct live_control *control)
{
	g_autoptr(GError) error = NULL;
	struct reload_news *news = reload(control, &error);

	if (news)
		log_news(control, news);
	else
		log_warning("reload: %s; nothing has changed", error->message);
	reload_news_free(news);
}

static void add_lines(JsonBuilder *json, const char *name, const GPtrArray *lines)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (guint i = 0; i < lines->len; i++) {
		g_autofree char *text = g_utf8_make_valid(g_ptr_array_index(lines, i), -1);

		json_builder_add_string_value(json, text);
	}
	json_builder_end_array(json);
}

static bool on_reload(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	struct live_control *control = data;
	struct reload_news *news = reload(control, error);

	(void)argument;
	if (!news)
		return false;
	log_news(control, news);
	add_lines(answer, "changed", news->changed);
	add_lines(answer, "kept", news->kept);
	reload_news_free(news);
	return true;
}

/* --- status --- */

static void add_text(JsonBuilder *json, const char *name, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	json_builder_set_member_name(json, name);
	json_builder_add_string_value(json, valid);
}

static void add_number(JsonBuilder *json, const char *name, guint64 number)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, (gint64)number);
}

static void add_destinations(const struct live_control *control, JsonBuilder *json)
{
	const struct fanout *fanout = control->parts.fanout;

	json_builder_set_member_name(json, "destinations");
	json_builder_begin_array(json);
	for (size_t i = 0; i < fanout_count(fanout); i++) {
		const struct export_counts *counts = fanout_counts(fanout, i);

		json_builder_begin_object(json);
		if (counts->name)
			add_text(json, "name", counts->name);
		add_text(json, "url", counts->url);
		json_builder_set_member_name(json, "healthy");
		json_builder_add_boolean_value(json, fanout_is_healthy(fanout, i));
		add_number(json, "flows", counts->flows);
		add_number(json, "records", counts->records);
		add_number(json, "lostFlows",
			   counts->overflow_flows + counts->failed_flows + counts->untold_flows);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void add_account(const struct live_control *control, JsonBuilder *json)
{
	struct account account = { 0 };

	control->parts.settle(control->parts.data, &account);
	add_number(json, "seenPackets", account.seen.packets);
	add_number(json, "meteredPackets", account.metered.packets);
	add_number(json, "exportedFlows", account.exported.flows);
	account_clear(&account);
}

static bool on_status(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	const struct live_control *control = data;
	const struct live_options *options = control->parts.options;
	g_autofree char *since = g_date_time_format_iso8601(control->since);

	(void)argument;
	(void)error;
	add_text(answer, "instance", options->instance);
	add_number(answer, "process", (guint64)getpid());
	add_text(answer, "since", since);
	json_builder_set_member_name(answer, "interfaces");
	json_builder_begin_array(answer);
	for (const char *const *name = options->interfaces; *name; name++)
		json_builder_add_string_value(answer, *name);
	json_builder_end_array(answer);
	add_number(answer, "reloads", control->reloads);
	add_number(answer, "reloadsFailed", control->failed);
	add_account(control, answer);
	add_destinations(control, answer);
	return true;
}

/* --- flows --- */

static bool on_flows(void *data, const char *argument, struct control_reply *reply, GError **error)
{
	const struct live_control *control = data;

	return live_flows_begin(control->flows, argument, reply, error);
}

/* --- the control --- */

static const struct control_verb verbs[] = {
	{ .name = "status", .handle = on_status },
	{ .name = "flows", .begin = on_flows },
	{ .name = "reload", .changes = true, .handle = on_reload },
	{ .name = NULL },
};

static void open_socket(struct live_control *control)
{
	g_autofree char *path = control_path(control->parts.options->instance);
	g_autoptr(GError) error = NULL;

	control->control = control_new(
		&(struct control_options){
			.path = path,
			.group = CONTROL_GROUP,
			.verbs = verbs,
			.data = control,
		},
		&error);
	if (!control->control)
		log_warning("%s; this run cannot be asked or told anything", error->message);
}

struct live_control *live_control_new(const struct live_parts *parts)
{
	struct live_control *control = g_new0(struct live_control, 1);

	control->parts = *parts;
	control->since = g_date_time_new_now_utc();
	control->reload = reload_new(parts->options->given);
	control->exports = live_reload_new(parts, control->reload);
	logging_join(control->reload);
	control->flows = live_flows_new(&control->parts);
	open_socket(control);
	/* The view is a window by itself. */
	if (!parts->options->view)
		stop_watch_reload();
	return control;
}

void live_control_free(struct live_control *control)
{
	if (!control)
		return;
	live_metrics_end(control->parts.options->metrics);
	control_free(control->control);
	live_flows_free(control->flows);
	reload_free(control->reload);
	live_reload_free(control->exports);
	g_date_time_unref(control->since);
	g_free(control);
}

struct reload *live_control_reload(struct live_control *control)
{
	return control->reload;
}

bool live_control_turn(struct live_control *control)
{
	if (!control)
		return false;
	if (stop_reload_wanted())
		reload_by_signal(control);
	live_metrics_turn(control->parts.options->metrics, &control->parts, control->reloads,
			  control->failed);
	for (int i = 0; i < TURN && g_main_context_iteration(NULL, FALSE); i++)
		;
	return live_flows_turn(control->flows) || control_busy(control->control);
}
