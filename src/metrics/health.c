/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/health.h"

#include <json-glib/json-glib.h>

#include "base/json.h"

struct check {
	enum health_state state;
	bool metering;
	char *about;
	char *text;
};

struct health {
	GArray *checks; /* of struct check */
};

static const char *const state_names[] = {
	[HEALTH_GOOD] = "ok",
	[HEALTH_DEGRADED] = "degraded",
	[HEALTH_FAILED] = "failed",
};

static void clear(gpointer data)
{
	struct check *check = data;

	g_free(check->about);
	g_free(check->text);
}

struct health *health_new(void)
{
	struct health *health = g_new0(struct health, 1);

	health->checks = g_array_new(FALSE, FALSE, sizeof(struct check));
	g_array_set_clear_func(health->checks, clear);
	return health;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	g_array_unref(health->checks);
	g_free(health);
}

static const struct check *check_at(const struct health *health, guint i)
{
	return &g_array_index(health->checks, struct check, i);
}

struct health *health_copy(const struct health *health)
{
	struct health *copy = health_new();

	for (guint i = 0; i < health->checks->len; i++) {
		const struct check *check = check_at(health, i);

		health_say(copy, check->state, check->metering, check->about, "%s", check->text);
	}
	return copy;
}

void health_say(struct health *health, enum health_state state, bool metering, const char *about,
		const char *format, ...)
{
	g_autofree char *text = NULL;
	struct check check = { .state = state, .metering = metering };
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	check.about = g_utf8_make_valid(about, -1);
	check.text = g_utf8_make_valid(text, -1);
	g_array_append_val(health->checks, check);
}

/* The worst of what was asked about. */
static enum health_state worst(const struct health *health, enum health_question question)
{
	enum health_state state = HEALTH_GOOD;

	for (guint i = 0; i < health->checks->len; i++) {
		const struct check *check = check_at(health, i);

		if (question == HEALTH_ALL || check->metering)
			state = MAX(state, check->state);
	}
	return state;
}

bool health_answer(const struct health *health, enum health_question question)
{
	return worst(health, question) != HEALTH_FAILED;
}

char *health_to_text(const struct health *health, enum health_question question)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%s\n", state_names[worst(health, question)]);
	for (guint i = 0; i < health->checks->len; i++) {
		const struct check *check = check_at(health, i);

		if (question == HEALTH_ALL || check->metering)
			g_string_append_printf(text, "%-8s  %s: %s\n", state_names[check->state],
					       check->about, check->text);
	}
	return g_string_free(text, FALSE);
}

char *health_to_json(const struct health *health, enum health_question question)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	json_put_text(json, "status", state_names[worst(health, question)]);
	json_begin_list(json, "checks");
	for (guint i = 0; i < health->checks->len; i++) {
		const struct check *check = check_at(health, i);

		if (question != HEALTH_ALL && !check->metering)
			continue;
		json_builder_begin_object(json);
		json_put_text(json, "name", check->about);
		json_put_text(json, "status", state_names[check->state]);
		json_put_text(json, "text", check->text);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	return g_strconcat(text, "\n", NULL);
}
