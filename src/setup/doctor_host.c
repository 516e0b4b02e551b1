/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "flow/flow.h"
#include "setup/doctor.h"

#define KERNEL_MAJOR 5 /* the ring buffer and what the verifier must be able to follow */
#define KERNEL_MINOR 15

#define OTHERWISE "or meter without BPF: --hook af_packet"

typedef void host_check(const struct probe_host *host, const struct doctor_needs *needs,
			struct doctor_finding *finding);

static void free_finding(gpointer data)
{
	struct doctor_finding *finding = data;

	g_free(finding->about);
	g_free(finding->text);
	g_free(finding->remedy);
	g_free(finding);
}

GPtrArray *doctor_findings_new(void)
{
	return g_ptr_array_new_with_free_func(free_finding);
}

void doctor_say(GPtrArray *findings, const struct doctor_finding *finding)
{
	g_ptr_array_add(findings, g_memdup2(finding, sizeof(*finding)));
}

guint doctor_count(const GPtrArray *findings, enum doctor_status status)
{
	guint count = 0;

	for (guint i = 0; i < findings->len; i++) {
		const struct doctor_finding *finding = g_ptr_array_index(findings, i);

		count += finding->status == status;
	}
	return count;
}

static void check_kernel(const struct probe_host *host, const struct doctor_needs *needs,
			 struct doctor_finding *finding)
{
	(void)needs;
	if (host->kernel_major > KERNEL_MAJOR ||
	    (host->kernel_major == KERNEL_MAJOR && host->kernel_minor >= KERNEL_MINOR)) {
		finding->text = g_strdup_printf("Linux %s", host->release);
		return;
	}
	finding->status = DOCTOR_FAIL;
	finding->text = g_strdup_printf("Linux %s is older than %d.%d", host->release, KERNEL_MAJOR,
					KERNEL_MINOR);
	finding->remedy = g_strdup("run a newer kernel, " OTHERWISE);
}

static void check_btf(const struct probe_host *host, const struct doctor_needs *needs,
		      struct doctor_finding *finding)
{
	(void)needs;
	if (host->btf) {
		finding->text = g_strdup("the kernel describes its types");
		return;
	}
	finding->status = DOCTOR_FAIL;
	finding->text = g_strdup("there is no /sys/kernel/btf/vmlinux");
	finding->remedy = g_strdup("run a kernel built with CONFIG_DEBUG_INFO_BTF, " OTHERWISE);
}

static void check_rights(const struct probe_host *host, const struct doctor_needs *needs,
			 struct doctor_finding *finding)
{
	int code = host->load_xdp ? host->load_xdp : host->load_tc;

	(void)needs;
	if (!code) {
		finding->text = g_strdup("XDP and tc programs can be loaded");
		return;
	}
	finding->status = DOCTOR_FAIL;
	finding->text = g_strdup_printf("an empty %s program cannot be loaded: %s",
					host->load_xdp ? "XDP" : "tc", g_strerror(code));
	finding->remedy =
		g_strdup(code == EPERM ? "run as root, or with CAP_BPF and CAP_NET_ADMIN"
				       : "run a kernel built with CONFIG_BPF_SYSCALL, " OTHERWISE);
}

static void check_bpffs(const struct probe_host *host, const struct doctor_needs *needs,
			struct doctor_finding *finding)
{
	(void)needs;
	if (host->bpf_mounted) {
		finding->text = g_strdup("/sys/fs/bpf is mounted");
		return;
	}
	finding->status = DOCTOR_WARN;
	finding->text = g_strdup("no BPF file system at /sys/fs/bpf: a restarted weir cannot take "
				 "over what the last one metered");
	finding->remedy = g_strdup("mount -t bpf bpf /sys/fs/bpf");
}

static void check_jit(const struct probe_host *host, const struct doctor_needs *needs,
		      struct doctor_finding *finding)
{
	static const char *const texts[] = {
		"BPF programs are interpreted, which is several times slower",
		"BPF programs run as machine code",
		"BPF programs run as machine code, and each is written to the kernel's log",
	};
	(void)needs;

