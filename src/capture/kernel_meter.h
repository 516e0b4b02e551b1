/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter in the kernel: its programs loaded, its tables made, attached to nothing. Live capture
 * attaches the programs; the parity test and the benchmarks run frames through them. */
#ifndef WEIR_CAPTURE_KERNEL_METER_H
#define WEIR_CAPTURE_KERNEL_METER_H

#include <stdbool.h>

#include "capture/dedup.h"
#include "capture/kernel_ring.h"
#include "capture/kernel_tables.h"

enum kernel_hook {
	KERNEL_HOOK_XDP,
	KERNEL_HOOK_TC,
	KERNEL_HOOKS,
};

struct filter;
struct filter_front;

struct kernel_options {
	enum kernel_hook hook; /* whose program kernel_meter_run() runs */
	bool every_hook;       /* load the others' too, over the same tables */
	struct meter_settings settings;
	enum kernel_cache cache;
	guint32 sets;	     /* of each CPU's table; of the hash table, flows: a power of two */
	guint32 ring_octets; /* for records that left: a power of two; 0: 16 MiB */
	bool drop;	     /* XDP: the host spends nothing more on a frame that was metered */
	bool one_cpu;	     /* one table is made, for whichever CPU the caller is bound to */
	const struct filter *filter; /* only what matches is metered; NULL: everything */
	struct dedup_options dedup;  /* no packets: copies are metered, too */
	bool replaying; /* time, length and interface are the frame's, not the kernel's */
	/* A folder on the BPF file system where the maps outlive this process, or NULL. adopt: they
	 * are there, with the same detail and sets, and are taken as they are. */
	const char *pin;
	bool adopt;
};

struct kernel_meter;

/* WEIR_ERROR_FAILED where the kernel or the user's rights do not allow it. */
struct kernel_meter *kernel_meter_new(const struct kernel_options *options, GError **error);
/* Programs with other settings over the same tables, attached to nothing: what the tables are made
 * of is as it was. It lives no longer than the meter, and only to be exchanged. */
struct kernel_meter *kernel_meter_again(const struct kernel_meter *meter,
					const struct kernel_options *options, GError **error);
/* Each gets the other's programs. What is attached runs the old ones until it is attached again,
 * and they must be kept until then. */
bool kernel_meter_exchange(struct kernel_meter *meter, struct kernel_meter *next, GError **error);
void kernel_meter_free(struct kernel_meter *meter);
/* What kernel_meter_new() pins in a folder goes; whoever has it open keeps it. */
void kernel_meter_unpin(const char *folder);

/* The frame, repeat times, through the program on this CPU. ret_ns, where not NULL, is the
 * kernel's own figure of nanoseconds a run. */
bool kernel_meter_run(struct kernel_meter *meter, const struct frame *frame, guint repeat,
		      guint32 *ret_ns, GError **error);
/* What the program finds of a frame beside its octets, where it is run by other means. */
void kernel_meter_replay(struct kernel_meter *meter, const struct frame *frame);

/* The hook's program, to attach; of a meter with a filter, the filter's. */
int kernel_meter_program(const struct kernel_meter *meter, enum kernel_hook hook);
/* The same for packets that leave, where the hook sees such. */
int kernel_meter_program_out(const struct kernel_meter *meter, enum kernel_hook hook);
/* What is before the meter; NULL: nothing. */
struct filter_front *kernel_meter_front(const struct kernel_meter *meter);
const struct kernel_tables *kernel_meter_tables(const struct kernel_meter *meter);
int kernel_meter_cpus(const struct kernel_meter *meter);
enum flow_detail kernel_meter_detail(const struct kernel_meter *meter);
/* Octets of all flow tables. */
guint64 kernel_meter_memory(const struct kernel_meter *meter);

/* Brings out the flows of the CPU this thread runs on whose time-out has passed: looks at some
 * sets, from call->from on, and says what came of it. The thread must be bound to its CPU. */
bool kernel_meter_scan(struct kernel_meter *meter, struct cache_drain *call, GError **error);

/* Where records leave the kernel. Each is a struct flow_record, cut to the detail. */
struct kernel_ring *kernel_meter_ring(struct kernel_meter *meter);
/* Every record that left the cache so far, in the order in which they left; committed. */
void kernel_meter_drain(struct kernel_meter *meter, kernel_record *sink, void *data);
/* Every flow still in the cache, as a record without an end; then the cache is empty and the
 * counters are zero, as if just loaded. */
bool kernel_meter_empty(struct kernel_meter *meter, kernel_record *sink, void *data,
			GError **error);
/* Of the packets set aside as copies, by pair; free with g_array_unref (struct dedup_pair). */
GArray *kernel_meter_copies(const struct kernel_meter *meter, GError **error);
void meter_counts_add(struct meter_counts *sum, const struct meter_counts *more);
bool kernel_meter_counts(struct kernel_meter *meter, struct meter_counts *ret_counts,
			 GError **error);

#endif
