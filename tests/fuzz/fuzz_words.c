/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as what users write in one line; the first octet says as what. It is refused with a
 * reason, or what was understood can be told again, and is understood as the same. */
#include <stdint.h>
#include <string.h>

#include "base/quantity.h"
#include "export/destination_url.h"
#include "serve/flow_query.h"
#include "top/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_query(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct flow_query query;
	struct flow_query again;
	g_autofree char *request = NULL;

	if (!flow_query_parse(text, &query, &error)) {
		g_assert_nonnull(error);
		return;
	}
	g_assert_cmpuint(query.limit, <=, FLOW_QUERY_MOST);
	request = flow_query_request(&query);
	g_assert_true(g_str_has_prefix(request, FLOW_QUERY_VERB " "));
	g_assert_true(flow_query_parse(request + strlen(FLOW_QUERY_VERB), &again, &error));
	g_assert_true(again.sort == query.sort && again.form == query.form);
	g_assert_cmpuint(again.limit, ==, query.limit);
	g_assert_cmpstr(again.filter, ==, query.filter);
	flow_query_clear(&query);
	flow_query_clear(&again);
}

static void as_destination(const char *text)
{
	struct destination_url url;
	g_autoptr(GError) error = NULL;
	g_autofree char *key = NULL;

	if (!destination_url_parse_as(text, "label", &url, &key, &error)) {
		g_assert_nonnull(strstr(error->message, "label"));
		return;
	}
	g_assert_nonnull(url.ops);
	g_assert_true(url.transport ? url.host && url.port : url.path != NULL);
	destination_url_clear(&url);
}

static void as_quantity(const char *text)
{
	for (int kind = QUANTITY_NUMBER; kind <= QUANTITY_DURATION; kind++) {
		g_autofree char *told = NULL;
		guint64 value;
		guint64 again;

		if (!quantity_parse((enum quantity_kind)kind, text, &value))
			continue;
		told = quantity_format((enum quantity_kind)kind, value);
		g_assert_true(quantity_parse((enum quantity_kind)kind, told, &again));
		g_assert_cmpuint(again, ==, value);
	}
}

static void as_filter(const char *text)
{
	struct top_filter *filter = top_filter_new(text);
	const struct top_flow flow = { 0 };

	if (filter) {
		g_assert_cmpuint(top_filter_number(filter), !=, 0);
		top_filter_takes(filter, &flow);
	}
	top_filter_free(filter);
}

static void (*const readers[])(const char *text) = { as_query, as_destination, as_quantity,
						     as_filter };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = NULL;

	if (size < 1)
		return 0;
	/* To the first NUL, and nothing behind it. */
	text = g_strndup((const char *)data + 1, size - 1);
	readers[data[0] % G_N_ELEMENTS(readers)](text);
	return 0;
}
