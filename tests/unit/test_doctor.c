/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines good and bad, put before the doctor. */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "capture/probe_system.h"
#include "flow/flow.h"
#include "setup/doctor.h"
#include "unit.h"

static const struct doctor_needs needs = { .max_flows = 1000000, .detail = FLOW_DETAIL_BASIC };

static struct probe_host good_host(void)
{
	return (struct probe_host){
		.release = "6.1.0-18-amd64",
		.kernel_major = 6,
		.kernel_minor = 1,
		.btf = true,
		.bpf_mounted = true,
		.jit = 1,
		.clock = "tsc",
		.clocks = "tsc hpet acpi_pm",
		.cpus = 8,
		.memory_free = 64ULL << 30,
	};
}

static struct probe_link good_link(void)
{
	return (struct probe_link){
		.ifindex = 3,
		.flags = IFF_UP | IFF_RUNNING,
		.mtu = 1500,
		.hardware = ARPHRD_ETHER,
		.driver = "ice",
		.xdp = PROBE_XDP_NATIVE,
		.offloads_known = true,
		.rss = { .queues = 1 },
		.programs = g_array_new(FALSE, TRUE, sizeof(struct probe_program)),
	};
}

static const struct doctor_finding *find(const GPtrArray *findings, const char *check)
{
	static const struct doctor_finding none = { .text = (char *)"", .remedy = (char *)"" };

	for (guint i = 0; i < findings->len; i++) {
		const struct doctor_finding *finding = g_ptr_array_index(findings, i);

		if (strcmp(finding->check, check) == 0)
			return finding;
	}
	CU_FAIL("there is no such check");
	return &none;
}

/* The one check that is not OK, and words of what it says and of what to do. */
static void assert_only(GPtrArray *findings, const char *check, enum doctor_status status,
			const char *words)
{
	const struct doctor_finding *finding = find(findings, check);
	g_autofree char *said =
		g_strconcat(finding->text, " -> ", finding->remedy ? finding->remedy : "", NULL);

	CU_ASSERT_EQUAL(finding->status, status);
	CU_ASSERT_EQUAL(doctor_count(findings, DOCTOR_OK), findings->len - 1);
	if (!strstr(said, words))
		printf("  %s\n", said);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, words));
	g_ptr_array_unref(findings);
}

static void host_says(const struct probe_host *host, const char *check, enum doctor_status status,
		      const char *words)
{
	GPtrArray *findings = doctor_findings_new();

	doctor_host(host, &needs, findings);
	assert_only(findings, check, status, words);
}

static void link_says(struct probe_link *link, const char *check, enum doctor_status status,
		      const char *words)
{
	GPtrArray *findings = doctor_findings_new();

	doctor_link("eth7", link, findings);
	assert_only(findings, check, status, words);
	probe_link_clear(link);
}

static void test_good(void)
{
	struct probe_host host = good_host();
	struct probe_link link = good_link();
	GPtrArray *findings = doctor_findings_new();

	doctor_host(&host, &needs, findings);
	doctor_link("eth7", &link, findings);
	CU_ASSERT_EQUAL(doctor_count(findings, DOCTOR_OK), findings->len);
	CU_ASSERT_EQUAL(findings->len, 16);
	g_ptr_array_unref(findings);
	probe_link_clear(&link);
}

static void test_kernel(void)
{
	struct probe_host host = good_host();

	g_strlcpy(host.release, "5.10.0", sizeof(host.release));
	host.kernel_major = 5;
	host.kernel_minor = 10;
	host_says(&host, "kernel", DOCTOR_FAIL, "5.10.0 is older than 5.15");
	host.kernel_minor = 14;
	host_says(&host, "kernel", DOCTOR_FAIL, "--hook af_packet");
	host = good_host();
	host.btf = false;
	host_says(&host, "btf", DOCTOR_FAIL, "CONFIG_DEBUG_INFO_BTF");
}

static void test_release(void)
{
	guint major = 0;
	guint minor = 0;

	CU_ASSERT_TRUE(probe_release("6.1.0-18-amd64", &major, &minor));
	CU_ASSERT_EQUAL(major, 6);
	CU_ASSERT_EQUAL(minor, 1);
	CU_ASSERT_TRUE(probe_release("5.15", &major, &minor));
	CU_ASSERT_EQUAL(minor, 15);
	CU_ASSERT_FALSE(probe_release("", &major, &minor));
	CU_ASSERT_FALSE(probe_release("6", &major, &minor));
	CU_ASSERT_FALSE(probe_release("x.1", &major, &minor));
	CU_ASSERT_FALSE(probe_release("6.x", &major, &minor));
}

