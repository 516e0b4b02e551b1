/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter and the search for copies cost in the kernel, before the meter, beside the meter
 * alone. */
#ifndef WEIR_SETUP_BENCH_FRONT_COST_H
#define WEIR_SETUP_BENCH_FRONT_COST_H

#include "setup/bench/kernel.h"

enum front_case {
	FRONT_CASE_ALONE,
	FRONT_CASE_ALL,	 /* a filter that everything matches */
	FRONT_CASE_NONE, /* and nothing */
	FRONT_CASE_NO_COPIES,
	FRONT_CASE_COPIES,
	FRONT_CASES,
};

struct front_case_row {
	const char *name; /* in JSON */
	const char *text; /* for people */
	const char *filter;
	bool dedup;
	bool copies; /* all packets but the first are the same one */
	enum meter_verdict verdict;
};

extern const struct front_case_row front_cases[FRONT_CASES];

struct front_figure {
	double net_ns;	   /* beyond the empty program; the median of the rounds */
	double over_alone; /* in times of the meter alone */
	guint64 packets;   /* that met the fate they were meant for, of a round */
};

struct front_figures {
	struct front_figure cases[FRONT_CASES];
};

struct front_options {
	const struct bench_hook *hook;
	enum flow_detail detail;
	guint64 packets;
};

/* In a child process bound to one CPU. */
bool front_cost_measure(const struct front_options *options, struct front_figures *ret_figures,
			GError **error);

#endif
