/* SPDX-License-Identifier: BSD-2-Clause */
/* The key: one for both directions, compared in full, hashed evenly under any seed. */
#include "capture/native_meter.h"
#include "meter_home.h"
#include "unit.h"

#define KEYS	100000
#define BUCKETS 1024

static struct flow_key key_of(guint8 from, guint16 source, guint8 to, guint16 destination,
			      guint *ret_side)
{
	struct made_ip ip = { .from = from, .to = to };
	struct made_frame made;
	struct packet pkt;

	made_udp4(&made, &ip, source, destination);
	CU_ASSERT_EQUAL(home_parse_made(&made, &pkt), METER_OK);
	*ret_side = pkt.side;
	return pkt.key;
}

static void test_directions(void)
{
	for (guint i = 0; i < 1000; i++) {
		guint8 a = (guint8)(i * 7 % 5);
		guint8 b = (guint8)(i * 11 % 6);
		guint16 p = (guint16)(i * 13 % 17 * 997);
		guint16 q = (guint16)(i * 19 % 23 * 1009);
		guint side;
		guint back_side;
		struct flow_key key = key_of(a, p, b, q, &side);
		struct flow_key back = key_of(b, q, a, p, &back_side);

		CU_ASSERT_TRUE(key_equal(&key, &back));
		CU_ASSERT_EQUAL(memcmp(&key, &back, sizeof(key)), 0);
		CU_ASSERT_EQUAL(side == back_side, a == b && p == q);
		CU_ASSERT_FALSE(key_is_high_first(&key));
	}
}

static void test_equal_ends(void)
{
	guint side;
	struct flow_key key = key_of(1, 7, 1, 7, &side);

	CU_ASSERT_EQUAL(side, FLOW_FROM_LOW);
	CU_ASSERT_EQUAL(key.low[1], key.high[1]);
	key_of(1, 7, 1, 8, &side);
	CU_ASSERT_EQUAL(side, FLOW_FROM_LOW);
	key = key_of(1, 8, 1, 7, &side);
	CU_ASSERT_EQUAL(side, FLOW_FROM_HIGH);
	CU_ASSERT_EQUAL(key.low_port, htons(7));
}

/* The addresses of IPv6 may differ in either half alone. */
static void test_halves(void)
{
	for (guint half = 0; half < 2; half++) {
		struct packet pkt = { 0 };
		struct packet back = { 0 };

		pkt.key.low[half] = 1;
		pkt.key.high[half] = 2;
		pkt.key.low_port = 9; /* ports do not count where addresses differ */
		back.key.low[half] = 2;
		back.key.high[half] = 1;
		back.key.high_port = 9;
		key_order(&pkt);
		key_order(&back);
		CU_ASSERT_TRUE(key_equal(&pkt.key, &back.key));
		CU_ASSERT_EQUAL(pkt.side, FLOW_FROM_LOW);
		CU_ASSERT_EQUAL(back.side, FLOW_FROM_HIGH);
	}
}

static void test_differences(void)
{
	struct meter_settings settings = native_settings(&(struct native_options){ .seed = 3 });
	struct flow_key key = { 0 };
	guint64 hash = key_hash(&key, settings.seed);

	for (guint bit = 0; bit < 8 * sizeof(key); bit++) {
		struct flow_key other = key;

		((guint8 *)&other)[bit / 8] ^= (guint8)(1u << bit % 8);
		CU_ASSERT_FALSE(key_equal(&key, &other));
		CU_ASSERT_FALSE(key_equal(&other, &key));
		CU_ASSERT_TRUE(key_equal(&other, &other));
		CU_ASSERT_NOT_EQUAL(hash, key_hash(&other, settings.seed));
	}
}

