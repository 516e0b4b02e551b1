/* SPDX-License-Identifier: BSD-2-Clause */
/* What is attached, pinned and left, what of it the next process finds, and what makes way by
 * force. Run on a kernel before 6.6 it is about clsact filters where it says tc. */
#include <linux/if_link.h>
#include <linux/if_tun.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hooked.h"
#include "unit.h"
#include "wire.h"

#define VOLLEY	  100
#define EXCHANGES 40

static const struct attach_options hooks[] = {
	{ .hook = ATTACH_XDP, .direction = ATTACH_IN },
	{ .hook = ATTACH_XDP_GENERIC, .direction = ATTACH_IN },
	{ .hook = ATTACH_TC, .direction = ATTACH_IN },
	{ .hook = ATTACH_TC, .direction = ATTACH_BOTH },
};

static struct attachment *attach_far(const struct kernel_meter *meter,
				     const struct attach_options *options)
{
	GError *error = NULL;
	struct attachment *at = attach(meter, FAR, options, &error);

	if (!at)
		printf("  %s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	return at;
}

static bool has_clsact(void)
{
	char *output = NULL;
	bool has;

	CU_ASSERT_FATAL(
		g_spawn_command_line_sync("tc qdisc show dev " FAR, &output, NULL, NULL, NULL));
	has = strstr(output, "clsact") != NULL;
	g_free(output);
	return has;
}

static void assert_nothing_left(void)
{
	CU_ASSERT_EQUAL(hooked_pins(), 0);
	CU_ASSERT_EQUAL(hooked_xdp(FAR), 0);
	CU_ASSERT_FALSE(has_clsact());
}

/* --- what is pinned --- */

static void check_pinned(const struct attach_options *hook)
{
	struct attach_options options = *hook;
	struct kernel_meter *first = hooked_meter();
	struct kernel_meter *second = hooked_meter();
	struct attachment *at;

	options.pin = hooked_folder();
	hooked_lay();
	at = attach_far(first, &options);
	CU_ASSERT_FALSE(attachment_found(at));
	CU_ASSERT(hooked_pins() > 0);
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(first, VOLLEY));
	attachment_leave(at);
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(first, 2 * VOLLEY));

	at = attach_far(second, &options);
	CU_ASSERT_TRUE(attachment_found(at));
	CU_ASSERT_EQUAL(attachment_state(at), ATTACHMENT_GOOD);
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(second, VOLLEY));
	CU_ASSERT_EQUAL(hooked_count(first), 2 * VOLLEY);
	CU_ASSERT_TRUE(detach(at, NULL));
	assert_nothing_left();
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT_EQUAL(hooked_count(second), VOLLEY);

	wire_remove();
	kernel_meter_free(first);
	kernel_meter_free(second);
}

static void test_pinned(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hooks); i++)
		check_pinned(&hooks[i]);
}

static void test_same_program(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hooks); i++) {
		struct attach_options options = hooks[i];
		struct kernel_meter *meter = hooked_meter();
		struct attachment *at;

		options.pin = hooked_folder();
		hooked_lay();
		attachment_leave(attach_far(meter, &options));
		at = attach_far(meter, &options);
		CU_ASSERT_TRUE(attachment_found(at));
		hooked_send(NEAR, VOLLEY);
		CU_ASSERT(hooked_sees(meter, VOLLEY));
		detach(at, NULL);
		assert_nothing_left();
		wire_remove();
		kernel_meter_free(meter);
	}
}

static gpointer send_on(gpointer data)
{
	gint *go_on = data;
	guint sent = 0;

	for (; g_atomic_int_get(go_on); sent += VOLLEY)
		hooked_send(NEAR, VOLLEY);
	return GUINT_TO_POINTER(sent);
}

