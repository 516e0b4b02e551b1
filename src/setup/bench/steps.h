/* SPDX-License-Identifier: BSD-2-Clause */
/* What the benchmark times: each step does what the one before does, and one thing more. */
#ifndef WEIR_SETUP_BENCH_STEPS_H
#define WEIR_SETUP_BENCH_STEPS_H

#include <glib.h>
#include <stdbool.h>

#include "setup/bench/levels.h"

struct bench_input {
	const char *capture; /* the file to read */
	const char *folder;  /* for what is written; the file in it is removed again */
	guint64 max_flows;
	enum flow_detail detail;
};

/* One run of a step. */
struct bench_figure {
	guint64 packets;
	guint64 records;
	guint64 cpu_ns;
	guint64 peak_octets;
};

struct bench_step {
	const char *name; /* in JSON */
	const char *text; /* for people */
	enum {
		BENCH_LEVEL_NONE, /* the level of detail means nothing to it */
		BENCH_LEVEL_FIRST,
		BENCH_LEVEL_EACH, /* once at each */
	} levels;
	bool (*run)(const struct bench_input *input, struct bench_figure *ret_figure,
		    GError **error);
};

#define BENCH_STEPS 4
/* The first is reading alone, what the others are measured against. */
extern const struct bench_step bench_steps[BENCH_STEPS];

#define BENCH_RUNS_MAX (BENCH_STEPS - 1 + FLOW_DETAILS)

/* What a round runs, in this order. */
struct bench_plan {
	guint count;
	guint basic; /* index of metering at the basic level; 0: not in it */
	struct {
		const struct bench_step *step;
		enum flow_detail detail;
	} runs[BENCH_RUNS_MAX];
};

struct bench_plan bench_plan_make(const struct bench_levels *levels);

/* The step in a child process, timed by its CPU clock. */
bool bench_step_measure(const struct bench_step *step, const struct bench_input *input,
			struct bench_figure *ret_figure, GError **error);

#endif
