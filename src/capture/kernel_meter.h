/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter in the kernel, as an object to run frames through: loaded, with its tables, attached
 * to nothing. The parity test and the benchmarks are its users; live capture builds on it. */
#ifndef WEIR_CAPTURE_KERNEL_METER_H
#define WEIR_CAPTURE_KERNEL_METER_H

#include <stdbool.h>

#include "capture/frame.h"
#include "flow/flow.h"

enum kernel_hook {
	KERNEL_HOOK_XDP,
	KERNEL_HOOK_TC,
	KERNEL_HOOKS,
};

struct kernel_options {
	enum kernel_hook hook;
	struct meter_settings settings;
	guint32 sets;	/* of each CPU's table: a power of two */
	bool replaying; /* time, length and interface are the frame's, not the kernel's */
};

struct kernel_meter;

typedef void kernel_record(void *data, const struct flow_record *record);

/* WEIR_ERROR_FAILED where the kernel or the user's rights do not allow it. */
struct kernel_meter *kernel_meter_new(const struct kernel_options *options, GError **error);
void kernel_meter_free(struct kernel_meter *meter);

/* The frame, repeat times, through the program on this CPU. ret_ns, where not NULL, is the
 * kernel's own figure of nanoseconds a run. noop runs the empty program instead (XDP only). */
bool kernel_meter_run(struct kernel_meter *meter, const struct frame *frame, guint repeat,
		      guint32 *ret_ns, GError **error);
bool kernel_meter_run_noop(struct kernel_meter *meter, const struct frame *frame, guint repeat,
			   guint32 *ret_ns, GError **error);

/* Every record that left the cache so far, in the order in which they left. */
bool kernel_meter_drain(struct kernel_meter *meter, kernel_record *sink, void *data,
			GError **error);
/* Every flow still in the cache, as a record without an end; then the cache is empty and the
 * counters are zero, as if just loaded. */
bool kernel_meter_empty(struct kernel_meter *meter, kernel_record *sink, void *data,
			GError **error);
bool kernel_meter_counts(struct kernel_meter *meter, struct meter_counts *ret_counts,
			 GError **error);

#endif
