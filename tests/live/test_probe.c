/* SPDX-License-Identifier: BSD-2-Clause */
/* The probes, on interfaces the test has set up: they find what is there and leave it as it is. */
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/probe_host.h"
#include "capture/probe_link.h"
#include "unit.h"
#include "wire.h"

#define TCX_INGRESS 46

static struct probe_link look(const char *ifname)
{
	struct probe_link link;

	probe_link(ifname, &link);
	return link;
}

static int load(enum bpf_prog_type type, const char *name, gint32 verdict)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, name, "GPL", code, G_N_ELEMENTS(code), NULL);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static void assert_program(const struct probe_link *link, guint index, const char *where,
			   const char *name)
{
	const struct probe_program *program;

	CU_ASSERT_FATAL(link->programs->len > index);
	program = &g_array_index(link->programs, struct probe_program, index);
	CU_ASSERT_STRING_EQUAL(program->where, where);
	CU_ASSERT_STRING_EQUAL(program->name, name);
	CU_ASSERT_NOT_EQUAL(program->id, 0);
	CU_ASSERT_EQUAL(program->xdp, strstr(where, "XDP") != NULL);
}

static void test_link(void)
{
	struct probe_link link;

	wire_lay();
	link = look(FAR);
	CU_ASSERT_EQUAL(link.ifindex, (int)if_nametoindex(FAR));
	CU_ASSERT_EQUAL(link.mtu, 65535);
	CU_ASSERT_EQUAL(link.hardware, ARPHRD_ETHER);
	CU_ASSERT_TRUE(link.flags & IFF_UP);
	CU_ASSERT_TRUE(link.flags & IFF_RUNNING);
	CU_ASSERT_STRING_EQUAL(link.driver, "veth");
	CU_ASSERT(link.xdp == PROBE_XDP_NATIVE || link.xdp == PROBE_XDP_LIKELY);
	CU_ASSERT_EQUAL(link.rss.queues, 1);
	CU_ASSERT_TRUE(link.offloads_known);
	CU_ASSERT_EQUAL(link.programs->len, 0);
	CU_ASSERT_FALSE(link.wireless);
	probe_link_clear(&link);
	wire_ip("link set " FAR " down");
	link = look(FAR);
	CU_ASSERT_FALSE(link.flags & IFF_UP);
	probe_link_clear(&link);
	wire_remove();
	link = look(FAR);
	CU_ASSERT_EQUAL(link.ifindex, 0);
	probe_link_clear(&link);
	link = look("a name that is much longer than one can be");
	CU_ASSERT_EQUAL(link.ifindex, 0);
	probe_link_clear(&link);
}

static void set_offload(guint32 command, guint32 value)
{
	struct ethtool_value setting = { .cmd = command, .data = value };
	struct ifreq request = { .ifr_data = (void *)&setting };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_strlcpy(request.ifr_name, FAR, sizeof(request.ifr_name));
	CU_ASSERT_EQUAL(ioctl(fd, SIOCETHTOOL, &request), 0);
	close(fd);
}

static guint offloads(void)
{
	struct probe_link link = look(FAR);
	guint found = link.offloads;

	probe_link_clear(&link);
	return found;
}

static void test_offloads(void)
{
	wire_lay();
	set_offload(ETHTOOL_SGRO, 0);
	set_offload(ETHTOOL_STSO, 0);
	set_offload(ETHTOOL_SGSO, 0);
	CU_ASSERT_EQUAL(offloads(), 0);
	set_offload(ETHTOOL_SGRO, 1);
	CU_ASSERT_EQUAL(offloads(), PROBE_GRO);
	set_offload(ETHTOOL_STSO, 1);
	CU_ASSERT_TRUE(offloads() & PROBE_TSO);
	set_offload(ETHTOOL_SGSO, 1);
	CU_ASSERT_EQUAL(offloads(), PROBE_GRO | PROBE_TSO | PROBE_GSO);
	wire_remove();
}

static void test_queues(void)
{
	struct probe_link link;

	wire_ip("link add " NEAR " type veth peer name " FAR " numrxqueues 3");
	link = look(FAR);
	/* Kernels from 5.13 on use one until told. */
	CU_ASSERT(link.rss.queues == 3 || link.rss.queues == 1);
	probe_link_clear(&link);
	wire_remove();
}

