/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces that go and come back while others are metered. */
#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>

#include "capture/links.h"
#include "hooked.h"
#include "unit.h"
#include "wire.h"

#define VOLLEY	 100
#define LIMIT_US (120 * G_USEC_PER_SEC)

static const char *const both[] = { FAR, "other", NULL };
static const char *const one[] = { FAR, NULL };

static void keep(void *data, enum log_level level, const char *interface, const char *news)
{
	(void)level;
	g_ptr_array_add(data,
			g_strconcat(interface ? interface : "", interface ? ": " : "", news, NULL));
}

static struct links_options options_of(enum attach_hook hook, const char *const *interfaces)
{
	return (struct links_options){
		.interfaces = interfaces,
		.attach = { .hook = hook, .direction = ATTACH_IN, .promiscuous = true },
		.tell = keep,
		.data = g_ptr_array_new_with_free_func(g_free),
	};
}

static struct links *open_links(const struct kernel_meter *meter,
				const struct links_options *options)
{
	GError *error = NULL;
	struct links *links = links_new(meter, options, &error);

	if (!links)
		printf("  %s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(links);
	g_ptr_array_set_size(options->data, 0);
	return links;
}

/* Watches until there is news, which is then the only one, and takes it. */
static void assert_news(struct links *links, const struct links_options *options, const char *words)
{
	const gint64 deadline = g_get_monotonic_time() + LIMIT_US;
	GPtrArray *news = options->data;

	while (news->len == 0 && g_get_monotonic_time() < deadline) {
		links_watch(links);
		sched_yield();
	}
	CU_ASSERT_EQUAL_FATAL(news->len, 1);
	if (!strstr(g_ptr_array_index(news, 0), words))
		printf("  %s\n", (const char *)g_ptr_array_index(news, 0));
	CU_ASSERT_PTR_NOT_NULL(strstr(g_ptr_array_index(news, 0), words));
	g_ptr_array_set_size(news, 0);
}

/* So long that the look that comes without being asked for is among them. */
static void assert_no_news(struct links *links, const struct links_options *options)
{
	const gint64 end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC / 2;

	while (g_get_monotonic_time() < end) {
		links_watch(links);
		sched_yield();
	}
	CU_ASSERT_EQUAL(((GPtrArray *)options->data)->len, 0);
}

static void lay_other(void)
{
	wire_ip("link add other type veth peer name beside");
	wire_ip("link set other up");
	wire_ip("link set beside up");
}

static void check_return(enum attach_hook hook)
{
	const struct links_options options = options_of(hook, both);
	struct kernel_meter *meter = hooked_meter();
	struct links *links;

	hooked_lay();
	lay_other();
	links = open_links(meter, &options);
	CU_ASSERT_EQUAL(links_count(links), 2);
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(meter, VOLLEY));
	wire_remove();
	assert_news(links, &options, FAR ": the interface is gone; waiting for it to come back");
	CU_ASSERT_EQUAL(links_count(links), 1);
	hooked_send("beside", VOLLEY);
	CU_ASSERT(hooked_sees(meter, 2 * VOLLEY));
	hooked_lay();
	assert_news(links, &options, FAR ": back, metering goes on");
	CU_ASSERT_EQUAL(links_count(links), 2);
	hooked_send(NEAR, VOLLEY);
	hooked_send("beside", VOLLEY);
	CU_ASSERT(hooked_sees(meter, 4 * VOLLEY));
	assert_no_news(links, &options);
	CU_ASSERT_TRUE(links_free(links, NULL));
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT_EQUAL(hooked_count(meter), 4 * VOLLEY);
	wire_remove();
	wire_ip("link del other");
	g_ptr_array_free(options.data, TRUE);
	kernel_meter_free(meter);
}

static void test_return(void)
{
	check_return(ATTACH_XDP);
	check_return(ATTACH_XDP_GENERIC);
	check_return(ATTACH_TC);
}

static void test_down_and_up(void)
{
	const struct links_options options = options_of(ATTACH_AUTO, one);
	struct kernel_meter *meter = hooked_meter();
	struct links *links;

	hooked_lay();
	links = open_links(meter, &options);
	wire_ip("link set " FAR " down");
	assert_news(links, &options, "the interface is down; waiting for it to come up");
	assert_no_news(links, &options);
	CU_ASSERT_EQUAL(links_count(links), 0);
	wire_up();
	assert_news(links, &options, "back, metering goes on");
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(meter, VOLLEY));
	links_free(links, NULL);
	wire_remove();
	g_ptr_array_free(options.data, TRUE);
	kernel_meter_free(meter);
}

static void test_return_down(void)
{
	const struct links_options options = options_of(ATTACH_AUTO, one);
	struct kernel_meter *meter = hooked_meter();
	struct links *links;

	hooked_lay();
	links = open_links(meter, &options);
	wire_remove();
	assert_news(links, &options, "gone");
	wire_ip("link add " NEAR " type veth peer name " FAR);
	assert_no_news(links, &options);
	wire_up();
	assert_news(links, &options, "back");
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(meter, VOLLEY));
	links_free(links, NULL);
	wire_remove();
	g_ptr_array_free(options.data, TRUE);
	kernel_meter_free(meter);
}

/* Between two looks: there is nothing to see but another index. */
static void test_exchanged(void)
{
	const struct links_options options = options_of(ATTACH_AUTO, one);
	struct kernel_meter *meter = hooked_meter();
	GPtrArray *news = options.data;
	struct links *links;

	hooked_lay();
	links = open_links(meter, &options);
	wire_remove();
	hooked_lay();
	while (news->len < 2)
		links_watch(links);
	CU_ASSERT_PTR_NOT_NULL(strstr(g_ptr_array_index(news, 0), "gone"));
	CU_ASSERT_PTR_NOT_NULL(strstr(g_ptr_array_index(news, 1), "back"));
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(meter, VOLLEY));
	links_free(links, NULL);
	wire_remove();
	g_ptr_array_free(options.data, TRUE);
	kernel_meter_free(meter);
}

static int load_other(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "other_xdp", "GPL", code, G_N_ELEMENTS(code), NULL);
}

/* The interface is back, but another's program was quicker: told once, tried until it is gone. */
static void test_hindrance(void)
{
	const struct links_options options = options_of(ATTACH_XDP, one);
	struct kernel_meter *meter = hooked_meter();
	int other = load_other();
	struct links *links;

	hooked_lay();
	links = open_links(meter, &options);
	wire_remove();
	assert_news(links, &options, "gone");
	wire_ip("link add " NEAR " type veth peer name " FAR);
	CU_ASSERT_EQUAL(bpf_xdp_attach((int)if_nametoindex(FAR), other, XDP_FLAGS_DRV_MODE, NULL),
			0);
	wire_up();
	assert_news(links, &options, "(other_xdp) is attached already and stays");
	assert_no_news(links, &options);
	CU_ASSERT_EQUAL(bpf_xdp_detach((int)if_nametoindex(FAR), XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_news(links, &options, "back");
	links_free(links, NULL);
	CU_ASSERT_EQUAL(hooked_xdp(FAR), 0);
	wire_remove();
	g_ptr_array_free(options.data, TRUE);
	kernel_meter_free(meter);
}

static CU_TestInfo tests[] = {
	{ "an interface that is back is metered again, and others meanwhile", test_return },
	{ "an interface that was down is metered when it is up", test_down_and_up },
	{ "an interface that comes back down is waited for", test_return_down },
	{ "an interface that was exchanged is found out", test_exchanged },
	{ "what hinders is told once and tried again", test_hindrance },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "interfaces that go and come", wire_enter, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
