/* SPDX-License-Identifier: BSD-2-Clause */
/* What it costs to encode records and to bring them to a collector, beside what libfixbuf alone and
 * the sockets alone cost. */
#ifndef WEIR_SETUP_BENCH_EXPORT_COST_H
#define WEIR_SETUP_BENCH_EXPORT_COST_H

#include <glib.h>
#include <stdbool.h>

#include "setup/bench/records.h"

enum export_way {
	EXPORT_FIXBUF,	/* libfixbuf appends one ready record again and again */
	EXPORT_ENCODED, /* records to octets, which are forgotten */
	EXPORT_SENT,	/* ready messages to a collector, by the transport alone */
	EXPORT_DELIVERED,
};

struct export_case {
	const char *scheme; /* of the form */
	const char *template_name;
	const char *transport; /* NULL: none */
	enum export_way way;
	guint bare; /* the case of libfixbuf alone it is measured against */
};

#define EXPORT_CASES 16
extern const struct export_case export_cases[EXPORT_CASES];

/* One run of a case. */
struct export_figure {
	guint64 records;
	guint64 octets;	    /* of messages or lines */
	guint64 arrived;    /* of them, at the collector */
	guint64 cpu_ns;	    /* of all but the collector */
	guint64 sending_ns; /* of that: threads that send */
	guint64 wall_ns;
};

/* In a child process; flows: how many are told. */
bool export_cost_measure(const struct export_case *which, const struct records *records,
			 guint64 flows, struct export_figure *ret_figure, GError **error);

#endif
