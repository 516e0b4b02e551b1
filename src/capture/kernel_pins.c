/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of the CPUs by names of their own: only by those may a process take them over that is
 * not the administrator. */
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "capture/kernel_tables.h"

#define PREFIX "table-"

static char *pin_of(const char *folder, int cpu)
{
	return g_strdup_printf("%s/" PREFIX "%d", folder, cpu);
}

bool kernel_tables_pin(const struct kernel_tables *tables, const char *folder, GError **error)
{
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		g_autofree char *path = pin_of(folder, cpu);

		if (tables->fds[cpu] >= 0 && bpf_obj_pin(tables->fds[cpu], path))
			return kernel_fail(error, path, errno);
	}
	return true;
}

void kernel_tables_unpin(const char *folder)
{
	GDir *pins = g_dir_open(folder, 0, NULL);
	const char *name;

	while (pins && (name = g_dir_read_name(pins))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_str_has_prefix(name, PREFIX))
			unlink(path);
	}
	if (pins)
		g_dir_close(pins);
}

bool kernel_tables_adopt(struct kernel_tables *tables, int outer, const char *folder,
			 GError **error)
{
	for (int cpu = 0; cpu < tables->cpus; cpu++) {
		g_autofree char *path = pin_of(folder, cpu);
		guint32 id;

		if (bpf_map_lookup_elem(outer, &cpu, &id)) {
			if (errno == ENOENT)
				continue;
			return kernel_fail(error, "flow table of a CPU", errno);
		}
		tables->fds[cpu] = bpf_obj_get(path);
		if (tables->fds[cpu] < 0)
			return kernel_fail(error, "flow table of an earlier run", errno);
	}
	return true;
}