static void check_xdp(guint32 flags, const char *where)
{
	int fd = load(BPF_PROG_TYPE_XDP, "other_xdp", 2);
	int ifindex = (int)if_nametoindex(FAR);
	struct probe_link link;
	guint32 id = 0;

	CU_ASSERT_EQUAL_FATAL(bpf_xdp_attach(ifindex, fd, flags, NULL), 0);
	link = look(FAR);
	CU_ASSERT_EQUAL(link.programs->len, 1);
	assert_program(&link, 0, where, "other_xdp");
	probe_link_clear(&link);
	CU_ASSERT_EQUAL(bpf_xdp_query_id(ifindex, (int)flags, &id), 0);
	CU_ASSERT_NOT_EQUAL(id, 0);
	CU_ASSERT_EQUAL(bpf_xdp_detach(ifindex, flags, NULL), 0);
	link = look(FAR);
	CU_ASSERT_EQUAL(link.programs->len, 0);
	probe_link_clear(&link);
	close(fd);
}

static void test_xdp_programs(void)
{
	wire_lay();
	wire_ip("link set " FAR " mtu 1500");
	wire_ip("link set " NEAR " mtu 1500");
	check_xdp(XDP_FLAGS_DRV_MODE, "native XDP");
	check_xdp(XDP_FLAGS_SKB_MODE, "generic XDP");
	wire_remove();
}

static void attach_tc(int fd, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(FAR), .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1, .prog_fd = fd);

	libbpf_set_print(NULL); /* the second time the hook is there already */
	bpf_tc_hook_create(&hook);
	CU_ASSERT_EQUAL_FATAL(bpf_tc_attach(&hook, &opts), 0);
}

/* libbpf names a filter as its program. */
static void test_tc_filters(void)
{
	int fd = load(BPF_PROG_TYPE_SCHED_CLS, "other_tc", -1);
	struct probe_link link;

	wire_lay();
	attach_tc(fd, BPF_TC_INGRESS);
	link = look(FAR);
	CU_ASSERT_EQUAL(link.programs->len, 1);
	assert_program(&link, 0, "tc ingress", "other_tc");
	probe_link_clear(&link);
	attach_tc(fd, BPF_TC_EGRESS);
	link = look(FAR);
	CU_ASSERT_EQUAL(link.programs->len, 2);
	assert_program(&link, 1, "tc egress", "other_tc");
	probe_link_clear(&link);
	close(fd);
	wire_remove();
}

/* Where the kernel has TCX (6.6); before, there is nothing to find. */
static void test_tcx(void)
{
	int fd = load(BPF_PROG_TYPE_SCHED_CLS, "other_tcx", -1);
	struct probe_link link;
	int bpf_link;

	wire_lay();
	bpf_link = bpf_link_create(fd, (int)if_nametoindex(FAR), (enum bpf_attach_type)TCX_INGRESS,
				   NULL);
	link = look(FAR);
	if (bpf_link < 0) {
		CU_ASSERT_EQUAL(link.programs->len, 0);
	} else {
		CU_ASSERT_EQUAL(link.programs->len, 1);
		assert_program(&link, 0, "TCX ingress", "other_tcx");
		close(bpf_link);
	}
	probe_link_clear(&link);
	close(fd);
	wire_remove();
}

static void test_host(void)
{
	struct probe_host host;
	g_autofree char *release = NULL;

	probe_host(&host);
	CU_ASSERT_FATAL(g_file_get_contents("/proc/sys/kernel/osrelease", &release, NULL, NULL));
	CU_ASSERT_STRING_EQUAL(host.release, g_strstrip(release));
	CU_ASSERT(host.kernel_major >= 5);
	CU_ASSERT_EQUAL(host.load_xdp, 0);
	CU_ASSERT_EQUAL(host.load_tc, 0);
	CU_ASSERT_EQUAL(host.packet_socket, 0);
	CU_ASSERT_EQUAL(host.cpus, (guint)sysconf(_SC_NPROCESSORS_CONF));
	CU_ASSERT(host.memory_free > 1 << 20);
	CU_ASSERT_NOT_EQUAL(host.clock[0], '\0');
	CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
	probe_host(&host);
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	CU_ASSERT_NOT_EQUAL(host.load_xdp, 0);
	CU_ASSERT_NOT_EQUAL(host.packet_socket, 0);
}

static CU_TestInfo tests[] = {
	{ "an interface is what it was set to", test_link },
	{ "offloads are seen as they change", test_offloads },
	{ "queues are counted", test_queues },
	{ "a program at XDP is found, and stays", test_xdp_programs },
	{ "filters at tc are found", test_tc_filters },
	{ "a program at TCX is found", test_tcx },
	{ "the host is known, and what its user may do", test_host },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "probes", wire_enter, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
