/* SPDX-License-Identifier: BSD-2-Clause */
/* What rss.c says of a key is held against the hash itself, of both directions of many flows. */
#include <string.h>

#include "capture/rss.h"
#include "unit.h"

#define KEY_OCTETS   40
#define INPUT_OCTETS 36
#define ADDRESSES    (RSS_SOURCE | RSS_DESTINATION)
#define PORTS	     (RSS_SOURCE_PORT | RSS_DESTINATION_PORT)
#define FLOWS	     2000

/* Microsoft's key, the default of many drivers; its hashes are published with it. */
static const guint8 usual_key[KEY_OCTETS] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static guint32 toeplitz(const guint8 *key, const guint8 *input, gsize octets)
{
	guint32 window =
		(guint32)key[0] << 24 | (guint32)key[1] << 16 | (guint32)key[2] << 8 | key[3];
	guint32 hash = 0;

	for (gsize bit = 0; bit < octets * 8; bit++) {
		const gsize next = bit + 32;

		if (input[bit / 8] >> (7 - bit % 8) & 1)
			hash ^= window;
		window <<= 1;
		if (next < KEY_OCTETS * 8)
			window |= key[next / 8] >> (7 - next % 8) & 1;
	}
	return hash;
}

static void fill_random(GRand *rand, guint8 *octets, gsize size)
{
	for (gsize i = 0; i < size; i++)
		octets[i] = (guint8)g_rand_int(rand);
}

/* Whether all of many random flows have one hash for both directions. */
static bool hashes_agree(const guint8 *key, guint address_bits, guint fields)
{
	GRand *rand = g_rand_new_with_seed(7);
	const gsize address = fields & RSS_SOURCE ? address_bits / 8 : 0;
	const gsize port = fields & RSS_SOURCE_PORT ? 2 : 0;
	bool agree = true;

	for (int i = 0; i < FLOWS && agree; i++) {
		guint8 there[INPUT_OCTETS];
		guint8 back[INPUT_OCTETS];

		fill_random(rand, there, sizeof(there));
		memcpy(back, there + address, address);
		memcpy(back + address, there, address);
		memcpy(back + 2 * address, there + 2 * address + port, port);
		memcpy(back + 2 * address + port, there + 2 * address, port);
		agree = toeplitz(key, there, 2 * (address + port)) ==
			toeplitz(key, back, 2 * (address + port));
	}
	g_rand_free(rand);
	return agree;
}

static void test_published_hashes(void)
{
	/* 66.9.149.187:2794 to 161.142.100.80:1766 */
	static const guint8 input[] = { 66,  9,	 149,	    187,	161,	   142,
					100, 80, 2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255 };

	CU_ASSERT_EQUAL(toeplitz(usual_key, input, 8), 0x323e8fc2);
	CU_ASSERT_EQUAL(toeplitz(usual_key, input, 12), 0x51ccc178);
}

static void check_key(const guint8 *key, bool symmetric4, bool symmetric4_addresses,
		      bool symmetric6)
{
	static const guint both = ADDRESSES | PORTS;

	CU_ASSERT_EQUAL(rss_key_symmetric(key, KEY_OCTETS, 32, both), symmetric4);
	CU_ASSERT_EQUAL(rss_key_symmetric(key, KEY_OCTETS, 32, ADDRESSES), symmetric4_addresses);
	CU_ASSERT_EQUAL(rss_key_symmetric(key, KEY_OCTETS, 128, both), symmetric6);
	CU_ASSERT_EQUAL(hashes_agree(key, 32, both), symmetric4);
	CU_ASSERT_EQUAL(hashes_agree(key, 32, ADDRESSES), symmetric4_addresses);
	CU_ASSERT_EQUAL(hashes_agree(key, 128, both), symmetric6);
}

static void repeat(guint8 *key, const guint8 *start, gsize every)
{
	for (gsize i = 0; i < KEY_OCTETS; i++)
		key[i] = start[i % every];
}

static void test_keys(void)
{
	guint8 key[KEY_OCTETS];

	check_key(usual_key, false, false, false);
	repeat(key, usual_key, 2);
	check_key(key, true, true, true);
	repeat(key, usual_key, 4);
	check_key(key, false, true, false);
	/* Repeats only as far as IPv4 looks. */
	repeat(key, usual_key, 2);
	key[20] ^= 1;
	check_key(key, true, true, false);
	/* One bit of the last window of the ports. */
	repeat(key, usual_key, 2);
	key[(96 - 1 + 31) / 8] ^= 2;
	check_key(key, false, true, false);
}

