/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF object into the kernel; where the verifier refuses, its reason in a line and its log in a
 * file. */
#ifndef WEIR_CAPTURE_KERNEL_LOAD_H
#define WEIR_CAPTURE_KERNEL_LOAD_H

#include <glib.h>
#include <stdbool.h>

struct bpf_object;

#define KERNEL_LOAD_LOG "weir-verifier.log" /* in the current folder, else where TMPDIR says */

/* Loads it, opened and configured. */
bool kernel_load(struct bpf_object *object, GError **error);

/* The line of a verifier's log that says why; NULL: there is none. Free with g_free. */
char *kernel_load_reason(const char *log);

#endif
