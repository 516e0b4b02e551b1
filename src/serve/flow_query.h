/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run can be asked about the flows in its cache: the argument of the verb "flows".
 *
 *	flows [sort=octets] [limit=20] [form=json|text] [template=full] [filter=EXPRESSION...]
 *
 * The filter, a tcpdump expression, is the rest of the line. The answer has the members "flows" (in
 * the cache), "matched" (the filter), "shown" and "lines", "metered" and "inCache" (packets and
 * octets of the account when all flows had been looked at), and then these lines. json: an object a
 * flow, the first in the order first, as the JSON export writes them under that built-in template
 * with both directions in one, and first of all "id": a text that is the same as long as the record
 * is. text: as the text export, headings and all. */
#ifndef WEIR_SERVE_FLOW_QUERY_H
#define WEIR_SERVE_FLOW_QUERY_H

#include <stdbool.h>

#include "serve/flow_rank.h"

#define FLOW_QUERY_VERB	    "flows"
#define FLOW_QUERY_LIMIT    20
#define FLOW_QUERY_MOST	    10000
#define FLOW_QUERY_TEMPLATE "full"

enum flow_form {
	FLOW_FORM_JSON,
	FLOW_FORM_TEXT,
	FLOW_FORMS,
};

struct flow_query {
	enum flow_sort sort;
	guint limit;
	enum flow_form form;
	char *template_name; /* NULL: FLOW_QUERY_TEMPLATE */
	char *filter;	     /* NULL: every flow */
};

/* From the argument of a request; what it does not say is as above. */
bool flow_query_parse(const char *argument, struct flow_query *ret_query, GError **error);
/* The whole request; free with g_free. */
char *flow_query_request(const struct flow_query *query);
void flow_query_clear(struct flow_query *query);

#endif
