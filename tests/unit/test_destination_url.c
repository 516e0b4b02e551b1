/* SPDX-License-Identifier: BSD-2-Clause */
/* What a destination is where the user says nothing but who it is. */
#include "export/destination_url.h"
#include "unit.h"

/* The shortest time that collectors in use are known to keep a template, in seconds. */
#define SHORTEST_LIFE 600

static void test_refresh(void)
{
	static const char *const urls[] = { "udp://host", "ipfix+udp://host", "ipfix+dtls://host",
					    "netflow9+udp://host" };

	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		struct destination_url url = { 0 };

		CU_ASSERT_TRUE_FATAL(destination_url_parse(urls[i], &url, NULL));
		CU_ASSERT_TRUE(url.refresh_s > 0 && 3 * url.refresh_s <= SHORTEST_LIFE);
		CU_ASSERT_TRUE(url.refresh_messages > 0);
		destination_url_clear(&url);
	}
}

static void test_queue(void)
{
	struct destination_url url = { 0 };

	CU_ASSERT_TRUE_FATAL(destination_url_parse("ipfix+tcp://host", &url, NULL));
	CU_ASSERT_EQUAL(url.queue_octets, 16u << 20);
	destination_url_clear(&url);
}

static CU_TestInfo tests[] = {
	{ "templates are told three times in a collector's shortest memory [11]", test_refresh },
	{ "a queue has a limit [47]", test_queue },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "destination_url", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
