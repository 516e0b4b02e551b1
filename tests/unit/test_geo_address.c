/* SPDX-License-Identifier: BSD-2-Clause */
/* Every special range by its first and last address and the ones beside it. */
#include <gio/gio.h>
#include <string.h>

#include "enrich/geo_address.h"
#include "unit.h"

static struct geo_address address_of(const char *text)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);
	guint8 octets[16] = { 0 };
	gsize length;

	CU_ASSERT_PTR_NOT_NULL_FATAL(address);
	length = g_inet_address_get_native_size(address);
	if (length == 4)
		memset(octets + 10, 0xff, 2);
	memcpy(octets + 16 - length, g_inet_address_to_bytes(address), length);
	return geo_address_of(octets, length == 4 ? 4 : 6);
}

struct expected {
	const char *address;
	const char *class;
};

static void check(const struct expected *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct geo_address address = address_of(rows[i].address);
		bool special;
		guint bits;
		const char *class = geo_address_class(&address, &special, &bits);

		if (strcmp(class, rows[i].class) != 0)
			printf("\n%s is %s, not %s", rows[i].address, class, rows[i].class);
		CU_ASSERT_STRING_EQUAL(class, rows[i].class);
		CU_ASSERT_EQUAL(special, strcmp(class, "global") != 0 && !strstr(class, "ipv4-") &&
						 strcmp(class, "6to4") != 0 &&
						 strcmp(class, "teredo") != 0 &&
						 strcmp(class, "nat64") != 0);
	}
}

static const struct expected ipv4_rows[] = {
	{ "0.0.0.0", "unspecified" },
	{ "0.0.0.1", "this-network" },
	{ "0.255.255.255", "this-network" },
	{ "1.0.0.0", "global" },
	{ "9.255.255.255", "global" },
	{ "10.0.0.0", "private" },
	{ "10.255.255.255", "private" },
	{ "11.0.0.0", "global" },
	{ "100.63.255.255", "global" },
	{ "100.64.0.0", "cgnat" },
	{ "100.127.255.255", "cgnat" },
	{ "100.128.0.0", "global" },
	{ "126.255.255.255", "global" },
	{ "127.0.0.0", "loopback" },
	{ "127.255.255.255", "loopback" },
	{ "128.0.0.0", "global" },
	{ "169.253.255.255", "global" },
	{ "169.254.0.0", "link-local" },
	{ "169.254.255.255", "link-local" },
	{ "169.255.0.0", "global" },
	{ "172.15.255.255", "global" },
	{ "172.16.0.0", "private" },
	{ "172.31.255.255", "private" },
	{ "172.32.0.0", "global" },
	{ "191.255.255.255", "global" },
	{ "192.0.0.0", "protocol" },
	{ "192.0.0.255", "protocol" },
	{ "192.0.1.0", "global" },
	{ "192.0.2.0", "documentation" },
	{ "192.0.2.255", "documentation" },
	{ "192.0.3.0", "global" },
	{ "192.88.99.0", "6to4-relay" },
	{ "192.88.99.255", "6to4-relay" },
	{ "192.88.100.0", "global" },
	{ "192.167.255.255", "global" },
	{ "192.168.0.0", "private" },
	{ "192.168.255.255", "private" },
	{ "192.169.0.0", "global" },
	{ "198.17.255.255", "global" },
	{ "198.18.0.0", "benchmarking" },
	{ "198.19.255.255", "benchmarking" },
	{ "198.20.0.0", "global" },
	{ "198.51.99.255", "global" },
	{ "198.51.100.0", "documentation" },
	{ "198.51.100.255", "documentation" },
	{ "198.51.101.0", "global" },
	{ "203.0.112.255", "global" },
	{ "203.0.113.0", "documentation" },
	{ "203.0.113.255", "documentation" },
	{ "203.0.114.0", "global" },
	{ "223.255.255.255", "global" },
	{ "224.0.0.0", "multicast" },
	{ "239.255.255.255", "multicast" },
	{ "240.0.0.0", "reserved" },
	{ "255.255.255.254", "reserved" },
	{ "255.255.255.255", "broadcast" },
};

