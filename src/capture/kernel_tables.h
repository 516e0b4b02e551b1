/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow tables of the meter in the kernel: one a CPU, made before the programs are loaded. */
#ifndef WEIR_CAPTURE_KERNEL_TABLES_H
#define WEIR_CAPTURE_KERNEL_TABLES_H

#include <stdbool.h>

#include "flow/flow.h"

/* What the flow cache of a CPU is made of. */
enum kernel_cache {
	KERNEL_CACHE_SET,  /* a set-associative table of our own */
	KERNEL_CACHE_HASH, /* the kernel's hash table */
	KERNEL_CACHES,
};

struct kernel_tables {
	enum kernel_cache cache;
	int *fds; /* one a CPU; -1: not there */
	int cpus;
	bool one;     /* the same one for all, of which only one may be in use */
	guint32 sets; /* of each, sets or slots: a power of two */
	guint32 stride;
	enum flow_detail detail;
	guint32 circumstances;
	int look; /* the program that looks at sets, and what it finds there; -1: there is none */
	int looked;
};

typedef void kernel_record(void *data, const struct flow_record *record);

/* No table yet; cleared by kernel_tables_clear(). */
void kernel_tables_init(struct kernel_tables *tables, const struct meter_settings *settings,
			enum kernel_cache cache, guint32 sets);
void kernel_tables_clear(struct kernel_tables *tables);

const char *kernel_cache_name(enum kernel_cache cache);
/* What its places are: sets, or flows. */
const char *kernel_cache_place(enum kernel_cache cache);
/* Places for each of so many CPUs that together have room for the flows. */
guint32 kernel_cache_places(enum kernel_cache cache, guint64 flows, int cpus);
/* What a place costs. */
guint32 kernel_cache_octets(enum kernel_cache cache, enum flow_detail detail);

bool kernel_tables_make(struct kernel_tables *tables, GError **error);
/* Puts each table where its CPU looks for it. */
bool kernel_tables_place(const struct kernel_tables *tables, int outer, GError **error);
/* Pins them in the folder, beside what else of them is pinned there. */
bool kernel_tables_pin(const struct kernel_tables *tables, const char *folder, GError **error);
void kernel_tables_unpin(const char *folder);
/* Takes the tables that an earlier process put there and pinned in the folder. */
bool kernel_tables_adopt(struct kernel_tables *tables, int outer, const char *folder,
			 GError **error);
/* Octets of a value: a set, or a flow. */
guint32 kernel_tables_value(const struct kernel_tables *tables);
/* A flow of a table as a record without an end, cut to the tables' detail. */
void kernel_tables_record(const struct kernel_tables *tables, const void *flow,
			  struct flow_record *ret_record);
/* Octets of all tables. */
guint64 kernel_tables_memory(const struct kernel_tables *tables);

/* Gives the sink every flow of a CPU's table, as a record without an end, and clears it. Nothing
 * else may use the table meanwhile. */
bool kernel_tables_empty(const struct kernel_tables *tables, int cpu, kernel_record *sink,
			 void *data, GError **error);

/* What is pinned there, to be closed; -1 with errno. No link is followed, and nothing taken that
 * has another name as well: the folder may be a user's, who put it there. */
int kernel_pin_get(const char *path);

/* What failed in the kernel, as an error; false. */
bool kernel_fail(GError **error, const char *what, int code);

#endif