static void check_exchange(const struct attach_options *hook)
{
	struct attach_options options = *hook;
	struct kernel_meter *meters[] = { hooked_meter(), hooked_meter() };
	gint go_on = 1;
	struct attachment *at;
	GThread *sender;
	guint64 sent;

	options.pin = hooked_folder();
	hooked_lay();
	at = attach_far(meters[0], &options);
	sender = g_thread_new("sender", send_on, &go_on);
	for (int i = 1; i <= EXCHANGES; i++) {
		const guint64 seen = hooked_count(meters[i % 2]);

		attachment_leave(at);
		at = attach_far(meters[i % 2], &options);
		while (hooked_count(meters[i % 2]) == seen)
			g_thread_yield();
	}
	g_atomic_int_set(&go_on, 0);
	sent = GPOINTER_TO_UINT(g_thread_join(sender));
	CU_ASSERT(hooked_sees(meters[0], sent - hooked_count(meters[1])));
	detach(at, NULL);
	assert_nothing_left();
	wire_remove();
	kernel_meter_free(meters[0]);
	kernel_meter_free(meters[1]);
}

static void test_exchange(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hooks); i++)
		check_exchange(&hooks[i]);
}

static void test_another_hook(void)
{
	struct kernel_meter *meter = hooked_meter();

	hooked_lay();
	for (size_t i = 0; i < 2 * G_N_ELEMENTS(hooks); i++) {
		struct attach_options options = hooks[i * 3 % G_N_ELEMENTS(hooks)];
		const guint64 before = hooked_count(meter);

		options.pin = hooked_folder();
		attachment_leave(attach_far(meter, &options));
		hooked_send(NEAR, VOLLEY);
		CU_ASSERT(hooked_sees(meter, before + VOLLEY));
	}
	attach_clear(hooked_folder(), NULL);
	assert_nothing_left();
	wire_remove();
	kernel_meter_free(meter);
}

static void test_clear(void)
{
	static const char *const named[] = { FAR, NULL };
	struct attach_options options = hooks[0];
	struct kernel_meter *meter = hooked_meter();
	guint pins;

	options.pin = hooked_folder();
	hooked_lay();
	attachment_leave(attach_far(meter, &options));
	pins = hooked_pins();
	attachment_leave(attach(meter, NEAR, &options, NULL));
	CU_ASSERT_EQUAL(hooked_pins(), 2 * pins);
	attach_clear(options.pin, named);
	CU_ASSERT_EQUAL(hooked_pins(), pins);
	CU_ASSERT_EQUAL(hooked_xdp(NEAR), 0);
	CU_ASSERT_NOT_EQUAL(hooked_xdp(FAR), 0);
	wire_remove();
	/* The interfaces are others, under the same names. */
	hooked_lay();
	CU_ASSERT_EQUAL(hooked_pins(), pins);
	attach_clear(options.pin, named);
	CU_ASSERT_EQUAL(hooked_pins(), 0);
	wire_remove();
	kernel_meter_free(meter);
}

/* A start that fails leaves what it found; what it has made goes. */
static void test_failed_start(void)
{
	struct attach_options options = hooks[0];
	struct kernel_meter *meter = hooked_meter();
	GError *error = NULL;
	guint32 running;

	options.pin = hooked_folder();
	hooked_lay();
	attachment_leave(attach_far(meter, &options));
	running = hooked_xdp(FAR);
	wire_ip("link set " FAR " down");
	CU_ASSERT_PTR_NULL(attach(meter, FAR, &options, &error));
	hooked_says(&error, "is down");
	CU_ASSERT_EQUAL(hooked_xdp(FAR), running);
	attach_clear(options.pin, NULL);
	options.pin = "/nowhere";
	wire_up();
	CU_ASSERT_PTR_NULL(attach(meter, FAR, &options, &error));
	hooked_says(&error, "/nowhere");
	assert_nothing_left();
	wire_remove();
	kernel_meter_free(meter);
}