/* Keys that are symmetric but for one bit, at every place: the answer is the hash's. */
static void test_every_bit(void)
{
	for (guint bit = 0; bit < KEY_OCTETS * 8; bit++) {
		guint8 key[KEY_OCTETS];

		repeat(key, usual_key, 2);
		key[bit / 8] ^= (guint8)(1 << (7 - bit % 8));
		for (guint fields = 0; fields <= (ADDRESSES | PORTS); fields++) {
			if (!(fields & RSS_SOURCE) != !(fields & RSS_DESTINATION) ||
			    !(fields & RSS_SOURCE_PORT) != !(fields & RSS_DESTINATION_PORT))
				continue;
			CU_ASSERT_EQUAL(rss_key_symmetric(key, KEY_OCTETS, 32, fields),
					hashes_agree(key, 32, fields));
			CU_ASSERT_EQUAL(rss_key_symmetric(key, KEY_OCTETS, 128, fields),
					hashes_agree(key, 128, fields));
		}
	}
}

static void test_short_key(void)
{
	guint8 key[KEY_OCTETS];

	repeat(key, usual_key, 2);
	CU_ASSERT_TRUE(rss_key_symmetric(key, 16, 32, ADDRESSES | PORTS));
	CU_ASSERT_FALSE(rss_key_symmetric(key, 15, 32, ADDRESSES | PORTS));
	CU_ASSERT_FALSE(rss_key_symmetric(key, 39, 128, ADDRESSES | PORTS));
}

static struct rss_config config_of(enum rss_function function)
{
	struct rss_config config = { .queues = 4, .function = function, .key_octets = KEY_OCTETS };

	for (int kind = 0; kind < RSS_KINDS; kind++) {
		config.known_fields[kind] = true;
		config.fields[kind] = ADDRESSES | PORTS;
	}
	memcpy(config.key, usual_key, KEY_OCTETS);
	return config;
}

static void assert_answer(const struct rss_config *config, enum rss_answer answer)
{
	enum rss_kind kind;

	CU_ASSERT_EQUAL(rss_symmetry(config, &kind), answer);
}

static void test_functions(void)
{
	struct rss_config config = config_of(RSS_TOEPLITZ);

	assert_answer(&config, RSS_KEY);
	config.symmetric_xor = true;
	assert_answer(&config, RSS_SYMMETRIC);
	config = config_of(RSS_TOEPLITZ);
	repeat(config.key, usual_key, 2);
	assert_answer(&config, RSS_SYMMETRIC);
	config.key_octets = 0;
	assert_answer(&config, RSS_UNKNOWN);
	config = config_of(RSS_XOR);
	assert_answer(&config, RSS_SYMMETRIC);
	config = config_of(RSS_CRC32);
	assert_answer(&config, RSS_FUNCTION);
	config.queues = 1;
	assert_answer(&config, RSS_SYMMETRIC);
	config = config_of(RSS_FUNCTION_UNKNOWN);
	assert_answer(&config, RSS_UNKNOWN);
}

static void test_fields(void)
{
	struct rss_config config = config_of(RSS_XOR);
	enum rss_kind kind = RSS_KINDS;

	config.fields[RSS_UDP6] = RSS_SOURCE;
	CU_ASSERT_EQUAL(rss_symmetry(&config, &kind), RSS_ONE_SIDED);
	CU_ASSERT_EQUAL(kind, RSS_UDP6);
	config.known_fields[RSS_TCP4] = false;
	CU_ASSERT_EQUAL(rss_symmetry(&config, &kind), RSS_ONE_SIDED);
	CU_ASSERT_EQUAL(kind, RSS_UDP6);
	config.fields[RSS_UDP6] = 0;
	CU_ASSERT_EQUAL(rss_symmetry(&config, &kind), RSS_UNKNOWN);
	CU_ASSERT_EQUAL(kind, RSS_TCP4);
	config.fields[RSS_UDP4] = ADDRESSES | RSS_DESTINATION_PORT;
	CU_ASSERT_EQUAL(rss_symmetry(&config, &kind), RSS_ONE_SIDED);
	CU_ASSERT_EQUAL(kind, RSS_UDP4);
}

static CU_TestInfo tests[] = {
	{ "the hash of this test is the published one", test_published_hashes },
	{ "a key is symmetric if the hash is", test_keys },
	{ "every bit of a key that matters is seen", test_every_bit },
	{ "a key that is too short is not symmetric", test_short_key },
	{ "the function and its transform decide first", test_functions },
	{ "fields of one end are named with their kind", test_fields },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "receive side scaling", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
