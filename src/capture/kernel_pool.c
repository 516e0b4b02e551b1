/* SPDX-License-Identifier: BSD-2-Clause */
/* An array of pages that the kernel lets processes map. */
#include "capture/kernel_pool.h"

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/kernel_tables.h"

#define PAGE 4096u
#define NAME "waiting"

struct kernel_pool {
	void *memory;
	gsize octets;
};

static char *path_in(const char *folder)
{
	return g_build_filename(folder, NAME, NULL);
}

static int make_map(const char *path, gsize octets)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	guint32 pages = (guint32)((octets + PAGE - 1) / PAGE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, NAME, sizeof(guint32), PAGE, MAX(pages, 1),
				 &options);
	int code;

	if (map < 0 || bpf_obj_pin(map, path) == 0)
		return map;
	code = errno;
	close(map);
	errno = code;
	return -1;
}

/* The pinned map, which keeps its size. */
static int open_map(const char *folder, gsize octets, gsize *ret_octets)
{
	g_autofree char *path = path_in(folder);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int map = kernel_pin_get(path);

	if (map < 0)
		map = make_map(path, octets);
	if (map < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(map, &info, &size)) {
		close(map);
		return -1;
	}
	*ret_octets = (gsize)info.max_entries * info.value_size;
	return map;
}

struct kernel_pool *kernel_pool_open(const char *folder, gsize octets, GError **error)
{
	struct kernel_pool *pool;
	void *memory = MAP_FAILED;
	int map = -1;

	if (folder)
		map = open_map(folder, octets, &octets);
	if (!folder)
		memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	else if (map >= 0)
		memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (memory == MAP_FAILED)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "memory for records that wait (%" G_GSIZE_FORMAT
			    " octets): %s: lower --max-flows",
			    octets, g_strerror(errno));
	if (map >= 0)
		close(map);
	if (memory == MAP_FAILED)
		return NULL;
	pool = g_new(struct kernel_pool, 1);
	*pool = (struct kernel_pool){ memory, octets };
	return pool;
}

void kernel_pool_free(struct kernel_pool *pool)
{
	if (!pool)
		return;
	munmap(pool->memory, pool->octets);
	g_free(pool);
}

void kernel_pool_unpin(const char *folder)
{
	g_autofree char *path = path_in(folder);

	unlink(path);
}

void *kernel_pool_memory(const struct kernel_pool *pool)
{
	return pool->memory;
}

gsize kernel_pool_octets(const struct kernel_pool *pool)
{
	return pool->octets;
}
