/* SPDX-License-Identifier: BSD-2-Clause */
/* Work done in a process of its own, so that its peak memory is its own and nothing it leaves
 * behind (heap, caches, CPU affinity) helps or hinders the next. */
#ifndef WEIR_SETUP_BENCH_CHILD_H
#define WEIR_SETUP_BENCH_CHILD_H

#include <glib.h>
#include <stdbool.h>

/* Fills ret_result, which reaches the parent as octets: no pointers in it. */
typedef bool child_work(const void *data, void *ret_result, GError **error);

struct child_result {
	void *octets;	     /* filled on success only */
	size_t size;	     /* of the result */
	guint64 peak_octets; /* of memory, filled on success only */
};

bool child_run(child_work *work, const void *data, struct child_result *result, GError **error);

#endif
