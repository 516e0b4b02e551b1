/* SPDX-License-Identifier: BSD-2-Clause */
/* A collector that reads and forgets, on loopback, in a thread of its own. */
#ifndef WEIR_SETUP_BENCH_SINK_H
#define WEIR_SETUP_BENCH_SINK_H

#include <glib.h>
#include <stdbool.h>

struct sink;

struct sink_figures {
	guint64 octets; /* that arrived */
	guint64 cpu_ns; /* of its thread */
};

struct sink *sink_new(bool stream, GError **error);
guint16 sink_port(const struct sink *sink);
/* Nothing more comes: waits until it has read what there is. Frees it. */
struct sink_figures sink_finish(struct sink *sink);

#endif
