/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/probe_system.h"

#include <string.h>

bool probe_release(const char *release, guint *ret_major, guint *ret_minor)
{
	char *end;
	guint64 major = g_ascii_strtoull(release, &end, 10);
	guint64 minor;

	if (end == release || *end != '.' || !g_ascii_isdigit(end[1]))
		return false;
	minor = g_ascii_strtoull(end + 1, NULL, 10);
	*ret_major = (guint)MIN(major, G_MAXUINT);
	*ret_minor = (guint)MIN(minor, G_MAXUINT);
	return true;
}

guint64 probe_memory_free(void)
{
	static const char name[] = "MemAvailable:";
	g_autofree char *text = NULL;
	const char *at;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return 0;
	at = strstr(text, name);
	return at ? g_ascii_strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}
