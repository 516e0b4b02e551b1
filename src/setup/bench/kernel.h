/* SPDX-License-Identifier: BSD-2-Clause */
/* What a packet costs in the kernel, by BPF_PROG_RUN, over a program that does nothing. */
#ifndef WEIR_SETUP_BENCH_KERNEL_H
#define WEIR_SETUP_BENCH_KERNEL_H

#include <glib.h>
#include <stdbool.h>

#include "setup/bench/levels.h"

/* Three ways to meet the flow table. */
enum bench_kernel_case {
	BENCH_KERNEL_SAME, /* one data segment, so a retransmission, over and over in one call */
	BENCH_KERNEL_NEW,  /* each packet opens a flow; one packet a call */
	BENCH_KERNEL_MANY, /* each packet finds another of many flows; one packet a call */
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
	double noop_ns;					/* the empty program, a packet */
	struct bench_kernel_level levels[FLOW_DETAILS]; /* as in bench_levels */
};

struct bench_kernel_figures {
	guint flows; /* of the cases that have many */
	struct bench_kernel_figure cases[BENCH_KERNEL_CASES];
};

struct bench_hook {
	const char *name;
	int hook; /* enum kernel_hook */
};

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
	guint64 packets; /* fewer runs where this is small */
};

/* In a child process pinned to one CPU. */
bool bench_kernel_measure(const struct bench_kernel_options *options,
			  struct bench_kernel_figures *ret_figures, GError **error);

#endif