static void test_ipv4(void)
{
	check(ipv4_rows, G_N_ELEMENTS(ipv4_rows));
}

static void test_ipv6(void)
{
	static const struct expected rows[] = {
		{ "::", "unspecified" },
		{ "::1", "loopback" },
		{ "::2", "this-network" }, /* 0.0.0.2, IPv4-compatible */
		{ "::8.8.8.8", "ipv4-compatible" },
		{ "::ffff:8.8.8.8", "ipv4-mapped" },
		{ "::ffff:127.0.0.1", "loopback" },
		{ "64:ff9b::8.8.8.8", "nat64" },
		{ "64:ff9b::c0a8:1", "private" },
		{ "64:ff9b:0:1::8.8.8.8", "global" }, /* beyond the prefix of 96 bits */
		{ "64:ff9b:1::", "private" },
		{ "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "private" },
		{ "64:ff9b:2::", "global" },
		{ "ff:ffff::", "global" },
		{ "100::", "discard" },
		{ "100::ffff:ffff:ffff:ffff", "discard" },
		{ "100:0:0:1::1", "discard" },
		{ "100:0:0:2::", "global" },
		{ "2001::f7f7:f7f7", "teredo" }, /* 8.8.8.8 */
		{ "2001::9bbf:fefe", "cgnat" },	 /* 100.64.1.1 */
		{ "2001:2::", "benchmarking" },
		{ "2001:2:0:ffff::", "benchmarking" },
		{ "2001:2:1::", "global" },
		{ "2001:10::", "protocol" },
		{ "2001:3f:ffff::", "protocol" },
		{ "2001:40::", "global" },
		{ "2001:db7:ffff::", "global" },
		{ "2001:db8::", "documentation" },
		{ "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation" },
		{ "2001:db9::", "global" },
		{ "2002:808:808::", "6to4" },
		{ "2002:a00:1::", "private" },
		{ "2003::", "global" },
		{ "3ffe:ffff::", "global" },
		{ "3fff::", "documentation" },
		{ "3fff:fff:ffff::", "documentation" },
		{ "3fff:1000::", "global" },
		{ "5eff::", "global" },
		{ "5f00::", "protocol" },
		{ "5f01::", "global" },
		{ "fbff::", "global" },
		{ "fc00::", "private" },
		{ "fdff:ffff::", "private" },
		{ "fe00::", "global" },
		{ "fe80::", "link-local" },
		{ "febf:ffff::", "link-local" },
		{ "fec0::", "private" },
		{ "ff02::1", "multicast" },
	};

	check(rows, G_N_ELEMENTS(rows));
}

/* What is said of an address holds for all of its prefix: one in it that differs by a bit behind
 * the prefix is of the same class. */
static void test_prefix(void)
{
	static const char *const texts[] = { "11.0.0.1",    "192.0.1.5",    "192.168.3.4",
					     "198.20.1.1",  "172.32.9.9",   "2001:db9::1",
					     "2001:218::1", "3fff:1000::1", "fe00::1" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		const struct geo_address address = address_of(texts[i]);
		bool special;
		guint bits;
		const char *class = geo_address_class(&address, &special, &bits);

		CU_ASSERT_TRUE(bits < 128);
		for (guint bit = bits; bit < 128; bit++) {
			struct geo_address other = address;
			bool other_special;
			guint other_bits;

			if (bit < 64)
				other.high ^= G_GUINT64_CONSTANT(1) << (63 - bit);
			else
				other.low ^= G_GUINT64_CONSTANT(1) << (127 - bit);
			CU_ASSERT_STRING_EQUAL(
				geo_address_class(&other, &other_special, &other_bits), class);
		}
	}
}

static CU_TestInfo tests[] = {
	{ "special IPv4 ranges begin and end where the registry says", test_ipv4 },
	{ "special IPv6 ranges, and addresses that hold IPv4 ones", test_ipv6 },
	{ "a prefix reaches into no other class", test_prefix },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "geo_address", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
