/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "capture/attach_parts.h"

/* The kernel takes the index out of a link whose interface goes. A TCX link tells it at the same
 * place, under a name newer than the headers may be. */
bool attach_link_alive(int link, unsigned int index, guint32 *ret_program)
{
	struct bpf_link_info info = { 0 };
	guint32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &size) || info.xdp.ifindex != index)
		return false;
	*ret_program = info.prog_id;
	return true;
}

/* The kernel exchanges the pointer: every packet meets one program or the other. */
bool attach_link_update(struct attachment *at, enum attach_point_id id, int program, GError **error)
{
	guint32 running = 0;

	if (attach_link_alive(at->points[id].link, at->index, &running) &&
	    running == attach_program_id(program))
		return true;
	if (bpf_link_update(at->points[id].link, program, NULL) == 0)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: the kernel does not let the program that runs there be replaced: %s; it "
		    "goes on, take it off first",
		    at->interface, g_strerror(errno));
	return false;
}
