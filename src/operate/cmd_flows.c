/* SPDX-License-Identifier: BSD-2-Clause */
/* weir flows: what is in the cache of a run now. */
#include <stdio.h>

#include "base/error.h"
#include "serve/ask.h"
#include "serve/flow_query.h"
#include "setup/instance_socket.h"
#include "setup/options.h"

static struct flow_query query_of(const struct options *options)
{
	const struct option_value *values = options->values;

	return (struct flow_query){
		.sort = (enum flow_sort)values[OPTION_SORT].number,
		.limit = (guint)values[OPTION_LIMIT].number,
		.form = values[OPTION_AS_JSON].number ? FLOW_FORM_JSON : FLOW_FORM_TEXT,
		.template_name = values[OPTION_FLOWS_TEMPLATE].text,
		.filter = values[OPTION_FLOWS_FILTER].text,
	};
}

static bool is_line(const struct flow_query *query, GError **error)
{
	if (!query->filter || !strpbrk(query->filter, "\r\n"))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "--filter: an expression of one line");
	return false;
}

static guint64 number(JsonObject *answer, const char *member)
{
	return (guint64)json_object_get_int_member_with_default(answer, member, 0);
}

/* What the lines leave out. */
static void tell_rest(JsonObject *answer, const struct flow_query *query)
{
	const guint64 matched = number(answer, "matched");
	const guint64 shown = number(answer, "shown");

	fprintf(stderr, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " flows in the cache%s",
		shown, number(answer, "flows"), query->filter ? "; " : "\n");
	if (query->filter)
		fprintf(stderr, "%" G_GUINT64_FORMAT " match\n", matched);
	if (shown < MIN(matched, query->limit))
		fprintf(stderr, "the answer became too long: a shorter --template leaves room\n");
}

static bool flows(const struct options *options, GError **error)
{
	const char *name = options->arguments ? options->arguments[0] : NULL;
	const struct flow_query query = query_of(options);
	g_autofree char *path = NULL;
	g_autofree char *request = flow_query_request(&query);
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autoptr(JsonObject) answer = NULL;

	if (!is_line(&query, error))
		return false;
	path = instance_socket_find(name, error);
	if (path)
		answer = control_ask_lines(path, request, lines, error);
	if (!answer)
		return false;
	fwrite(lines->str, 1, lines->len, stdout);
	if (!options->values[OPTION_QUIET].number) {
		fflush(stdout);
		tell_rest(answer, &query);
	}
	return true;
}

int cmd_flows(int argc, char **argv)
{
	return command_main(COMMAND_FLOWS, argc, argv, flows);
}