	if (host->jit < 0 || host->jit >= (int)G_N_ELEMENTS(texts)) {
		finding->status = DOCTOR_WARN;
		finding->text = g_strdup("net.core.bpf_jit_enable cannot be read");
		finding->remedy = g_strdup("run as root to know");
		return;
	}
	finding->text = g_strdup(texts[host->jit]);
	if (host->jit == 1)
		return;
	finding->status = DOCTOR_WARN;
	finding->remedy = g_strdup("sysctl -w net.core.bpf_jit_enable=1");
}

/* Clocks that are read by an instruction or a shared page, without leaving the CPU. */
static bool is_fast_clock(const char *clock)
{
	static const char *const fast[] = {
		"tsc",
		"kvm-clock",
		"hyperv_clocksource_tsc_page",
		"arch_sys_counter",
		"tsc-early",
		"timebase",
		"xen",
		"riscv_clocksource",
		"tod",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(fast); i++) {
		if (strcmp(clock, fast[i]) == 0)
			return true;
	}
	return false;
}

static void check_clock(const struct probe_host *host, const struct doctor_needs *needs,
			struct doctor_finding *finding)
{
	(void)needs;
	if (is_fast_clock(host->clock)) {
		finding->text = g_strdup_printf("%s is fast to read", host->clock);
		return;
	}
	finding->status = DOCTOR_WARN;
	if (!host->clock[0]) {
		finding->text = g_strdup("the clock source cannot be read");
		return;
	}
	finding->text = g_strdup_printf("%s is slow to read; a packet reads it once", host->clock);
	if (strstr(host->clocks, "tsc"))
		finding->remedy = g_strdup("echo tsc >/sys/devices/system/clocksource/clocksource0/"
					   "current_clocksource, or --detail basic");
	else
		finding->remedy = g_strdup("--detail basic reads a coarse clock instead");
}

static void check_memory(const struct probe_host *host, const struct doctor_needs *needs,
			 struct doctor_finding *finding)
{
	const int detail = needs->detail < 0 ? FLOW_DETAIL_FULL : needs->detail;
	const guint64 table =
		probe_kernel_table(needs->cache, needs->max_flows, detail, host->cpus);
	g_autofree char *kernel = g_format_size(table);
	g_autofree char *native = g_format_size(probe_native_table(needs->max_flows, detail));
	g_autofree char *available = g_format_size(host->memory_free);

	finding->text = g_strdup_printf(
		"room for %" G_GUINT64_FORMAT " flows%s takes %s over %u CPU%s in the %s table "
		"(%s with --hook af_packet); %s are free",
		needs->max_flows, needs->detail < 0 ? " at full detail" : "", kernel, host->cpus,
		host->cpus == 1 ? "" : "s", kernel_cache_name(needs->cache), native, available);
	if (table <= host->memory_free / 2)
		return;
	finding->status = table > host->memory_free ? DOCTOR_FAIL : DOCTOR_WARN;
	finding->remedy = g_strdup("give a smaller --max-flows, or less --detail");
}

static void check_capture(const struct probe_host *host, const struct doctor_needs *needs,
			  struct doctor_finding *finding)
{
	(void)needs;
	if (!host->packet_socket) {
		finding->text = g_strdup("packet sockets can be opened: --hook af_packet and "
					 "promiscuous mode work");
		return;
	}
	finding->status = DOCTOR_WARN;
	finding->text = g_strdup_printf("a packet socket cannot be opened (%s): no --hook "
					"af_packet, no promiscuous mode",
					g_strerror(host->packet_socket));
	finding->remedy = g_strdup("run as root, or with CAP_NET_RAW");
}

void doctor_host(const struct probe_host *host, const struct doctor_needs *needs,
		 GPtrArray *findings)
{
	static const struct {
		const char *name;
		host_check *check;
	} checks[] = {
		{ "kernel", check_kernel }, { "btf", check_btf },
		{ "rights", check_rights }, { "bpffs", check_bpffs },
		{ "jit", check_jit },	    { "clock", check_clock },
		{ "memory", check_memory }, { "capture", check_capture },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
		struct doctor_finding finding = { .check = checks[i].name };

		checks[i].check(host, needs, &finding);
		doctor_say(findings, &finding);
	}
}
