/* SPDX-License-Identifier: BSD-2-Clause */
/* Expressions about flows. */
#include "base/error.h"
#include "capture/flow_filter.h"
#include "sample.h"
#include "unit.h"

static bool chooses(const char *expression, const struct flow_record *record)
{
	g_autoptr(GError) error = NULL;
	struct flow_filter *filter = flow_filter_new(expression, &error);
	bool match;

	if (!filter) {
		CU_FAIL("an expression is refused");
		return false;
	}
	match = flow_filter_match(filter, record);
	flow_filter_free(filter);
	return match;
}

static void test_tcp(void)
{
	struct flow_record record = sample_tcp();

	CU_ASSERT_TRUE(chooses("vlan 42 and tcp port 443", &record));
	CU_ASSERT_FALSE(chooses("tcp port 443", &record)); /* as tcpdump reads tagged frames */
	record.flow.key.vlan = 0;
	CU_ASSERT_TRUE(chooses("tcp port 443", &record));
	CU_ASSERT_TRUE(chooses("dst port 443", &record));
	CU_ASSERT_TRUE(chooses("src port 443", &record)); /* the other side's packets */
	CU_ASSERT_TRUE(chooses("src host 192.0.2.1 and src port 40000", &record));
	CU_ASSERT_FALSE(chooses("src host 192.0.2.1 and src port 443", &record));
	CU_ASSERT_FALSE(chooses("port 80", &record));
	CU_ASSERT_FALSE(chooses("not port 443", &record));
	CU_ASSERT_FALSE(chooses("udp or ip6 or vlan", &record));
	CU_ASSERT_TRUE(chooses("net 198.51.100.0/24 and portrange 400-500", &record));
	CU_ASSERT_TRUE(chooses("tcp[tcpflags] & tcp-fin != 0", &record));
	CU_ASSERT_FALSE(chooses("tcp[tcpflags] & tcp-rst != 0", &record));
	CU_ASSERT_TRUE(chooses("ip[8] == 60 and ip[1] == 0x10", &record)); /* TTL, ToS */
}

static void test_one_way(void)
{
	struct flow_record record = sample_tcp();

	record.flow.key.vlan = 0;
	record.flow.side[FLOW_FROM_LOW].packets = 0;
	CU_ASSERT_TRUE(chooses("src host 198.51.100.7", &record));
	CU_ASSERT_FALSE(chooses("src host 192.0.2.1", &record)); /* it sent nothing */
}

static void test_icmp6(void)
{
	struct flow_record record = sample_icmp6();

	record.flow.key.vlan = 0;
	CU_ASSERT_TRUE(chooses("icmp6", &record));
	CU_ASSERT_TRUE(chooses("icmp6[icmp6type] == icmp6-echo", &record));
	CU_ASSERT_TRUE(chooses("src host 2001:db8::1 and dst net 2001:db8::/32", &record));
	CU_ASSERT_FALSE(chooses("src host 2001:db8::2", &record));
	CU_ASSERT_FALSE(chooses("icmp", &record));
}

static void test_addresses_of_frames(void)
{
	struct flow_record record = sample_tcp();
	static const guint8 mac[] = { 2, 0, 0, 0, 0, 7 };

	record.flow.key.vlan = 0;
	memcpy(record.flow.shape[FLOW_FROM_LOW].mac_source, mac, sizeof(mac));
	CU_ASSERT_TRUE(chooses("ether src 02:00:00:00:00:07", &record));
	CU_ASSERT_FALSE(chooses("ether dst 02:00:00:00:00:07", &record));
	record.detail = FLOW_DETAIL_TCP;
	CU_ASSERT_FALSE(chooses("ether src 02:00:00:00:00:07", &record));
}

static void test_refusals(void)
{
	static const char *const faults[] = { "prt 9",	 "less 100",  "tcp and greater 60",
					      "len > 5", "inbound",   "wlan type mgt",
					      "host",	 "port 99999" };

	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_autoptr(GError) error = NULL;

		CU_ASSERT_PTR_NULL(flow_filter_new(faults[i], &error));
		CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	}
}

static CU_TestInfo tests[] = {
	{ "a flow matches if a packet of either side would", test_tcp },
	{ "a side that sent nothing does not match", test_one_way },
	{ "ICMP has types and IPv6 addresses", test_icmp6 },
	{ "frames have addresses where the flow knows them", test_addresses_of_frames },
	{ "what a flow does not know is refused", test_refusals },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "flow_filter", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
