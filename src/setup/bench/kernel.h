/* SPDX-License-Identifier: BSD-2-Clause */
/* What a packet costs in the kernel, by BPF_PROG_RUN, over a program that does nothing. */
#ifndef WEIR_SETUP_BENCH_KERNEL_H
#define WEIR_SETUP_BENCH_KERNEL_H

#include <glib.h>
#include <stdbool.h>

#include "flow/flow.h"

/* Three ways to meet the flow table. */
enum bench_kernel_case {
	BENCH_KERNEL_SAME, /* one packet again and again, inside one call */
	BENCH_KERNEL_NEW,  /* each packet opens a flow; one packet a call */
	BENCH_KERNEL_MANY, /* each packet finds another of many flows; one packet a call */
	BENCH_KERNEL_CASES,
};

#define BENCH_KERNEL_FLOWS_MAX 65536

/* Nanoseconds a packet: of the empty program, and what the meter takes beyond it. */
struct bench_kernel_figure {
	double noop_ns;
	double net_ns;
};

struct bench_kernel_figures {
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
	enum flow_detail detail;
	guint64 packets; /* fewer runs where this is small */
};

/* In a child process pinned to one CPU. */
bool bench_kernel_measure(const struct bench_kernel_options *options,
			  struct bench_kernel_figures *ret_figures, GError **error);

#endif
