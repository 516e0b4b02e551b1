/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/kernel_needs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/probe_system.h"

#define MAJOR_LEAST 5
#define MINOR_LEAST 15

bool kernel_check_release(const struct utsname *name, GError **error)
{
	guint major;
	guint minor;

	if (!probe_release(name->release, &major, &minor) || major > MAJOR_LEAST ||
	    (major == MAJOR_LEAST && minor >= MINOR_LEAST))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "this kernel is %s, and metering in the kernel needs %d.%d: run a newer one, "
		    "or use --hook af_packet",
		    name->release, MAJOR_LEAST, MINOR_LEAST);
	return false;
}

const char *kernel_btf_missing(const char *path)
{
	return access(path, F_OK) == 0 ? "" : "; this kernel has no BTF (" KERNEL_BTF ")";
}

bool kernel_check_memory(guint64 wanted, guint64 available, GError **error)
{
	if (available == 0 || wanted <= available)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "flow tables of %" G_GUINT64_FORMAT " MiB, where %" G_GUINT64_FORMAT
		    " MiB of memory are free: lower --max-flows or --detail",
		    wanted >> 20, available >> 20);
	return false;
}

/* The smallest map there is: what hinders it hinders everything. */
static int try_bpf(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_try", 4, 4, 1, NULL);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static bool check_bpf(int code, GError **error)
{
	if (code == 0)
		return true;
	if (code == ENOSYS)
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "BPF is switched off in this kernel: use --hook af_packet");
	else if ((code == EPERM || code == EACCES) && geteuid() == 0)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "BPF: %s even to root: a container, seccomp or lockdown forbids it; "
			    "allow it (CAP_BPF and CAP_NET_ADMIN), or use --hook af_packet",
			    g_strerror(code));
	else if (code == EPERM || code == EACCES)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "BPF: %s (run as root, or with CAP_BPF and CAP_NET_ADMIN)",
			    g_strerror(code));
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "BPF: the smallest map: %s",
			    g_strerror(code));
	return false;
}

bool kernel_check(GError **error)
{
	struct utsname name;

	if (uname(&name) == 0 && !kernel_check_release(&name, error))
		return false;
	return check_bpf(try_bpf(), error);
}