/* An interface without link headers, as long as this is open; -1: the kernel has none. */
static int open_bare(void)
{
	struct ifreq request = { .ifr_name = "bare", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void test_no_ethernet(void)
{
	int bare = open_bare();
	struct kernel_meter *meter;
	GError *error = NULL;

	if (bare < 0) {
		printf("skipped: this kernel has no tun interfaces\n");
		return;
	}
	meter = hooked_meter();
	wire_ip("link set bare up");
	for (guint i = 0; i < G_N_ELEMENTS(hooks); i++) {
		CU_ASSERT_FALSE(attach_check("bare", &hooks[i], &error));
		hooked_says(&error, "--hook af_packet");
		CU_ASSERT_PTR_NULL(attach(meter, "bare", &hooks[i], &error));
		hooked_says(&error, "no Ethernet");
	}
	CU_ASSERT_EQUAL(hooked_xdp("bare"), 0);
	kernel_meter_free(meter);
	close(bare);
}

/* --- another's program --- */

static int load_other(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other_xdp", "GPL", code, G_N_ELEMENTS(code),
			       NULL);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static void check_force(guint32 mode, const char *pin, bool restart)
{
	struct attach_options options = hooks[mode == XDP_FLAGS_SKB_MODE];
	struct kernel_meter *meter = hooked_meter();
	int other = load_other();
	GError *error = NULL;
	struct attachment *at;
	guint32 before;

	hooked_lay();
	CU_ASSERT_EQUAL_FATAL(bpf_xdp_attach((int)if_nametoindex(FAR), other, mode, NULL), 0);
	close(other);
	before = hooked_xdp(FAR);
	options.pin = pin;
	CU_ASSERT_FALSE(attach_check(FAR, &options, &error));
	hooked_says(&error, "(other_xdp) is attached already and stays");
	CU_ASSERT_PTR_NULL(attach(meter, FAR, &options, &error));
	hooked_says(&error, "--force");
	CU_ASSERT_EQUAL(hooked_xdp(FAR), before);

	options.force = true;
	CU_ASSERT_TRUE(attach_check(FAR, &options, NULL));
	at = attach_far(meter, &options);
	CU_ASSERT_NOT_EQUAL(hooked_xdp(FAR), before);
	hooked_send(NEAR, VOLLEY);
	CU_ASSERT(hooked_sees(meter, VOLLEY));
	if (restart) {
		attachment_leave(at);
		options.force = false;
		at = attach_far(meter, &options);
	}
	CU_ASSERT_TRUE(detach(at, NULL));
	CU_ASSERT_EQUAL(hooked_xdp(FAR), before);
	CU_ASSERT_EQUAL(bpf_xdp_detach((int)if_nametoindex(FAR), mode, NULL), 0);
	assert_nothing_left();
	wire_remove();
	kernel_meter_free(meter);
}

static void test_force(void)
{
	check_force(XDP_FLAGS_DRV_MODE, NULL, false);
	check_force(XDP_FLAGS_SKB_MODE, NULL, false);
	check_force(XDP_FLAGS_DRV_MODE, hooked_folder(), true);
	check_force(XDP_FLAGS_SKB_MODE, hooked_folder(), true);
}

static void test_force_against_a_link(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, mode, .flags = XDP_FLAGS_DRV_MODE);
	struct attach_options options = hooks[0];
	struct kernel_meter *meter = hooked_meter();
	int other = load_other();
	GError *error = NULL;
	guint32 before;
	int link;

	hooked_lay();
	link = bpf_link_create(other, (int)if_nametoindex(FAR), BPF_XDP, &mode);
	CU_ASSERT_FATAL(link >= 0);
	before = hooked_xdp(FAR);
	options.force = true;
	options.pin = hooked_folder();
	CU_ASSERT_PTR_NULL(attach(meter, FAR, &options, &error));
	hooked_says(&error, "(other_xdp) is held by a BPF link");
	CU_ASSERT_EQUAL(hooked_xdp(FAR), before);
	CU_ASSERT_EQUAL(hooked_pins(), 0);
	close(link);
	close(other);
	wire_remove();
	kernel_meter_free(meter);
}

static CU_TestInfo tests[] = {
	{ "what is pinned meters on and is taken over", test_pinned },
	{ "what runs the right program already stays as it is", test_same_program },
	{ "no packet passes unmetered while programs change", test_exchange },
	{ "a change of hook takes the old one off", test_another_hook },
	{ "pins of other and of vanished interfaces go", test_clear },
	{ "a failed start leaves what it found and nothing of its own", test_failed_start },
	{ "an interface without Ethernet headers is refused", test_no_ethernet },
	{ "another's program makes way by force and comes back", test_force },
	{ "a program on another's link stays even so", test_force_against_a_link },
	CU_TEST_INFO_NULL,
};

static int enter(void)
{
	wire_enter();
	hooked_folder();
	return 0;
}

CU_SuiteInfo test_suites[] = {
	{ "attaching", enter, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
