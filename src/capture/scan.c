/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread a CPU, each calling the drain program on some sets at a time and sleeping in between, so
 * that a round of the table takes about the period and no call keeps packets waiting. */
#include "capture/scan.h"

#include <errno.h>
#include <sched.h>

#define SETS_A_CALL 64

enum scan_phase {
	SCAN_ROUNDS, /* bring out what has timed out */
	SCAN_FINISH, /* bring out everything, then end */
	SCAN_STOP,   /* end */
};

struct scanner {
	struct scan *scan;
	GThread *thread;
	int cpu;
	guint64 flows; /* that the last round left; atomic */
	bool done;     /* atomic */
	GError *error; /* read when the thread has ended */
};

struct scan {
	struct kernel_meter *meter;
	guint32 sets;
	guint period_ms;
	int phase; /* enum scan_phase, atomic */
	int count;
	struct scanner scanners[];
};

static int phase_of(const struct scan *scan)
{
	return __atomic_load_n(&scan->phase, __ATOMIC_ACQUIRE);
}

/* False where the CPU is not there: it has no packets and needs no scanner. */
static bool bind_to(int cpu)
{
	g_autofree cpu_set_t *set = g_malloc0(CPU_ALLOC_SIZE((size_t)cpu + 1));

	CPU_SET_S((size_t)cpu, CPU_ALLOC_SIZE((size_t)cpu + 1), set);
	return sched_setaffinity(0, CPU_ALLOC_SIZE((size_t)cpu + 1), set) == 0;
}

/* Looks through the whole table; ret_kept counts the flows that stay, for want of room or because
 * they go on. */
static bool scan_round(struct scanner *scanner, bool all, guint64 *ret_kept)
{
	struct scan *scan = scanner->scan;
	guint32 calls = (scan->sets + SETS_A_CALL - 1) / SETS_A_CALL;
	gulong pause_us = all ? 0 : scan->period_ms * 1000UL / calls;
	gulong owed_us = 0;

	*ret_kept = 0;
	for (guint32 from = 0; from < scan->sets; from += SETS_A_CALL) {
		struct cache_drain call = { .from = from,
					    .sets = MIN(SETS_A_CALL, scan->sets - from),
					    .all = all };

		if (!all && phase_of(scan) != SCAN_ROUNDS)
			return true;
		if (!kernel_meter_scan(scan->meter, &call, &scanner->error))
			return false;
		*ret_kept += call.kept;
		/* Short sleeps are not worth their wake-up. */
		owed_us += pause_us;
		if (owed_us >= 10000 || (call.stuck && owed_us < 1000)) {
			g_usleep(MAX(owed_us, 1000));
			owed_us = 0;
		}
	}
	__atomic_store_n(&scanner->flows, *ret_kept, __ATOMIC_RELAXED);
	if (owed_us)
		g_usleep(owed_us);
	return true;
}

static gpointer scanner_main(gpointer data)
{
	struct scanner *scanner = data;
	guint64 kept = 1;
	bool good = bind_to(scanner->cpu);

	while (good && phase_of(scanner->scan) == SCAN_ROUNDS)
		good = scan_round(scanner, false, &kept);
	kept = 1;
	while (good && kept && phase_of(scanner->scan) == SCAN_FINISH)
		good = scan_round(scanner, true, &kept);
	__atomic_store_n(&scanner->done, true, __ATOMIC_RELEASE);
	return NULL;
}

struct scan *scan_start(struct kernel_meter *meter, guint32 sets, guint period_ms)
{
	int cpus = kernel_meter_cpus(meter);
	struct scan *scan = g_malloc0(sizeof(*scan) + (gsize)cpus * sizeof(scan->scanners[0]));

	scan->meter = meter;
	scan->sets = sets;
	scan->period_ms = period_ms;
	scan->count = cpus;
	for (int cpu = 0; cpu < cpus; cpu++) {
		struct scanner *scanner = &scan->scanners[cpu];

		scanner->scan = scan;
		scanner->cpu = cpu;
		scanner->thread = g_thread_new("scan", scanner_main, scanner);
	}
	return scan;
}

void scan_finish(struct scan *scan)
{
	__atomic_store_n(&scan->phase, SCAN_FINISH, __ATOMIC_RELEASE);
}

bool scan_done(const struct scan *scan)
{
	for (int i = 0; i < scan->count; i++) {
		if (!__atomic_load_n(&scan->scanners[i].done, __ATOMIC_ACQUIRE))
			return false;
	}
	return true;
}

guint64 scan_flows(const struct scan *scan)
{
	guint64 flows = 0;

	for (int i = 0; i < scan->count; i++)
		flows += __atomic_load_n(&scan->scanners[i].flows, __ATOMIC_RELAXED);
	return flows;
}

bool scan_free(struct scan *scan, GError **error)
{
	GError *first = NULL;

	if (!scan)
		return true;
	if (phase_of(scan) == SCAN_ROUNDS)
		__atomic_store_n(&scan->phase, SCAN_STOP, __ATOMIC_RELEASE);
	for (int i = 0; i < scan->count; i++) {
		GError *its;

		g_thread_join(scan->scanners[i].thread);
		its = scan->scanners[i].error;
		if (first)
			g_clear_error(&its);
		else
			first = its;
	}
	g_free(scan);
	if (!first)
		return true;
	g_propagate_error(error, first);
	return false;
}
