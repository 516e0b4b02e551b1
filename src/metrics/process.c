/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STAT_START 19 /* of the fields after the name: clock ticks between boot and start */

static void add_cpu(struct metrics_page *page)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
		metrics_add_real(page, METRIC_CPU, METRIC_NO_LABEL,
				 (double)used.tv_sec + (double)used.tv_nsec / 1e9);
}

static void add_memory(struct metrics_page *page)
{
	const guint64 size = (guint64)sysconf(_SC_PAGESIZE);
	g_autofree char *text = NULL;
	char *end;
	guint64 pages;

	if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
		return;
	pages = g_ascii_strtoull(text, &end, 10);
	metrics_add(page, METRIC_VIRTUAL, METRIC_NO_LABEL, pages * size);
	metrics_add(page, METRIC_RESIDENT, METRIC_NO_LABEL, g_ascii_strtoull(end, NULL, 10) * size);
}

static double seconds_of(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The name may hold anything, and ends with the last parenthesis. */
double metrics_process_start(void)
{
	const double boot = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;
	char *name_end;

	if (!g_file_get_contents("/proc/self/stat", &text, NULL, NULL))
		return seconds_of(CLOCK_REALTIME);
	name_end = strrchr(text, ')');
	words = g_strsplit(name_end ? name_end + 2 : text, " ", -1);
	if (g_strv_length(words) <= STAT_START)
		return seconds_of(CLOCK_REALTIME);
	return boot + g_ascii_strtod(words[STAT_START], NULL) / (double)sysconf(_SC_CLK_TCK);
}

static void add_fds(struct metrics_page *page)
{
	struct rlimit limit;
	guint64 count = 0;
	GDir *folder = g_dir_open("/proc/self/fd", 0, NULL);

	while (folder && g_dir_read_name(folder))
		count++;
	if (folder) {
		g_dir_close(folder);
		metrics_add(page, METRIC_OPEN_FDS, METRIC_NO_LABEL, count - 1);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		metrics_add(page, METRIC_MAX_FDS, METRIC_NO_LABEL, limit.rlim_cur);
}

void metrics_add_process(struct metrics_page *page, double start)
{
	add_cpu(page);
	add_memory(page);
	metrics_add_real(page, METRIC_PROCESS_START, METRIC_NO_LABEL, start);
	add_fds(page);
}
