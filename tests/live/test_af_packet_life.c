/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a packet socket: how it begins and ends, and what the interface does to it. */
#include <string.h>
#include <unistd.h>

#include "far.h"
#include "unit.h"
#include "wire.h"

/* Takes the error. */
static void assert_says(GError **error, const char *words)
{
	const char *message = *error ? (*error)->message : "no error";

	if (!strstr(message, words))
		printf("  %s\n", message);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, words));
	g_clear_error(error);
}

static bool promiscuous(void)
{
	g_autofree char *shown = wire_ip_output("-d link show " FAR);

	return strstr(shown, "promiscuity 1") != NULL;
}

static void test_promiscuous(void)
{
	struct af_packet *af;

	wire_lay();
	CU_ASSERT_FALSE(promiscuous());
	af = far_open(0, AF_PACKET_BOTH);
	CU_ASSERT_TRUE(promiscuous());
	af_packet_free(af);
	CU_ASSERT_FALSE(promiscuous());
	wire_remove();
}

static void test_stop(void)
{
	struct af_packet *af;

	wire_lay();
	af = far_open(0, AF_PACKET_IN);
	far_send_counted(af, 10);
	CU_ASSERT_TRUE(af_packet_stop(af, NULL));
	far_send(NEAR, 10);
	CU_ASSERT_EQUAL(far_read(af, NULL, NULL), 10);
	CU_ASSERT_EQUAL(far_counts(af).packets, 10);
	af_packet_free(af);
	wire_remove();
}

/* The frames that came before are read first; then the error, until the interface is back. */
static void assert_fails_after(struct af_packet *af, guint frames, const char *words)
{
	struct frame batch[BATCH];
	GError *error = NULL;
	guint read = 0;
	int count;

	while ((count = af_packet_read(af, batch, BATCH, &error)) >= 0) {
		read += (guint)count;
		if (count == 0)
			CU_ASSERT_TRUE_FATAL(far_wait(af));
	}
	CU_ASSERT_EQUAL(read, frames);
	assert_says(&error, words);
	CU_ASSERT_EQUAL(af_packet_read(af, batch, BATCH, NULL), -1);
	CU_ASSERT_FALSE(af_packet_reopen(af, &error));
	assert_says(&error, FAR);
}

static void test_down_and_up(void)
{
	struct af_packet *af;

	wire_lay();
	af = far_open(0, AF_PACKET_IN);
	far_send_counted(af, 10);
	wire_ip("link set " FAR " down");
	assert_fails_after(af, 10, "is down");
	wire_up();
	CU_ASSERT_TRUE(af_packet_reopen(af, NULL));
	far_send_counted(af, 10);
	CU_ASSERT_EQUAL(far_read(af, NULL, NULL), 20);
	af_packet_free(af);
	wire_remove();
}

static void test_gone_and_back(void)
{
	struct af_packet *af;
	struct af_packet_counts counts;
	int ifindex;

	wire_lay();
	af = far_open(0, AF_PACKET_IN);
	ifindex = af_packet_ifindex(af);
	far_send_counted(af, 10);
	wire_remove();
	assert_fails_after(af, 10, "is gone");
	wire_lay();
	CU_ASSERT_TRUE(af_packet_reopen(af, NULL));
	CU_ASSERT_NOT_EQUAL(af_packet_ifindex(af), ifindex);
	CU_ASSERT_TRUE(promiscuous());
	far_send_counted(af, 7);
	CU_ASSERT_EQUAL(far_read(af, NULL, NULL), 17);
	counts = far_counts(af);
	CU_ASSERT_EQUAL(counts.packets, 17);
	CU_ASSERT_EQUAL(counts.lost, 0);
	/* Nobody read before the interface went and another of its name came. */
	far_send_counted(af, 5);
	wire_remove();
	wire_lay();
	CU_ASSERT_TRUE(af_packet_reopen(af, NULL));
	counts = far_counts(af);
	CU_ASSERT_EQUAL(counts.lost, 5);
	CU_ASSERT_EQUAL(counts.packets, 22);
	af_packet_free(af);
	wire_remove();
}

static void assert_not_opened(const char *ifname, const char *words)
{
	const struct af_packet_options options = { 0 };
	GError *error = NULL;

	CU_ASSERT_PTR_NULL(af_packet_open(ifname, &options, &error));
	assert_says(&error, words);
}

static void test_not_opened(void)
{
	wire_lay();
	assert_not_opened("nowhere", "nowhere: there is no such interface");
	wire_ip("link set " FAR " down");
	assert_not_opened(FAR, "is down; 'ip link set far up'");
	CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
	assert_not_opened(NEAR, "CAP_NET_RAW");
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	wire_remove();
}

/* A loopback interface hands every packet out twice; it is one packet. */
static void test_loopback(void)
{
	const struct af_packet_options options = { 0 };
	struct af_packet *af;
	struct frame frames[4];
	int count;

	wire_ip("link set lo up");
	af = af_packet_open("lo", &options, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(af);
	far_send("lo", 1);
	CU_ASSERT_TRUE_FATAL(far_wait(af));
	count = af_packet_read(af, frames, 4, NULL);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(frames[0].link, METER_LINK_ETHERNET);
	CU_ASSERT_EQUAL(far_counts(af).packets, 1);
	af_packet_free(af);
}

static CU_TestInfo tests[] = {
	{ "promiscuous mode lasts as long as the socket", test_promiscuous },
	{ "what came before the stop is still read", test_stop },
	{ "an interface goes down and comes up", test_down_and_up },
	{ "an interface goes and comes back", test_gone_and_back },
	{ "what cannot be opened is told with the reason", test_not_opened },
	{ "a packet of the loopback interface counts once", test_loopback },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "life of a packet socket", wire_enter, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
