/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buffer.h"
#include "unit.h"

static const guint8 octets[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static void test_big_endian(void)
{
	CU_ASSERT_EQUAL(load_be16(octets + 1), 0x2345);
	CU_ASSERT_EQUAL(load_be32(octets + 1), 0x23456789);
}

static void test_little_endian(void)
{
	CU_ASSERT_EQUAL(load_le16(octets + 1), 0x4523);
	CU_ASSERT_EQUAL(load_le32(octets + 1), 0x89674523);
	CU_ASSERT_EQUAL(load_le64(octets), 0xefcdab8967452301ULL);
}

static void test_round_trip(void)
{
	guint8 out[5] = { 0 };

	store_be32(out + 1, 0xdeadbeef);
	CU_ASSERT_EQUAL(out[0], 0);
	CU_ASSERT_EQUAL(load_be32(out + 1), 0xdeadbeef);
}

static CU_TestInfo tests[] = {
	{ "big-endian octets are read at any address", test_big_endian },
	{ "little-endian octets are read at any address", test_little_endian },
	{ "what is stored is what is loaded", test_round_trip },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "buffer", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
