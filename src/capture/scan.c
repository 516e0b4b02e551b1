/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread a CPU, each calling the drain program on some sets at a time and sleeping in between, so
 * that a round of the table takes about the period and no call keeps packets waiting. */
#include "capture/scan.h"

#include <errno.h>
#include <sched.h>

#include "base/cpus.h"
#include "base/error.h"

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
	guint64 flows;	/* that the last round left; atomic */
	int flushed;	/* as scan.flush was when it had; atomic */
	gint64 seen_us; /* when it last did something; atomic */
	bool done;	/* atomic */
	GError *error;	/* the thread's until it is done */
};

struct scan {
	struct kernel_meter *meter;
	guint32 sets;
	guint period_ms;
	int phase; /* enum scan_phase, atomic */
	int flush; /* how often it was asked for, atomic */
	int count;
	struct scanner scanners[];
};

static int phase_of(const struct scan *scan)
{
	return __atomic_load_n(&scan->phase, __ATOMIC_ACQUIRE);
}

static bool is_to_flush(const struct scanner *scanner)
{
	return __atomic_load_n(&scanner->scan->flush, __ATOMIC_ACQUIRE) != scanner->flushed;
}

/* --- on a CPU --- */

enum binding {
	BOUND,
	OFFLINE, /* the CPU has no packets, and none of its own to scan, until it is back */
	BARRED,	 /* it may have packets, but this process may not run on it */
};

/* Or the kernel does not tell. */
static bool is_online(int cpu)
{
	g_autofree char *online = cpus_list("online");

	return !online || cpus_list_has(online, cpu);
}

static enum binding bind_to(int cpu)
{
	const size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
	g_autofree cpu_set_t *set = g_malloc0(size);

	CPU_SET_S((size_t)cpu, size, set);
	if (sched_setaffinity(0, size, set) == 0)
		return BOUND;
	return is_online(cpu) ? BARRED : OFFLINE;
}

static void refuse(int cpu, GError **error)
{
	g_set_error(
		error, WEIR_ERROR, WEIR_ERROR_FAILED,
		"CPU %d is not in this process's cpuset, and flows of packets that arrive there "
		"could not leave the cache: allow every CPU (AllowedCPUs= of the service, "
		"cpuset of the container), or use --hook af_packet",
		cpu);
}

static gpointer find_barred(gpointer data)
{
	int cpus = *(const int *)data;

	for (int cpu = 0; cpu < cpus; cpu++) {
		if (bind_to(cpu) == BARRED)
			return GINT_TO_POINTER(cpu + 1);
	}
	return NULL;
}

/* A thread tries, since it does not get its CPUs back. */
bool scan_check(int cpus, GError **error)
{
	GThread *thread = g_thread_new("scan", find_barred, &cpus);
	int barred = GPOINTER_TO_INT(g_thread_join(thread));

	if (barred)
		refuse(barred - 1, error);
	return !barred;
}

/* --- rounds --- */

static void see(struct scanner *scanner)
{
	__atomic_store_n(&scanner->seen_us, g_get_monotonic_time(), __ATOMIC_RELAXED);
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

		if (!all && (phase_of(scan) != SCAN_ROUNDS || is_to_flush(scanner)))
			return true;
		see(scanner);
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

/* Bound anew each time: a CPU may go, which lets its threads run anywhere, and come back. */
static bool bound_round(struct scanner *scanner, bool all, guint64 *ret_kept)
{
	see(scanner);
	switch (bind_to(scanner->cpu)) {
	case BOUND:
		return scan_round(scanner, all, ret_kept);
	case OFFLINE:
		*ret_kept = 0;
		if (!all)
			g_usleep(scanner->scan->period_ms * 1000UL);
		return true;
	case BARRED:
		break;
	}
	refuse(scanner->cpu, &scanner->error);
	return false;
}

/* Again as long as something found no room in the ring; whoever ends the run needs no flush. */
static bool flush_table(struct scanner *scanner)
{
	const int wanted = __atomic_load_n(&scanner->scan->flush, __ATOMIC_ACQUIRE);
	guint64 kept = 1;
	bool good = true;

	while (good && kept && phase_of(scanner->scan) == SCAN_ROUNDS)
		good = bound_round(scanner, true, &kept);
	__atomic_store_n(&scanner->flushed, wanted, __ATOMIC_RELEASE);
	return good;
}

static gpointer scanner_main(gpointer data)
{
	struct scanner *scanner = data;
	guint64 kept = 1;
	bool good = true;

	while (good && phase_of(scanner->scan) == SCAN_ROUNDS)
		good = is_to_flush(scanner) ? flush_table(scanner)
					    : bound_round(scanner, false, &kept);
	kept = 1;
	while (good && kept && phase_of(scanner->scan) == SCAN_FINISH)
		good = bound_round(scanner, true, &kept);
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
		see(scanner);
		scanner->thread = g_thread_new("scan", scanner_main, scanner);
	}
	return scan;
}

void scan_flush(struct scan *scan)
{
	__atomic_add_fetch(&scan->flush, 1, __ATOMIC_ACQ_REL);
}

/* One that has failed will never have. */
bool scan_flushed(const struct scan *scan)
{
	for (int i = 0; i < scan->count; i++) {
		const struct scanner *scanner = &scan->scanners[i];

		if (__atomic_load_n(&scanner->flushed, __ATOMIC_ACQUIRE) !=
			    __atomic_load_n(&scan->flush, __ATOMIC_ACQUIRE) &&
		    !__atomic_load_n(&scanner->done, __ATOMIC_ACQUIRE))
			return false;
	}
	return true;
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

bool scan_failed(const struct scan *scan)
{
	for (int i = 0; i < scan->count; i++) {
		if (__atomic_load_n(&scan->scanners[i].done, __ATOMIC_ACQUIRE) &&
		    scan->scanners[i].error)
			return true;
	}
	return false;
}

guint64 scan_flows(const struct scan *scan)
{
	guint64 flows = 0;

	for (int i = 0; i < scan->count; i++)
		flows += __atomic_load_n(&scan->scanners[i].flows, __ATOMIC_RELAXED);
	return flows;
}

gint64 scan_seen_us(const struct scan *scan)
{
	gint64 seen = G_MAXINT64;

	for (int i = 0; i < scan->count; i++)
		seen = MIN(seen, __atomic_load_n(&scan->scanners[i].seen_us, __ATOMIC_RELAXED));
	return seen;
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
