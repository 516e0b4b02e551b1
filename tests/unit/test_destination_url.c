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

static void test_places(void)
{
	static const char *const cases[][2] = {
		{ "udp://h:70000", "'70000' is no port; write a number from 1 to 65535" },
		{ "udp://h:0", "'0' is no port; write a number from 1 to 65535" },
		{ "udp://[::1]:65536", "'65536' is no port; write a number from 1 to 65535" },
		{ "udp://h:4739x", "'4739x' is no port; write a number from 1 to 65535" },
		{ "udp://:4739", "the collector is missing; write //HOST or //HOST:PORT, IPv6 "
				 "addresses in brackets" },
		{ "udp://", "the collector is missing; write //HOST or //HOST:PORT, IPv6 "
			    "addresses in brackets" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *wanted =
			g_strdup_printf("destination \"%s\": %s", cases[i][0], cases[i][1]);
		struct destination_url url = { 0 };
		g_autoptr(GError) error = NULL;

		CU_ASSERT_FALSE_FATAL(destination_url_parse(cases[i][0], &url, &error));
		CU_ASSERT_STRING_EQUAL(error->message, wanted);
		destination_url_clear(&url);
	}
}

static CU_TestInfo tests[] = {
	{ "templates are told three times in a collector's shortest memory [11]", test_refresh },
	{ "a queue has a limit [47]", test_queue },
	{ "what is wrong with a place is said", test_places },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "destination_url", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
