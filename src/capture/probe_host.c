/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/probe_host.h"

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cpus.h"
#include "capture/probe_system.h"
#include "capture/table.h"

#define CLOCKS "/sys/devices/system/clocksource/clocksource0/"

static void read_line(const char *path, char *ret_line, gsize size)
{
	g_autofree char *text = NULL;

	ret_line[0] = '\0';
	if (g_file_get_contents(path, &text, NULL, NULL))
		g_strlcpy(ret_line, g_strstrip(text), size);
}

/* "Let it pass": loaded, never attached. */
static int try_load(enum bpf_prog_type type, gint32 verdict)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "weir_doctor", "GPL", code, G_N_ELEMENTS(code), NULL);

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

static int try_packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int jit_state(void)
{
	char line[16];

	read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));
	return g_ascii_isdigit(line[0]) ? line[0] - '0' : -1;
}

void probe_host(struct probe_host *ret_host)
{
	struct utsname name;
	struct statfs mounted;

	memset(ret_host, 0, sizeof(*ret_host));
	if (uname(&name) == 0)
		g_strlcpy(ret_host->release, name.release, sizeof(ret_host->release));
	probe_release(ret_host->release, &ret_host->kernel_major, &ret_host->kernel_minor);
	ret_host->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	ret_host->load_xdp = try_load(BPF_PROG_TYPE_XDP, 2);
	ret_host->load_tc = try_load(BPF_PROG_TYPE_SCHED_CLS, -1);
	ret_host->packet_socket = try_packet_socket();
	ret_host->bpf_mounted =
		statfs("/sys/fs/bpf", &mounted) == 0 && (guint64)mounted.f_type == BPF_FS_MAGIC;
	ret_host->jit = jit_state();
	read_line(CLOCKS "current_clocksource", ret_host->clock, sizeof(ret_host->clock));
	read_line(CLOCKS "available_clocksource", ret_host->clocks, sizeof(ret_host->clocks));
	ret_host->cpus = cpus_present();
	ret_host->memory_free = probe_memory_free();
}

guint64 probe_kernel_table(enum kernel_cache cache, guint64 max_flows, int detail, guint cpus)
{
	return (guint64)kernel_cache_places(cache, max_flows, (int)cpus) * cpus *
	       kernel_cache_octets(cache, (enum flow_detail)detail);
}

guint64 probe_native_table(guint64 max_flows, int detail)
{
	return flow_table_memory((guint32)MIN(max_flows, (guint64)FLOW_TABLE_MAX_FLOWS),
				 (enum flow_detail)detail);
}
