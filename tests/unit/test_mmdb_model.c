/* SPDX-License-Identifier: BSD-2-Clause */
/* The writer of MaxMind databases against a model that knows nothing of trees: a list of ranges, of
 * which the last one that has the address is right. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "mmdb_base.h"
#include "unit.h"

struct rule {
	struct mmdb_range range;
	guint32 number;
};

static bool has(const struct mmdb_range *range, guint bits, const guint8 *address)
{
	return range->bits == bits && memcmp(range->first, address, bits / 8) <= 0 &&
	       memcmp(address, range->last, bits / 8) <= 0;
}

static guint32 model_at(const GArray *rules, guint bits, const guint8 *address)
{
	for (guint i = rules->len; i > 0; i--) {
		const struct rule *rule = &g_array_index(rules, struct rule, i - 1);

		if (has(&rule->range, bits, address))
			return rule->number;
	}
	return 0;
}

/* Few different octets, so that ranges meet, nest and lie side by side. */
static void random_address(GRand *random, guint bits, guint8 *address)
{
	static const guint8 octets[] = { 0, 1, 127, 128, 255, 254 };

	for (guint i = 0; i < bits / 8; i++)
		address[i] = octets[g_rand_int_range(random, 0, G_N_ELEMENTS(octets))];
	if (bits == MMDB_BITS_6)
		address[0] = 0x30 | (address[0] & 0x3); /* away from the places of IPv4 */
}

static struct mmdb_range random_range(GRand *random, guint bits)
{
	struct mmdb_range range = { .bits = bits };
	guint8 one[16] = { 0 };
	guint8 other[16] = { 0 };
	guint length = (guint)g_rand_int_range(random, 4, (gint32)bits + 1);
	bool swap;

	random_address(random, bits, one);
	random_address(random, bits, other);
	if (g_rand_boolean(random)) { /* a prefix */
		memcpy(other, one, sizeof(other));
		for (guint bit = length; bit < bits; bit++) {
			one[bit / 8] &= (guint8) ~(1 << (7 - bit % 8));
			other[bit / 8] |= (guint8)(1 << (7 - bit % 8));
		}
	}
	swap = memcmp(one, other, sizeof(one)) > 0;
	memcpy(range.first, swap ? other : one, sizeof(one));
	memcpy(range.last, swap ? one : other, sizeof(one));
	return range;
}

/* 1 up or down, over the end of the address space and around. */
static void step(guint8 *address, guint bits, bool up)
{
	for (guint i = bits / 8; i > 0; i--) {
		address[i - 1] = (guint8)(address[i - 1] + (up ? 1 : 255));
		if (address[i - 1] != (up ? 0 : 255))
			return;
	}
}

static bool agrees(const MMDB_s *mmdb, const GArray *rules, guint bits, const guint8 *address)
{
	char text[INET6_ADDRSTRLEN];
	g_autofree char *found = NULL;
	g_autofree char *wanted = NULL;
	guint32 number = model_at(rules, bits, address);

	if (bits == MMDB_BITS_6 && (address[0] & 0xf0) != 0x30)
		return true; /* a step too far */
	inet_ntop(bits == MMDB_BITS_6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	found = text_at(mmdb, text);
	wanted = number ? g_strdup_printf("%u", number) : NULL;
	if (g_strcmp0(found, wanted) == 0)
		return true;
	fprintf(stderr, "%s: %s, not %s\n", text, found, wanted);
	return false;
}

static bool boundaries_agree(const MMDB_s *mmdb, const GArray *rules,
			     const struct mmdb_range *range)
{
	bool good = true;

	for (guint end = 0; end < 2; end++) {
		guint8 address[16];

		memcpy(address, end ? range->last : range->first, sizeof(address));
		good &= agrees(mmdb, rules, range->bits, address);
		step(address, range->bits, end);
		good &= agrees(mmdb, rules, range->bits, address);
	}
	return good;
}

static bool set_agrees(guint32 seed, guint least_bits)
{
	g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(struct rule));
	GRand *random = g_rand_new_with_seed(seed);
	struct base base = base_new();
	bool good = true;
	MMDB_s mmdb;

	for (guint i = 1; i < 5; i++) {
		g_autofree char *text = g_strdup_printf("%u", i);

		means(&base, mmdb_utf8(base.values, text));
	}
	for (guint i = 0; i < 60; i++) {
		struct rule rule = { .number = (guint32)g_rand_int_range(random, 0, 5) };

		rule.range =
			random_range(random, g_rand_boolean(random) ? MMDB_BITS_4 : MMDB_BITS_6);
		mmdb_tree_set(base.tree, &rule.range, rule.number);
		g_array_append_val(rules, rule);
	}
	write_with(&base, least_bits);
	mmdb = read_back(&base);
	CU_ASSERT_EQUAL(mmdb.metadata.record_size, least_bits);
	for (guint i = 0; i < rules->len; i++)
		good &= boundaries_agree(&mmdb, rules, &g_array_index(rules, struct rule, i).range);
	MMDB_close(&mmdb);
	base_free(&base);
	g_rand_free(random);
	if (!good)
		fprintf(stderr, "seed %u\n", seed);
	return good;
}

static void random_sets(void)
{
	static const guint bits[] = { 24, 28, 32 };
	guint bad = 0;

	for (guint32 seed = 0; seed < 300; seed++)
		bad += !set_agrees(seed, bits[seed % 3]);
	CU_ASSERT_EQUAL(bad, 0);
}

static CU_TestInfo tests[] = {
	{ "random ranges agree with the list at every boundary, in all record sizes", random_sets },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "mmdb_model", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
