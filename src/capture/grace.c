/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/grace.h"

#include <linux/membarrier.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

/* membarrier(2) refuses where some CPUs have no tick (nohz_full). An update of a map of maps waits
 * as well: the kernel promises that when it returns, no program sees the old map. */
static bool wait_by_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	const guint32 zero = 0;
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_grace_in", 4, 4, 1, NULL);
	int outer;
	int code = -1;

	if (inner < 0)
		return false;
	opts.inner_map_fd = (guint32)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "weir_grace", 4, 4, 1, &opts);
	if (outer >= 0) {
		code = bpf_map_update_elem(outer, &zero, &inner, BPF_ANY);
		close(outer);
	}
	close(inner);
	return code == 0;
}

bool grace_wait(GError **error)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0 || wait_by_map())
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "waiting for programs in the kernel to end: %s; the last packets may be "
		    "missing from the account",
		    g_strerror(errno));
	return false;
}
