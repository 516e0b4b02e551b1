/* SPDX-License-Identifier: BSD-2-Clause */
/* A classic BPF program, as libpcap makes them, becomes a program for the hooks in the kernel: what
 * matches goes on to the meter by a tail call, what does not is counted and left alone. */
#ifndef WEIR_CAPTURE_FILTER_TRANSLATE_H
#define WEIR_CAPTURE_FILTER_TRANSLATE_H

#include <glib.h>
#include <stdbool.h>

struct sock_filter;

struct filter_target {
	bool buffer;	/* tc: socket buffers; else XDP */
	int counts;	/* the meter's map of counters */
	int targets;	/* the map of programs to go on to */
	guint32 slot;	/* in it */
	gint32 passing; /* the hook's word for a frame that is none of ours */
};

/* The steps are struct bpf_insn of the kernel. NULL: the program has a step that no frame on the
 * wire can answer, or it is too long. Free with g_array_unref. */
GArray *filter_translate(const struct sock_filter *code, guint count,
			 const struct filter_target *target, GError **error);

#endif
