/* SPDX-License-Identifier: BSD-2-Clause */
/* What the benchmark times: each step does what the one before does, and one thing more. */
#ifndef WEIR_SETUP_BENCH_STEPS_H
#define WEIR_SETUP_BENCH_STEPS_H

#include <glib.h>
#include <stdbool.h>

#include "flow/flow.h"

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
	bool (*run)(const struct bench_input *input, struct bench_figure *ret_figure,
		    GError **error);
};

#define BENCH_STEPS 4
/* The first is reading alone, what the others are measured against. */
extern const struct bench_step bench_steps[BENCH_STEPS];

/* The step in a child process, timed by its CPU clock. */
bool bench_step_measure(const struct bench_step *step, const struct bench_input *input,
			struct bench_figure *ret_figure, GError **error);

#endif
