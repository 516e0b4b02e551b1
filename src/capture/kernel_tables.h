/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow tables of the meter in the kernel: one a CPU, made before the programs are loaded. */
#ifndef WEIR_CAPTURE_KERNEL_TABLES_H
#define WEIR_CAPTURE_KERNEL_TABLES_H

#include <stdbool.h>

#include "flow/flow.h"

struct kernel_tables {
	int *fds; /* one a CPU; -1: not there */
	int cpus;
	guint32 sets; /* of each: a power of two */
	guint32 stride;
	enum flow_detail detail;
	guint32 circumstances;
};

typedef void kernel_record(void *data, const struct flow_record *record);

/* No table yet; cleared by kernel_tables_clear(). */
void kernel_tables_init(struct kernel_tables *tables, const struct meter_settings *settings,
			guint32 sets);
void kernel_tables_clear(struct kernel_tables *tables);

bool kernel_tables_make(struct kernel_tables *tables, GError **error);
/* Puts each table where its CPU looks for it. */
bool kernel_tables_place(const struct kernel_tables *tables, int outer, GError **error);
/* Octets of all tables. */
guint64 kernel_tables_memory(const struct kernel_tables *tables);

/* Gives the sink every flow of a CPU's table, as a record without an end, and clears it. Nothing
 * else may use the table meanwhile. */
bool kernel_tables_empty(const struct kernel_tables *tables, int cpu, kernel_record *sink,
			 void *data, GError **error);

/* What failed in the kernel, as an error; false. */
bool kernel_fail(GError **error, const char *what, int code);

#endif
