/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cpus.h"

#include <string.h>

/* The next range of the list; NULL after the last. */
static const char *next_range(const char *at, guint64 *ret_first, guint64 *ret_last)
{
	char *end;

	if (!g_ascii_isdigit(*at))
		return NULL;
	*ret_first = g_ascii_strtoull(at, &end, 10);
	*ret_last = *end == '-' ? g_ascii_strtoull(end + 1, &end, 10) : *ret_first;
	return *end == ',' ? end + 1 : end;
}

bool cpus_list_has(const char *list, int cpu)
{
	guint64 first;
	guint64 last;

	while ((list = next_range(list, &first, &last))) {
		if ((guint64)cpu >= first && (guint64)cpu <= last)
			return true;
	}
	return false;
}

guint cpus_list_count(const char *list)
{
	guint64 first;
	guint64 last;
	guint count = 0;

	while ((list = next_range(list, &first, &last))) {
		if (last >= first)
			count += (guint)(last - first + 1);
	}
	return count;
}

char *cpus_list(const char *name)
{
	g_autofree char *path = g_build_filename("/sys/devices/system/cpu", name, NULL);
	char *list = NULL;

	g_file_get_contents(path, &list, NULL, NULL);
	return list;
}

guint cpus_present(void)
{
	g_autofree char *list = cpus_list("present");

	return list ? MAX(cpus_list_count(list), 1) : g_get_num_processors();
}
