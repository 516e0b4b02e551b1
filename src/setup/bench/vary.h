/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of many flows at the kernel's own speed: one BPF_PROG_RUN gives a program of a hook a
 * frame a run, each of another flow. */
#ifndef WEIR_SETUP_BENCH_VARY_H
#define WEIR_SETUP_BENCH_VARY_H

#include <stdbool.h>

#include "capture/kernel_meter.h"

struct vary;

/* Where the sequence of flows stands. */
struct vary_state {
	guint32 index;
	guint32 cycle;
};

/* Flow numbers from 0 on, each once a cycle. */
struct vary_flows {
	guint32 count;
	bool ordered; /* by number; else as if at random */
};

struct vary *vary_new(enum kernel_hook hook, GError **error);
void vary_free(struct vary *vary);

/* The hook's program that does nothing. */
int vary_empty(const struct vary *vary);

struct vary_state vary_state(const struct vary *vary);
void vary_begin(struct vary *vary, const struct vary_flows *flows, struct vary_state state);

/* Runs a program on the very same frame each time, or on the flows from where they stand. The CPU
 * time of this thread that one packet took. */
bool vary_run_alone(struct vary *vary, int program, guint packets, double *ret_ns, GError **error);
bool vary_run(struct vary *vary, int program, guint packets, double *ret_ns, GError **error);

/* CPU time of this thread. */
guint64 vary_thread_ns(void);

#endif
