/* SPDX-License-Identifier: BSD-2-Clause */
/* A run, asked again and again: its flows, with the account of that moment, and its account as a
 * whole. What was metered since the first look, or was in the cache then, and no flow that was told
 * explains is told as others: of a flow that ended between two looks, that was not among the
 * largest, or that went on while it was looked at. So the sum is always the account's, and what
 * turns out to be a flow's is others' no more. */
#include <stdlib.h>

#include "serve/ask.h"
#include "serve/flow_query.h"
#include "setup/top/top_source.h"
#include "top/reading.h"

#define FLOWS	 FLOW_QUERY_MOST /* told at a time; some 700 octets each */
#define TEMPLATE "top"
#define SHARE	 4 /* a run is left alone for so many times as long as it took to answer */

struct instance {
	struct top_desk *desk;
	const char *path;
	char *request;
	gint64 interval_us;
	bool filtered; /* then others are not known */
	JsonParser *parser;

	/* The last answer. */
	JsonObject *account;
	JsonObject *moment; /* what of it was so when the flows were looked at */
	GString *lines;
	GArray *readings; /* of struct top_reading */
	gint64 took_us;
	gint64 asked_us;

	/* The one before it. */
	bool known;
	GArray *last; /* its readings, by flow */
	gint64 before_us;
	struct top_counts before; /* metered, in TOP_FORTH */
	guint64 before_flows;

	/* What had left the cache before anybody looked. */
	guint64 base_packets;
	guint64 base_octets;
	struct top_counts lost; /* told as others, in TOP_FORTH */
};

/* --- asking --- */

static void read_line(struct instance *instance, const char *line)
{
	struct top_reading reading;
	JsonNode *root;

	if (!json_parser_load_from_data(instance->parser, line, -1, NULL))
		return;
	root = json_parser_get_root(instance->parser);
	if (JSON_NODE_HOLDS_OBJECT(root) &&
	    top_reading_of_json(json_node_get_object(root), &reading))
		g_array_append_val(instance->readings, reading);
}

static void read_lines(struct instance *instance)
{
	char *line = instance->lines->str;

	g_array_set_size(instance->readings, 0);
	for (char *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		read_line(instance, line);
	}
}

static bool ask_for_flows(struct instance *instance, GError **error)
{
	g_string_truncate(instance->lines, 0);
	g_clear_pointer(&instance->moment, json_object_unref);
	instance->moment =
		control_ask_lines(instance->path, instance->request, instance->lines, error);
	return instance->moment;
}

static bool ask(struct instance *instance, GError **error)
{
	const gint64 began_us = g_get_monotonic_time();

	g_clear_pointer(&instance->account, json_object_unref);
	if (!ask_for_flows(instance, error))
		return false;
	instance->account = control_ask(instance->path, "stats", error);
	instance->asked_us = g_get_monotonic_time();
	instance->took_us = instance->asked_us - began_us;
	if (instance->account)
		read_lines(instance);
	return instance->account;
}

/* --- the account --- */

static guint64 number(JsonObject *object, const char *part, const char *member)
{
	JsonNode *node = object ? json_object_get_member(object, part) : NULL;

	if (!node || !JSON_NODE_HOLDS_OBJECT(node))
		return 0;
	return (guint64)json_object_get_int_member_with_default(json_node_get_object(node), member,
								0);
}

/* Over the reasons of a part. */
static guint64 sum(JsonObject *object, const char *part, const char *member)
{
	JsonNode *node = json_object_get_member(object, part);
	JsonObject *reasons =
		node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	g_autoptr(GList) names = reasons ? json_object_get_members(reasons) : NULL;
	guint64 packets = 0;

	for (const GList *name = names; name; name = name->next)
		packets += number(reasons, name->data, member);
	return packets;
}

static void take_account(struct instance *instance)
{
	JsonObject *told = instance->account;
	struct top_account *account = &instance->desk->account;

	account->known = true;
	account->settled = json_object_has_member(told, "balanced");
	account->balanced = json_object_get_boolean_member_with_default(told, "balanced", FALSE);
	account->seen = number(told, "seen", "packets");
	account->metered = number(told, "metered", "packets");
	account->set_aside = sum(told, "setAside", "packets");
	account->dropped = sum(told, "dropped", "packets");
	account->in_cache_flows = number(told, "inCache", "flows");
	account->looked_at = instance->readings->len;
	account->of_flows =
		(guint64)json_object_get_int_member_with_default(instance->moment, "matched", 0);
}

/* --- what became of the packets --- */

static guint64 growth(guint64 now, guint64 before)
{
	return now > before ? now - before : 0;
}

/* The first look, or another process has begun anew: what is in its cache comes to what was told so
 * far. */
static void begin_anew(struct instance *instance, const struct top_counts *metered)
{
	const struct top_counts *read = top_model_read_so_far(instance->desk->model);
	const struct top_counts *lost = &instance->lost;

	instance->base_packets = metered->packets[TOP_FORTH] -
				 number(instance->moment, "inCache", "packets") -
				 top_packets(read) - lost->packets[TOP_FORTH];
	instance->base_octets = metered->octets[TOP_FORTH] -
				number(instance->moment, "inCache", "octets") - top_octets(read) -
				lost->octets[TOP_FORTH];
}

/* What was metered and is in no flow that was told. */
static void lose(struct instance *instance, const struct top_counts *metered)
{
	const struct top_counts *read = top_model_read_so_far(instance->desk->model);

	instance->lost.packets[TOP_FORTH] =
		growth(metered->packets[TOP_FORTH] - instance->base_packets, top_packets(read));
	instance->lost.octets[TOP_FORTH] =
		growth(metered->octets[TOP_FORTH] - instance->base_octets, top_octets(read));
	top_model_lose(instance->desk->model, &instance->lost);
}

