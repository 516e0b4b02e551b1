/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user says of tunnels, as the meter takes it. */
#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"
#include "capture/tunnels.h"
#include "unit.h"

static guint8 kind_of(const struct meter_tunnels *tunnels, guint16 port)
{
	for (guint i = 0; i < TUNNEL_PORTS_MAX && tunnels->kinds[i]; i++) {
		if (tunnels->ports[i] == htons(port))
			return tunnels->kinds[i];
	}
	return TUNNEL_NONE;
}

static struct meter_tunnels parsed(enum tunnel_view view, const char *mirrors, const char *ports)
{
	const struct tunnel_options options = { view, mirrors, ports };
	struct meter_tunnels tunnels = { 0 };

	CU_ASSERT_TRUE(tunnels_parse(&options, &tunnels, NULL));
	return tunnels;
}

static void expect_refused(const char *mirrors, const char *ports, const char *said)
{
	const struct tunnel_options options = { TUNNEL_VIEW_INNER, mirrors, ports };
	struct meter_tunnels tunnels;
	GError *error = NULL;

	CU_ASSERT_FALSE(tunnels_parse(&options, &tunnels, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, said));
	g_error_free(error);
}

static void test_usual(void)
{
	struct meter_tunnels tunnels = parsed(TUNNEL_VIEW_INNER, NULL, NULL);

	CU_ASSERT_EQUAL(kind_of(&tunnels, 4789), TUNNEL_VXLAN);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 8472), TUNNEL_VXLAN);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 2152), TUNNEL_GTPU);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 53), TUNNEL_NONE);
	CU_ASSERT_EQUAL(tunnels.mirrors, 1u << TUNNEL_ERSPAN);
	CU_ASSERT_FALSE(tunnels.carrier_keys);
}

static void test_ports(void)
{
	struct meter_tunnels tunnels =
		parsed(TUNNEL_VIEW_BOTH, NULL, "vxlan:5000,vxlan:5001,geneve:none");

	CU_ASSERT_EQUAL(kind_of(&tunnels, 5000), TUNNEL_VXLAN);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 5001), TUNNEL_VXLAN);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 4789), TUNNEL_NONE);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 6081), TUNNEL_NONE);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 1701), TUNNEL_L2TP);
	CU_ASSERT_TRUE(tunnels.carrier_keys);
	tunnels = parsed(TUNNEL_VIEW_INNER, NULL, "vxlan:6081"); /* the usual one of another kind */
	CU_ASSERT_EQUAL(kind_of(&tunnels, 6081), TUNNEL_VXLAN);
}

/* Nothing is looked into but mirrors, so no other port matters. */
static void test_outer(void)
{
	struct meter_tunnels tunnels = parsed(TUNNEL_VIEW_OUTER, "tzsp,gre", NULL);

	CU_ASSERT_EQUAL(kind_of(&tunnels, 4789), TUNNEL_NONE);
	CU_ASSERT_EQUAL(kind_of(&tunnels, 37008), TUNNEL_TZSP);
	CU_ASSERT_EQUAL(tunnels.entered, tunnels.mirrors);
	CU_ASSERT_TRUE(tunnels.mirrors & 1u << TUNNEL_NVGRE);
}

static void test_refused(void)
{
	GString *many = g_string_new("vxlan:1");

	expect_refused("gtpu", NULL, "gtpu");
	expect_refused("vxlan,,gre", NULL, "--mirror");
	expect_refused(NULL, "gre:4789", "gre:4789");
	expect_refused(NULL, "vxlan", "KIND:PORT");
	expect_refused(NULL, "vxlan:0", "1 to 65535");
	expect_refused(NULL, "vxlan:65536", "1 to 65535");
	expect_refused(NULL, "geneve:x", "1 to 65535");
	expect_refused(NULL, "vxlan:9999,geneve:9999", "geneve:9999: --tunnel-ports names this");
	for (guint port = 2; port <= TUNNEL_PORTS_MAX + 1; port++)
		g_string_append_printf(many, ",vxlan:%u", port);
	expect_refused(NULL, many->str, "32");
	g_string_free(many, TRUE);
}

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(tunnel_name(TUNNEL_NONE), "");
	CU_ASSERT_STRING_EQUAL(tunnel_name(TUNNEL_VXLAN_GPE), "vxlan-gpe");
	CU_ASSERT_STRING_EQUAL(tunnel_name(TUNNEL_KINDS), "");
}

static CU_TestInfo tests[] = {
	{ "by itself every kind has its usual ports", test_usual },
	{ "a kind that is named has only the ports named", test_ports },
	{ "the outer view looks into mirrors alone", test_outer },
	{ "words that are none are refused by name", test_refused },
	{ "kinds have names", test_names },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "tunnels", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
