/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of what is pinned: what it is and the interface's index, since the BPF file system takes no
 * dots, which names of interfaces may have. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/attach_parts.h"
#include "capture/kernel_tables.h"

static const char *const names[PINS] = {
	[PIN_LINK + POINT_XDP] = "link-xdp",
	[PIN_LINK + POINT_TC_IN] = "link-tc-in",
	[PIN_LINK + POINT_TC_OUT] = "link-tc-out",
	[PIN_FILTER + POINT_TC_IN] = "filter-tc-in",
	[PIN_FILTER + POINT_TC_OUT] = "filter-tc-out",
	[PIN_BEFORE_DRIVER] = "before-driver",
	[PIN_BEFORE_GENERIC] = "before-generic",
	[PIN_CLSACT] = "clsact",
	[PIN_PROMISCUOUS] = "promiscuous",
};

static char *path_of(const struct attachment *at, int pin)
{
	return at->pin && names[pin] ? g_strdup_printf("%s/%s-%u", at->pin, names[pin], at->index)
				     : NULL;
}

int attach_pin_get(const struct attachment *at, int pin)
{
	g_autofree char *path = path_of(at, pin);

	return path ? kernel_pin_get(path) : -1;
}

bool attach_pin_put(const struct attachment *at, int pin, int fd, GError **error)
{
	g_autofree char *path = path_of(at, pin);
	g_autofree char *what = NULL;

	if (!path)
		return true;
	if (unlink(path) && errno != ENOENT)
		return attach_fail(error, at->interface, errno, path);
	if (bpf_obj_pin(fd, path) == 0)
		return true;
	what = g_strdup_printf("pinning %s", path);
	return attach_fail(error, at->interface, errno, what);
}

void attach_pin_remove(const struct attachment *at, int pin)
{
	g_autofree char *path = path_of(at, pin);

	if (path)
		unlink(path);
}

static bool parse(const char *name, unsigned int *ret_index)
{
	for (int pin = 0; pin < PINS; pin++) {
		const size_t length = names[pin] ? strlen(names[pin]) : 0;
		guint64 index;

		if (length && strncmp(name, names[pin], length) == 0 && name[length] == '-' &&
		    g_ascii_string_to_unsigned(name + length + 1, 10, 1, G_MAXINT, &index, NULL)) {
			*ret_index = (unsigned int)index;
			return true;
		}
	}
	return false;
}

GArray *attach_pin_indexes(const char *folder)
{
	GArray *indexes = g_array_new(FALSE, FALSE, sizeof(unsigned int));
	GDir *dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		unsigned int index;
		bool known = false;

		if (!parse(name, &index))
			continue;
		for (guint i = 0; i < indexes->len; i++)
			known |= g_array_index(indexes, unsigned int, i) == index;
		if (!known)
			g_array_append_val(indexes, index);
	}
	if (dir)
		g_dir_close(dir);
	return indexes;
}