static void take_flows(struct instance *instance)
{
	GArray *last = instance->last;

	top_readings_resume(instance->readings, last);
	for (guint i = 0; i < instance->readings->len; i++)
		top_model_read(instance->desk->model,
			       &g_array_index(instance->readings, struct top_reading, i));
	instance->last = instance->readings;
	instance->readings = last;
}

/* By the account, which knows of flows that came and went between two looks; what an active
 * time-out cuts counts anew. */
static guint64 flows_so_far(const struct instance *instance)
{
	return number(instance->account, "exported", "flows") +
	       number(instance->account, "inCache", "flows");
}

static void end_turn(struct instance *instance, const struct top_counts *metered)
{
	const guint64 took_us = (guint64)MAX(instance->asked_us - instance->before_us, 1);
	const guint64 bin_us = instance->desk->history.bin_ns / 1000;
	const guint64 flows = flows_so_far(instance);
	guint64 amounts[TOP_KINDS] = {
		[TOP_OCTETS] =
			growth(metered->octets[TOP_FORTH], instance->before.octets[TOP_FORTH]),
		[TOP_PACKETS] =
			growth(metered->packets[TOP_FORTH], instance->before.packets[TOP_FORTH]),
		[TOP_FLOWS] = growth(flows, instance->before_flows),
	};

	/* A bin is what came in its own time, however late the answer was. */
	for (int kind = 0; kind < TOP_KINDS; kind++)
		amounts[kind] = (guint64)((double)amounts[kind] * (double)bin_us / (double)took_us);
	/* What was there already came in no time that is known. */
	top_model_turn(instance->desk->model, instance->known ? took_us * 1000 : 0);
	if (instance->known)
		top_history_push(&instance->desk->history, amounts);
	instance->known = true;
	instance->before = *metered;
	instance->before_flows = flows;
	instance->before_us = instance->asked_us;
}

static void take(struct instance *instance)
{
	const struct top_counts metered = {
		.packets = { number(instance->moment, "metered", "packets") },
		.octets = { number(instance->moment, "metered", "octets") },
	};

	top_desk_lock(instance->desk);
	take_account(instance);
	if (!instance->known || metered.packets[TOP_FORTH] < instance->before.packets[TOP_FORTH])
		begin_anew(instance, &metered);
	take_flows(instance);
	if (!instance->filtered)
		lose(instance, &metered);
	end_turn(instance, &metered);
	top_desk_say(instance->desk, false, "running");
	top_desk_unlock(instance->desk, true);
}

/* --- the run --- */

static void tell_fault(struct instance *instance, const GError *error)
{
	top_desk_lock(instance->desk);
	top_desk_say(instance->desk, true, "%s", error->message);
	top_desk_unlock(instance->desk, true);
}

/* When to ask again. */
static gint64 next_us(const struct instance *instance)
{
	return g_get_monotonic_time() + MAX(instance->interval_us, SHARE * instance->took_us);
}

/* A run that is away may come back. */
static void look_on(struct instance *instance)
{
	do {
		g_autoptr(GError) error = NULL;

		if (ask(instance, &error))
			take(instance);
		else
			tell_fault(instance, error);
	} while (top_desk_wait(instance->desk, next_us(instance)));
}

static bool look_twice(struct instance *instance, GError **error)
{
	for (int i = 0; i < 2; i++) {
		if (i > 0 &&
		    !top_desk_wait(instance->desk, g_get_monotonic_time() + instance->interval_us))
			break;
		if (!ask(instance, error))
			return false;
		take(instance);
	}
	return true;
}

static void begin(struct top_desk *desk, const char *path, guint64 interval_ns)
{
	g_autofree char *name = g_path_get_basename(path);
	char *dot = strrchr(name, '.');

	if (dot)
		*dot = '\0';
	top_desk_lock(desk);
	g_free(desk->source);
	desk->source = g_strdup(name);
	desk->history = top_history_live(interval_ns);
	top_desk_say(desk, false, "asking");
	top_desk_unlock(desk, true);
}

bool top_instance_run(struct top_desk *desk, const struct top_input *input, GError **error)
{
	const struct option_value *values = input->options->values;
	const struct flow_query query = {
		.sort = FLOW_SORT_OCTETS,
		.limit = FLOWS,
		.form = FLOW_FORM_JSON,
		.template_name = (char *)(guintptr)TEMPLATE,
		.filter = values[OPTION_FILTER].text,
	};
	struct instance instance = {
		.desk = desk,
		.path = input->socket,
		.interval_us = (gint64)(values[OPTION_INTERVAL].number / 1000),
		.request = flow_query_request(&query),
		.parser = json_parser_new(),
		.filtered = query.filter,
		.lines = g_string_new(NULL),
		.readings = g_array_new(FALSE, FALSE, sizeof(struct top_reading)),
		.last = g_array_new(FALSE, FALSE, sizeof(struct top_reading)),
	};
	bool good = true;

	begin(desk, input->socket, values[OPTION_INTERVAL].number);
	if (input->once)
		good = look_twice(&instance, error);
	else
		look_on(&instance);
	g_clear_pointer(&instance.account, json_object_unref);
	g_clear_pointer(&instance.moment, json_object_unref);
	g_array_unref(instance.readings);
	g_array_unref(instance.last);
	g_string_free(instance.lines, TRUE);
	g_object_unref(instance.parser);
	g_free(instance.request);
	return good;
}
