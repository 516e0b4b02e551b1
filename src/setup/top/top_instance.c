/* SPDX-License-Identifier: BSD-2-Clause */
/* A run, asked again and again: its account, then its flows. What the account has metered and no
 * flow that was told explains (it ended between two looks, or was not among the largest) is told
 * as others, so the sum is always the account's. */
#include "base/clock.h"
#include "serve/ask.h"
#include "serve/flow_query.h"
#include "setup/top/top_source.h"
#include "top/reading.h"

#define FLOWS	 2000 /* told at a time; some 700 octets each */
#define TEMPLATE "top"

struct instance {
	struct top_desk *desk;
	const char *path;
	char *request;
	gint64 interval_us;
	JsonParser *parser;

	/* The last answer. */
	JsonObject *account;
	GString *lines;
	GArray *readings; /* of struct top_reading */
	gint64 asked_us;
	guint64 asked_ns; /* by the wall clock */

	/* The one before it. */
	bool known;
	gint64 before_us;
	guint64 before_ns;
	struct top_counts before; /* metered, in TOP_FORTH */
	guint64 before_flows;

	/* Metered before anybody looked. */
	gint64 base_packets;
	gint64 base_octets;
	struct top_counts lost; /* told as others so far, in TOP_FORTH */
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

static bool ask(struct instance *instance, GError **error)
{
	g_autoptr(JsonObject) told = NULL;

	g_clear_pointer(&instance->account, json_object_unref);
	instance->account = control_ask(instance->path, "stats", error);
	if (!instance->account)
		return false;
	instance->asked_us = g_get_monotonic_time();
	instance->asked_ns = clock_wall_ns();
	g_string_truncate(instance->lines, 0);
	told = control_ask_lines(instance->path, instance->request, instance->lines, error);
	if (told)
		read_lines(instance);
	return told != NULL;
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
}

/* --- what became of the packets --- */

static guint64 growth(gint64 now, guint64 before)
{
	return now > 0 && (guint64)now > before ? (guint64)now - before : 0;
}

/* What was metered and is in no flow that was told. */
static void lose(struct instance *instance, const struct top_counts *metered)
{
	struct top_model *model = instance->desk->model;
	const struct top_counts *read = top_model_read_so_far(model);
	const gint64 packets = (gint64)metered->packets[TOP_FORTH] - (gint64)top_packets(read);
	const gint64 octets = (gint64)metered->octets[TOP_FORTH] - (gint64)top_octets(read);
	struct top_counts more = { 0 };

	/* The first look, or another process has begun anew. */
	if (!instance->known || metered->packets[TOP_FORTH] < instance->before.packets[TOP_FORTH]) {
		instance->base_packets = packets - (gint64)instance->lost.packets[TOP_FORTH];
		instance->base_octets = octets - (gint64)instance->lost.octets[TOP_FORTH];
		return;
	}
	more.packets[TOP_FORTH] =
		growth(packets - instance->base_packets, instance->lost.packets[TOP_FORTH]);
	more.octets[TOP_FORTH] =
		growth(octets - instance->base_octets, instance->lost.octets[TOP_FORTH]);
	top_counts_add(&instance->lost, &more);
	top_model_lose(model, &more, 0);
}

static void take_flows(struct instance *instance)
{
	for (guint i = 0; i < instance->readings->len; i++) {
		struct top_reading *reading =
			&g_array_index(instance->readings, struct top_reading, i);

		reading->old = instance->known && reading->first_ns < instance->before_ns;
		top_model_read(instance->desk->model, reading);
	}
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
		[TOP_OCTETS] = growth((gint64)metered->octets[TOP_FORTH],
				      instance->before.octets[TOP_FORTH]),
		[TOP_PACKETS] = growth((gint64)metered->packets[TOP_FORTH],
				       instance->before.packets[TOP_FORTH]),
		[TOP_FLOWS] = growth((gint64)flows, instance->before_flows),
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
	instance->before_ns = instance->asked_ns;
}

static void take(struct instance *instance)
{
	const struct top_counts metered = {
		.packets = { number(instance->account, "metered", "packets") },
		.octets = { number(instance->account, "metered", "octets") },
	};

	top_desk_lock(instance->desk);
	take_account(instance);
	take_flows(instance);
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

/* A run that is away may come back. */
static void look_on(struct instance *instance)
{
	do {
		g_autoptr(GError) error = NULL;

		if (ask(instance, &error))
			take(instance);
		else
			tell_fault(instance, error);
	} while (top_desk_wait(instance->desk, g_get_monotonic_time() + instance->interval_us));
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
		.lines = g_string_new(NULL),
		.readings = g_array_new(FALSE, FALSE, sizeof(struct top_reading)),
	};
	bool good = true;

	begin(desk, input->socket, values[OPTION_INTERVAL].number);
	if (input->once)
		good = look_twice(&instance, error);
	else
		look_on(&instance);
	g_clear_pointer(&instance.account, json_object_unref);
	g_array_unref(instance.readings);
	g_string_free(instance.lines, TRUE);
	g_object_unref(instance.parser);
	g_free(instance.request);
	return good;
}