static void test_host(void)
{
	struct probe_host host = good_host();

	host.load_xdp = EPERM;
	host_says(&host, "rights", DOCTOR_FAIL, "CAP_BPF and CAP_NET_ADMIN");
	host.load_xdp = 0;
	host.load_tc = EINVAL;
	host_says(&host, "rights", DOCTOR_FAIL, "an empty tc program cannot be loaded");
	host = good_host();
	host.packet_socket = EPERM;
	host_says(&host, "capture", DOCTOR_WARN, "CAP_NET_RAW");
	host = good_host();
	host.bpf_mounted = false;
	host_says(&host, "bpffs", DOCTOR_WARN, "mount -t bpf bpf /sys/fs/bpf");
	host = good_host();
	host.jit = 0;
	host_says(&host, "jit", DOCTOR_WARN, "sysctl -w net.core.bpf_jit_enable=1");
	host.jit = -1;
	host_says(&host, "jit", DOCTOR_WARN, "cannot be read");
	host = good_host();
	g_strlcpy(host.clock, "hpet", sizeof(host.clock));
	host_says(&host, "clock", DOCTOR_WARN, "echo tsc");
	g_strlcpy(host.clocks, "hpet acpi_pm", sizeof(host.clocks));
	host_says(&host, "clock", DOCTOR_WARN, "--detail basic");
}

static void test_memory(void)
{
	const guint64 table =
		probe_kernel_table(KERNEL_CACHE_SET, needs.max_flows, needs.detail, 8);
	const guint64 hash =
		probe_kernel_table(KERNEL_CACHE_HASH, needs.max_flows, needs.detail, 8);
	struct probe_host host = good_host();

	/* 31,250 sets wanted of each CPU are 32,768, of a line and 8 entries of 192 octets. */
	CU_ASSERT_EQUAL(table, 8ULL * 32768 * (64 + 8 * 192));
	host.memory_free = table;
	host_says(&host, "memory", DOCTOR_WARN, "--max-flows");
	host.memory_free = table - 1;
	host_says(&host, "memory", DOCTOR_FAIL, "--max-flows");
	CU_ASSERT(probe_kernel_table(KERNEL_CACHE_SET, needs.max_flows, FLOW_DETAIL_FULL, 8) >
		  4 * table);
	CU_ASSERT_EQUAL(probe_kernel_table(KERNEL_CACHE_SET, 1, FLOW_DETAIL_BASIC, 1),
			64 * (64 + 8 * 192));
	/* 125,000 flows wanted of each CPU are 131,072; the kernel's own part is 64 octets a flow.
	 */
	CU_ASSERT_EQUAL(hash, 8ULL * 131072 * (64 + 48 + 192 + 56));
}

static void test_link(void)
{
	struct probe_link link = { 0 };
	GPtrArray *findings = doctor_findings_new();

	doctor_link("eth7", &link, findings);
	CU_ASSERT_EQUAL(findings->len, 1);
	assert_only(findings, "link", DOCTOR_FAIL, "there is no such interface");
	link = good_link();
	link.flags = 0;
	link_says(&link, "link", DOCTOR_FAIL, "ip link set eth7 up");
	link = good_link();
	link.flags = IFF_UP;
	link_says(&link, "link", DOCTOR_WARN, "no carrier");
	link = good_link();
	link.hardware = 0xfffe;
	link_says(&link, "link", DOCTOR_WARN, "--hook af_packet");
}

static void test_modes(void)
{
	struct probe_link link = good_link();

	link.xdp = PROBE_XDP_GENERIC;
	link_says(&link, "xdp", DOCTOR_WARN, "no native XDP");
	link = good_link();
	link.mtu = 9000;
	link_says(&link, "mtu", DOCTOR_WARN, "ip link set eth7 mtu 3500");
	link = good_link();
	link.wireless = true;
	link_says(&link, "promiscuous", DOCTOR_WARN, "span port");
	link = good_link();
	link.virtual_function = true;
	link_says(&link, "promiscuous", DOCTOR_WARN, "trust on");
	CU_ASSERT_EQUAL(probe_xdp_of_driver("ice"), PROBE_XDP_LIKELY);
	CU_ASSERT_EQUAL(probe_xdp_of_driver("e1000e"), PROBE_XDP_GENERIC);
	CU_ASSERT_EQUAL(probe_xdp_of_driver(""), PROBE_XDP_UNKNOWN);
}