static void test_seeds(void)
{
	struct meter_settings one = native_settings(&(struct native_options){ .seed = 1 });
	struct meter_settings two = native_settings(&(struct native_options){ .seed = 2 });
	struct flow_key key = { .low = { 1, 2 }, .high = { 3, 4 }, .proto = 6, .tunnel_id = 5 };
	struct flow_key copy = key;

	for (guint i = 0; i < G_N_ELEMENTS(one.seed); i++) {
		CU_ASSERT_EQUAL(one.seed[i] & 1, 1);
		CU_ASSERT_NOT_EQUAL(one.seed[i], two.seed[i]);
	}
	CU_ASSERT_EQUAL(key_hash(&key, one.seed), key_hash(&copy, one.seed));
	CU_ASSERT_NOT_EQUAL(key_hash(&key, one.seed), key_hash(&key, two.seed));
}

/* Keys as networks have them: neighbours in address and port. */
static struct flow_key neighbour(guint32 i)
{
	struct flow_key key = { .proto = 6, .version = 4 };

	key.low[1] = (guint64)g_htonl(0x0a000000 + i / 200) << 32 | g_htonl(0xffff);
	key.high[1] = (guint64)g_htonl(0xc0000201) << 32 | g_htonl(0xffff);
	key.low_port = g_htons((guint16)(40000 + i % 200));
	key.high_port = g_htons(443);
	return key;
}

typedef struct flow_key make_key(guint32 i);

/* Each of 256 hosts of one network with each of 256 of another, by one port. */
static struct flow_key pair_of_hosts(guint32 i)
{
	struct flow_key key = { .proto = 17, .version = 4 };

	key.low[1] = (guint64)g_htonl(0x0a000000 + i % 256) << 32 | g_htonl(0xffff);
	key.high[1] = (guint64)g_htonl(0x0a000100 + i / 256 % 256) << 32 | g_htonl(0xffff);
	key.low_port = key.high_port = g_htons(123);
	return key;
}

/* The same with IPv6. */
static struct flow_key pair_of_hosts_6(guint32 i)
{
	struct flow_key key = pair_of_hosts(i);

	key.version = 6;
	key.low[0] = key.high[0] = GUINT64_TO_BE(0x20010db800000000);
	key.low[1] = GUINT64_TO_BE(i % 256);
	key.high[1] = GUINT64_TO_BE(256 + i / 256 % 256);
	return key;
}

/* Sum over buckets of (count - mean)^2 / mean: of chance about BUCKETS, deviation sqrt(2 BUCKETS),
 * which is 45. The keys are fixed, so what passes once passes always. */
static double spread(const struct meter_settings *settings, guint shift, make_key *make)
{
	guint counts[BUCKETS] = { 0 };
	double mean = (double)KEYS / BUCKETS;
	double sum = 0;

	for (guint32 i = 0; i < KEYS; i++) {
		struct flow_key key = make(i);

		counts[key_hash(&key, settings->seed) >> shift & (BUCKETS - 1)]++;
	}
	for (guint i = 0; i < BUCKETS; i++)
		sum += (counts[i] - mean) * (counts[i] - mean) / mean;
	return sum;
}

static void test_spread(void)
{
	static const guint shifts[] = { 22, 32, 54 }; /* the native index takes the top ones */
	static make_key *const keys[] = { neighbour, pair_of_hosts, pair_of_hosts_6 };

	for (guint64 seed = 1; seed <= 4; seed++) {
		struct meter_settings settings =
			native_settings(&(struct native_options){ .seed = seed });

		for (guint i = 0; i < G_N_ELEMENTS(shifts); i++) {
			for (guint k = 0; k < G_N_ELEMENTS(keys); k++)
				CU_ASSERT_TRUE(spread(&settings, shifts[i], keys[k]) < 2 * BUCKETS);
		}
	}
}

static CU_TestInfo tests[] = {
	{ "both directions have one key and two sides", test_directions },
	{ "equal addresses are ordered by port, equal ends are the low side", test_equal_ends },
	{ "addresses are ordered by either half", test_halves },
	{ "keys that differ in any bit differ", test_differences },
	{ "a hash depends on key and seed alone", test_seeds },
	{ "neighbouring keys spread evenly under any seed", test_spread },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "key", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
