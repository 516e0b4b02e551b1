/* SPDX-License-Identifier: BSD-2-Clause */
/* What a packet costs in the kernel, by BPF_PROG_RUN, over a program that does nothing. */
#ifndef WEIR_SETUP_BENCH_KERNEL_H
#define WEIR_SETUP_BENCH_KERNEL_H

#include <glib.h>
#include <stdbool.h>

#include "capture/kernel_meter.h"
#include "setup/bench/levels.h"

/* Ways to meet the flow table. */
enum bench_kernel_case {
	BENCH_KERNEL_ONE,
	BENCH_KERNEL_TEN_THOUSAND,
	BENCH_KERNEL_MILLION,
	BENCH_KERNEL_NEW,
	BENCH_KERNEL_CASES,
};

/* What the meter takes of a packet at one level of detail: medians over the rounds. */
struct bench_kernel_level {
	double net_ns;	   /* beyond the empty program */
	double over_noop;  /* the whole, in times of the empty program */
	double over_basic; /* net, in times of the basic level; 0: that was not run */
	guint64 packets;   /* a round metered */
};

struct bench_kernel_figure {
	guint flows;	/* that take turns; of the new ones, those of a round */
	double noop_ns; /* the empty program, a packet */
	double vary_ns; /* making the frame another flow's: not part of any other figure */
	struct bench_kernel_level levels[FLOW_DETAILS]; /* as in bench_levels */
};

struct bench_kernel_figures {
	struct bench_kernel_figure cases[BENCH_KERNEL_CASES];
};

struct bench_hook {
	const char *name;
	enum kernel_hook hook;
};

#define BENCH_SETS_A_CALL 64 /* as live capture drains */

#define BENCH_HOOKS 2
extern const struct bench_hook bench_hooks[BENCH_HOOKS];

struct bench_kernel_name {
	const char *name; /* in JSON */
	const char *text; /* for people */
};

extern const struct bench_kernel_name bench_kernel_cases[BENCH_KERNEL_CASES];

struct bench_kernel_options {
	const struct bench_hook *hook;
	struct bench_levels levels;
	guint64 packets; /* fewer runs and flows where this is small */
};

/* In a child process bound to one CPU. */
bool bench_kernel_measure(const struct bench_kernel_options *options,
			  struct bench_kernel_figures *ret_figures, GError **error);

/* As many flows as there are, up to a million, and as a table of each of these levels has room for
 * in the memory that is free. */
guint bench_kernel_flows(const struct bench_levels *levels, guint64 packets);
/* A meter whose table is half full with so many flows; of the settings the idle time-out counts. */
struct kernel_meter *bench_kernel_meter(const struct kernel_options *like, enum flow_detail detail,
					guint flows, GError **error);
guint32 bench_kernel_sets(guint flows);
/* Brings all flows out and forgets them. */
bool bench_kernel_empty(struct kernel_meter *meter, guint flows, GError **error);
/* To the CPU it happens to be on: a CPU's own flow table is the one that gets warm. */
void bench_kernel_stay(void);
/* For records that nobody wants. */
void bench_kernel_forget(void *data, const struct flow_record *record);

#endif
