/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/instance_state.h"

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/guarded.h"
#include "capture/kernel_tables.h"

/* Counted up whenever the maps change their meaning without changing their sizes. */
#ifndef WEIR_LAYOUT
#define WEIR_LAYOUT 10
#endif

guint64 instance_layout(void)
{
	return (guint64)WEIR_LAYOUT << 48 | (guint64)sizeof(struct flow_record) << 32 |
	       (guint64)sizeof(struct state) << 16 | sizeof(struct cache_counts);
}

bool generation_open(struct generation *generation, int folder, const char *name)
{
	const int fd = guarded_folder(folder, name);

	if (fd < 0)
		return false;
	*generation = (struct generation){
		.name = g_strdup(name),
		.folder = guarded_path(fd),
		.fd = fd,
		.number = (guint)g_ascii_strtoull(name, NULL, 10),
	};
	return true;
}

void generation_close(struct generation *generation)
{
	if (generation->state)
		munmap(generation->state, sizeof(*generation->state));
	if (generation->folder)
		close(generation->fd);
	g_free(generation->folder);
	g_free(generation->name);
	*generation = (struct generation){ 0 };
}

static struct state *map_state(int fd, GError **error)
{
	struct state *state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (state != MAP_FAILED)
		return state;
	instance_fail(error, "state of an instance", errno);
	return NULL;
}

/* NULL: there is none, or it was never ready. strange: it is another weir's. */
struct state *state_open(const char *folder, bool *ret_strange)
{
	g_autofree char *path = g_build_filename(folder, "state", NULL);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	struct state *state = NULL;
	int fd = kernel_pin_get(path);

	if (fd < 0)
		return NULL;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.value_size == sizeof(*state))
		state = map_state(fd, NULL);
	close(fd);
	*ret_strange = !state || (state->ready && state->layout != instance_layout());
	if (state && (state->layout != instance_layout() || !state->ready))
		munmap(g_steal_pointer(&state), sizeof(*state));
	return state;
}

struct state *state_make(const char *folder, GError **error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	g_autofree char *path = g_build_filename(folder, "state", NULL);
	struct state *state = NULL;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_state", sizeof(guint32),
				sizeof(struct state), 1, &options);

	if (fd < 0 || bpf_obj_pin(fd, path))
		instance_fail(error, path, errno);
	else
		state = map_state(fd, error);
	if (fd >= 0)
		close(fd);
	return state;
}
