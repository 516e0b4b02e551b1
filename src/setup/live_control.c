/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_control.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "operate/live_flows.h"
#include "operate/live_flush.h"
#include "operate/live_stats.h"
#include "serve/control.h"
#include "service/notify.h"
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
	struct live_flush *flush;
	struct live_stats *stats;
	guint reloads; /* that changed something or were free to */
	guint failed;
};

/* --- reload --- */

/* Nothing taken waits for destinations that may go. */
static void commit(const struct live_control *control)
{
	if (control->parts.commit)
		control->parts.commit(control->parts.data);
}

static struct reload_news *reload(struct live_control *control, GError **error)
{
	struct reload_news *news;

	commit(control);
	/* Even where the configuration has a fault: the file may have been renamed. */
	logging_reopen();
	notify_reloading(control->parts.notify);
	news = reload_run(control->reload, error);
	notify_ready(control->parts.notify);
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
	json_begin_list(json, name);
	for (guint i = 0; i < lines->len; i++) {
		g_autofree char *text = g_utf8_make_valid(g_ptr_array_index(lines, i), -1);

		json_builder_add_string_value(json, text);
	}
	json_builder_end_array(json);
}

static bool answer_news(const struct live_control *control, struct reload_news *news,
			JsonBuilder *answer)
{
	if (!news)
		return false;
	log_news(control, news);
	add_lines(answer, "changed", news->changed);
	add_lines(answer, "kept", news->kept);
	reload_news_free(news);
	return true;
}

static bool on_reload(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	struct live_control *control = data;

	(void)argument;
	return answer_news(control, reload(control, error), answer);
}

static bool on_set(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	struct live_control *control = data;
	g_autofree char *key = g_strndup(argument, strcspn(argument, " \t"));
	const char *value = argument + strlen(key);

	value += strspn(value, " \t");
	commit(control);
	return answer_news(control, reload_set(control->reload, key, value, error), answer);
}

/* --- what is asked --- */

static void add_setting(void *data, const char *key, const char *value, const char *configured)
{
	JsonBuilder *json = data;

	json_builder_begin_object(json);
	json_put_text(json, "key", key);
	json_put_text(json, "value", value);
	json_put_text(json, "configured", configured);
	json_builder_end_object(json);
}

static void add_settings(const struct live_control *control, JsonBuilder *answer)
{
	json_begin_list(answer, "set");
	reload_each_setting(control->reload, add_setting, answer);
	json_builder_end_array(answer);
}

static void put_setting(void *data, const char *key, const char *value, const char *configured)
{
	g_string_append_printf(data, "%-13s %s = %s (the configuration: %s)\n", "set", key, value,
			       *configured ? configured : "nothing");
}

static bool on_status(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	const struct live_control *control = data;

	(void)argument;
	(void)error;
	live_stats_status(control->stats, answer);
	json_put_count(answer, "reloads", control->reloads);
	json_put_count(answer, "reloadsFailed", control->failed);
	add_settings(control, answer);
	return true;
}

static guint count_lines(const GString *text)
{
	guint lines = 0;

	for (gsize i = 0; i < text->len; i++)
		lines += text->str[i] == '\n';
	return lines;
}

static bool on_stats(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	const struct live_control *control = data;

	(void)argument;
	(void)error;
	live_stats_tell(control->stats, answer);
	add_settings(control, answer);
	return true;
}

static bool on_stats_text(void *data, const char *argument, struct control_reply *reply,
			  GError **error)
{
	const struct live_control *control = data;
	GString *lines = live_stats_text(control->stats);
	g_autofree char *answer = NULL;

	(void)argument;
	(void)error;
	reload_each_setting(control->reload, put_setting, lines);
	answer = g_strdup_printf("{\"lines\":%u}", count_lines(lines));
	control_reply_done(reply, answer, lines);
	return true;
}

static bool on_flows(void *data, const char *argument, struct control_reply *reply, GError **error)
{
	const struct live_control *control = data;

	return live_flows_begin(control->flows, argument, reply, error);
}

static bool on_flush(void *data, const char *argument, struct control_reply *reply, GError **error)
{
	const struct live_control *control = data;

	(void)argument;
	(void)error;
	live_flush_begin(control->flush, reply);
	return true;
}

/* --- the control --- */

static const struct control_verb verbs[] = {
	{ .name = "status", .handle = on_status },
	{ .name = "flows", .begin = on_flows },
	{ .name = "stats", .handle = on_stats },
	{ .name = "stats-text", .begin = on_stats_text },
	{ .name = "flush", .changes = true, .begin = on_flush },
	{ .name = "set", .changes = true, .handle = on_set },
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
	control->reload = reload_new(parts->options->given);
	control->exports = live_reload_new(parts, control->reload);
	live_tune_join(&control->parts.tune, control->reload);
	logging_join(control->reload);
	control->flows = live_flows_new(&control->parts);
	control->flush = live_flush_new(&control->parts);
	control->stats = live_stats_new(&control->parts);
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
	live_flush_free(control->flush);
	live_stats_free(control->stats);
	reload_free(control->reload);
	live_reload_free(control->exports);
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
	live_stats_turn(control->stats);
	live_flush_turn(control->flush);
	live_flows_turn(control->flows);
	return control_busy(control->control);
}