static void add_program(struct probe_link *link, bool xdp, const char *name)
{
	struct probe_program program = { .where = "some hook", .xdp = xdp, .id = 12 };

	g_strlcpy(program.name, name, sizeof(program.name));
	g_array_append_val(link->programs, program);
}

static void test_programs(void)
{
	struct probe_link link = good_link();

	add_program(&link, true, "xdp_filter");
	link_says(&link, "programs", DOCTOR_WARN, "xdp_filter at some hook (id 12)");
	link = good_link();
	add_program(&link, true, "");
	link_says(&link, "programs", DOCTOR_WARN, "--force");
	link = good_link();
	add_program(&link, false, "cil_from_netdev");
	link_says(&link, "programs", DOCTOR_WARN, "is not metered at tc");
	link = good_link();
	add_program(&link, true, "weir_xdp");
	CU_ASSERT_EQUAL(link.programs->len, 1);
	link.flags = 0; /* so that something is to be said */
	link_says(&link, "link", DOCTOR_FAIL, "down");
}

static void test_queues(void)
{
	struct probe_link link = good_link();

	link.rss.queues = 8;
	link_says(&link, "queues", DOCTOR_WARN, "ethtool -x eth7");
	link = good_link();
	link.rss = (struct rss_config){ .queues = 8, .function = RSS_TOEPLITZ, .key_octets = 52 };
	for (int kind = 0; kind < RSS_KINDS; kind++) {
		link.rss.known_fields[kind] = true;
		link.rss.fields[kind] = RSS_SOURCE | RSS_DESTINATION;
	}
	link.rss.key[7] = 1;
	link_says(&link, "queues", DOCTOR_WARN, "ethtool -X eth7 hkey 6d:5a:6d:5a:");
	link = good_link();
	link.rss.queues = 8;
	link.rss.known_fields[RSS_UDP4] = true;
	link.rss.fields[RSS_UDP4] = RSS_SOURCE;
	link_says(&link, "queues", DOCTOR_WARN, "ethtool -N eth7 rx-flow-hash udp4 sd");
}

/* The remedy's key has the card's length and is symmetric. */
static void test_remedy_key(void)
{
	static const char before[] = "hkey ";
	struct probe_link link = good_link();
	GPtrArray *findings = doctor_findings_new();
	guint8 key[RSS_KEY_MAX];
	guint octets = 0;
	const char *at;

	link.rss = (struct rss_config){ .queues = 2, .function = RSS_CRC32, .key_octets = 52 };
	link.rss.known_fields[RSS_TCP4] = true;
	link.rss.fields[RSS_TCP4] = RSS_SOURCE | RSS_DESTINATION;
	doctor_link("eth7", &link, findings);
	at = strstr(find(findings, "queues")->remedy, before);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	for (at = at ? at + strlen(before) : ""; g_ascii_isxdigit(*at); at += at[2] == ':' ? 3 : 2)
		key[octets++] =
			(guint8)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));
	CU_ASSERT_EQUAL(octets, 52);
	CU_ASSERT_TRUE(rss_key_symmetric(key, octets, 128, 15));
	CU_ASSERT_TRUE(rss_key_symmetric(key, octets, 32, 15));
	g_ptr_array_unref(findings);
	probe_link_clear(&link);
}

static void test_offloads(void)
{
	struct probe_link link = good_link();

	link.offloads = PROBE_LRO | PROBE_GRO;
	link_says(&link, "merging", DOCTOR_WARN, "ethtool -K eth7 lro off");
	link = good_link();
	link.offloads_known = false;
	link_says(&link, "merging", DOCTOR_WARN, "does not tell");
	link = good_link();
	link.offloads = PROBE_TSO | PROBE_GRO;
	link.flags = 0; /* native XDP comes before GRO: only this is wrong */
	link_says(&link, "link", DOCTOR_FAIL, "down");
}

static CU_TestInfo tests[] = {
	{ "of a good machine nothing is said against it", test_good },
	{ "an old or plain kernel fails", test_kernel },
	{ "a kernel's release is read", test_release },
	{ "what the host lacks is told with its remedy", test_host },
	{ "memory is compared with what is free", test_memory },
	{ "an interface that cannot be metered fails", test_link },
	{ "what the driver cannot do is told", test_modes },
	{ "programs of others are told, ours are not in the way", test_programs },
	{ "queues that part a flow's directions are told", test_queues },
	{ "the key to be set is symmetric", test_remedy_key },
	{ "offloads are told where they change counts", test_offloads },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "doctor", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
