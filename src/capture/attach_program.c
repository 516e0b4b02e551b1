/* SPDX-License-Identifier: BSD-2-Clause */
/* What every hook asks of a program, and how every hook says that it could not. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/attach_parts.h"

bool attach_fail(GError **error, const char *interface, int code, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s: %s%s", interface, what,
		    g_strerror(code),
		    code == EPERM ? " (run as root, or with CAP_BPF and CAP_NET_ADMIN)" : "");
	return false;
}

static bool program_info(int program, struct bpf_prog_info *ret_info)
{
	guint32 size = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return bpf_obj_get_info_by_fd(program, ret_info, &size) == 0;
}

void attach_program_name(guint32 id, char ret_name[16])
{
	int program = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info;

	g_strlcpy(ret_name, "?", 16);
	if (program < 0)
		return;
	if (program_info(program, &info) && info.name[0])
		g_strlcpy(ret_name, info.name, 16);
	close(program);
}

guint32 attach_program_id(int program)
{
	struct bpf_prog_info info;

	return program_info(program, &info) ? info.id : 0;
}
