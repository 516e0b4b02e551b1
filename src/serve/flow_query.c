/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/flow_query.h"

#include <string.h>

#include "base/error.h"

static const char *const forms[FLOW_FORMS] = {
	[FLOW_FORM_JSON] = "json",
	[FLOW_FORM_TEXT] = "text",
};

typedef bool take_word(struct flow_query *query, const char *value);

static bool take_sort(struct flow_query *query, const char *value)
{
	for (guint i = 0; i < FLOW_SORTS; i++) {
		if (strcmp(value, flow_sort_name((enum flow_sort)i)) != 0)
			continue;
		query->sort = (enum flow_sort)i;
		return true;
	}
	return false;
}

static bool take_limit(struct flow_query *query, const char *value)
{
	guint64 limit;

	if (!g_ascii_string_to_unsigned(value, 10, 0, FLOW_QUERY_MOST, &limit, NULL))
		return false;
	query->limit = (guint)limit;
	return true;
}

static bool take_form(struct flow_query *query, const char *value)
{
	for (guint i = 0; i < FLOW_FORMS; i++) {
		if (strcmp(value, forms[i]) != 0)
			continue;
		query->form = (enum flow_form)i;
		return true;
	}
	return false;
}

static bool take_template(struct flow_query *query, const char *value)
{
	g_free(query->template_name);
	query->template_name = g_strdup(value);
	return *value != '\0';
}

static bool take_filter(struct flow_query *query, const char *value)
{
	g_free(query->filter);
	query->filter = *value ? g_strdup(value) : NULL;
	return true;
}

static const struct word {
	const char *name;
	take_word *take;
	bool to_the_end; /* the value has blanks */
} words[] = {
	{ "sort=", take_sort, false },	  { "limit=", take_limit, false },
	{ "form=", take_form, false },	  { "template=", take_template, false },
	{ "filter=", take_filter, true },
};

static const struct word *word_at(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_str_has_prefix(text, words[i].name))
			return &words[i];
	}
	return NULL;
}

static bool refuse(const char *text, GError **error)
{
	g_autoptr(GString) sorts = g_string_new(NULL);

	for (guint i = 0; i < FLOW_SORTS; i++)
		g_string_append_printf(sorts, "%s%s", i ? "|" : "",
				       flow_sort_name((enum flow_sort)i));
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "\"%.64s\": a word is sort=%s, limit=0..%d, form=json|text, template=NAME, or, "
		    "last, filter=EXPRESSION",
		    text, sorts->str, FLOW_QUERY_MOST);
	return false;
}

bool flow_query_parse(const char *argument, struct flow_query *ret_query, GError **error)
{
	struct flow_query query = { .limit = FLOW_QUERY_LIMIT };
	const char *at = argument + strspn(argument, " \t");

	while (*at) {
		const struct word *word = word_at(at);
		const char *value = word ? at + strlen(word->name) : at;
		const size_t length =
			word && word->to_the_end ? strlen(value) : strcspn(value, " \t");
		g_autofree char *copy = g_strndup(value, length);

		if (!word || !word->take(&query, copy)) {
			flow_query_clear(&query);
			return refuse(at, error);
		}
		at = value + length;
		at += strspn(at, " \t");
	}
	*ret_query = query;
	return true;
}

char *flow_query_request(const struct flow_query *query)
{
	const char *form = query->template_name ? query->template_name : FLOW_QUERY_TEMPLATE;

	return g_strdup_printf(FLOW_QUERY_VERB " sort=%s limit=%u form=%s template=%s%s%s",
			       flow_sort_name(query->sort), query->limit, forms[query->form], form,
			       query->filter ? " filter=" : "", query->filter ? query->filter : "");
}

void flow_query_clear(struct flow_query *query)
{
	g_clear_pointer(&query->template_name, g_free);
	g_clear_pointer(&query->filter, g_free);
}
