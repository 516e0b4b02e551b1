/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of the CPUs by names of their own: only by those may a process take them over that is
 * not the administrator. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guarded.h"
#include "capture/kernel_tables.h"

#define PREFIX "table-"

static int get_checked(int place)
{
	g_autofree char *path = guarded_path(place);
	struct stat status;

	if (fstat(place, &status))
		return -1;
	if (S_ISREG(status.st_mode) && status.st_nlink == 1)
		return bpf_obj_get(path);
	errno = ELOOP;
	return -1;
}

int kernel_pin_get(const char *path)
{
	int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int object;
	int code;

	if (place < 0)
		return -1;
	object = get_checked(place);
	code = errno;
	close(place);
	errno = code;
	return object;
}

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
		tables->fds[cpu] = kernel_pin_get(path);
		if (tables->fds[cpu] < 0)
			return kernel_fail(error, "flow table of an earlier run", errno);
	}
	return true;
}
