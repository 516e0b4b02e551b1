/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v5, octet by octet, and what becomes of what it has no room for. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "flow_maker.h"
#include "netflow_run.h"
#include "sample.h"
#include "unit.h"

#define HEADER 24
#define RECORD 48

struct run {
	struct netflow_run base; /* the first member: the sink is given it */
	GByteArray *octets;
	guint packets;
	gsize longest;
};

static bool keep(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct run *run = data;

	(void)error;
	CU_ASSERT_EQUAL(load_be16(octets + 2) * RECORD + HEADER, (int)length);
	CU_ASSERT_EQUAL(load_be32(octets + 16),
			(run->octets->len - run->packets * HEADER) / RECORD);
	g_byte_array_append(run->octets, octets, (guint)length);
	run->packets++;
	run->longest = MAX(run->longest, length);
	return true;
}

static bool run_open(struct run *run, const char *layout, struct encoder_options options,
		     GError **error)
{
	*run = (struct run){ .base.ops = &netflow5_encoder, .octets = g_byte_array_new() };
	return netflow_run_open(&run->base, layout, options, keep, error);
}

static void run_close(struct run *run)
{
	netflow_run_close(&run->base);
	g_byte_array_unref(run->octets);
}

static void run_encode(struct run *run, const struct flow_record *record)
{
	CU_ASSERT_TRUE(netflow_run_encode(&run->base, record, NULL));
}

static void check_octets(const struct run *run, const guint8 *expected, gsize length)
{
	CU_ASSERT_EQUAL_FATAL(run->octets->len, length);
	CU_ASSERT_EQUAL(memcmp(run->octets->data, expected, length), 0);
}

static void test_literal(void)
{
	/* clang-format off */
	static const guint8 expected[] = {
		0, 5, 0, 2, 0x40, 0x00, 0x00, 0xb0, 0x6b, 0x01, 0x49, 0x6c, 0, 0, 0, 0,
		0, 0, 0, 0, 3, 9, 0x80, 100,
		198, 51, 100, 7, 192, 0, 2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0x04, 0xd2,
		0x3f, 0xff, 0xf1, 0x8b, 0x3f, 0xff, 0xfb, 0x4f, 0x01, 0xbb, 0x9c, 0x40, 0, 0x1b, 6, 0x10,
		0, 0, 0, 0, 0, 0, 0, 0,
		192, 0, 2, 1, 198, 51, 100, 7, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0x13, 0x88,
		0x3f, 0xff, 0xf1, 0x8c, 0x3f, 0xff, 0xfd, 0x43, 0x9c, 0x40, 0x01, 0xbb, 0, 0x13, 6, 0,
		0, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	const struct flow_record record = sample_tcp();
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "v5",
				      (struct encoder_options){ .domain = 3 << 8 | 9,
								.sampling = 100,
								.random_sampling = true },
				      NULL));
	run_encode(&run, &record);
	CU_ASSERT_EQUAL(run.packets, 0);
	CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL));
	check_octets(&run, expected, sizeof(expected));
	CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL)); /* nothing twice */
	CU_ASSERT_EQUAL(run.packets, 1);
	run_close(&run);
}

static void test_full_packets(void)
{
	static const struct {
		guint16 max;
		gsize longest;
	} cases[] = {
		{ 0, HEADER + 30 * RECORD },
		{ 9000, HEADER + 30 * RECORD },
		{ 1400, HEADER + 28 * RECORD },
		{ HEADER + RECORD, HEADER + RECORD },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct flow_record record = sample_tcp();
		struct run run;

		CU_ASSERT_TRUE_FATAL(run_open(
			&run, "v5", (struct encoder_options){ .message_max = cases[i].max }, NULL));
		for (int flows = 0; flows < 100; flows++)
			run_encode(&run, &record);
		CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL));
		CU_ASSERT_EQUAL(run.longest, cases[i].longest);
		CU_ASSERT_EQUAL(run.base.records, 200);
		CU_ASSERT_EQUAL(run.octets->len, run.packets * HEADER + 200 * RECORD);
		run_close(&run);
	}
}

static guint64 sum_of(const struct run *run, gsize member)
{
	guint64 sum = 0;

	for (guint64 i = 0; i < run->base.records; i++)
		sum += load_be32(run->octets->data + HEADER + i * RECORD + member);
	return sum;
}

/* Several records that add up, none of them with more packets than octets. */
static void test_wide_counters(void)
{
	struct flow_record record = sample_tcp();
	struct flow_side *side = &record.flow.side[FLOW_FROM_HIGH];
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "v5", (struct encoder_options){ 0 }, NULL));
	record.flow.side[FLOW_FROM_LOW].packets = 0;
	side->octets = 3 * (guint64)G_MAXUINT32 + 1;
	side->packets = 10000001;
	CU_ASSERT_EQUAL(netflow5_encoder.records(run.base.encoder, &record.flow), 4);
	run_encode(&run, &record);
	CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL));
	CU_ASSERT_EQUAL(run.base.records, 4);
	CU_ASSERT_EQUAL(sum_of(&run, 16), side->packets);
	CU_ASSERT_EQUAL(sum_of(&run, 20), side->octets);
	side->octets = G_MAXUINT32;
	side->packets = G_MAXUINT32;
	CU_ASSERT_EQUAL(netflow5_encoder.records(run.base.encoder, &record.flow), 1);
	side->octets = G_MAXUINT64; /* a fault, not a flow */
	CU_ASSERT_EQUAL(netflow5_encoder.records(run.base.encoder, &record.flow), 0);
	side->octets = (guint64)G_MAXUINT32 + 1;
	side->packets = 1;
	CU_ASSERT_EQUAL(netflow5_encoder.records(run.base.encoder, &record.flow), 0);
	run_close(&run);
}

static void test_icmp(void)
{
	struct flow_record record = sample_tcp();
	struct run run;

	record.flow.key.proto = 1;
	record.flow.side[FLOW_FROM_HIGH].icmp = 3 << 8 | 13;
	record.flow.side[FLOW_FROM_LOW].packets = 0;
	CU_ASSERT_TRUE_FATAL(run_open(&run, "v5", (struct encoder_options){ 0 }, NULL));
	run_encode(&run, &record);
	CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL));
	CU_ASSERT_EQUAL(load_be16(run.octets->data + HEADER + 32), 0);
	CU_ASSERT_EQUAL(load_be16(run.octets->data + HEADER + 34), 3 << 8 | 13);
	run_close(&run);
}

static void test_untold(void)
{
	struct flow_record record = sample_icmp6();
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "v5", (struct encoder_options){ 0 }, NULL));
	CU_ASSERT_EQUAL(netflow5_encoder.records(run.base.encoder, &record.flow), 0);
	run_encode(&run, &record);
	record = sample_tcp();
	record.flow.side[FLOW_FROM_LOW].last_ns += 50 * 86400 * FLOW_SECOND_NS;
	CU_ASSERT_EQUAL(netflow5_encoder.records(run.base.encoder, &record.flow), 0);
	run_encode(&run, &record);
	CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL));
	CU_ASSERT_EQUAL(run.packets, 0);
	CU_ASSERT_EQUAL(run.base.records, 0);
	run_close(&run);
}

/* The layout is fixed, but a column that the template leaves out stays 0. */
static void test_left_out(void)
{
	const struct flow_record record = sample_tcp();
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "flow uniflow\nip 4\noctetDeltaCount\n",
				      (struct encoder_options){ 0 }, NULL));
	run_encode(&run, &record);
	CU_ASSERT_TRUE(netflow5_encoder.flush(run.base.encoder, NULL));
	for (guint at = 0; at < RECORD; at++) {
		if (at < 20 || at >= 24)
			CU_ASSERT_EQUAL(run.octets->data[HEADER + at], 0);
	}
	CU_ASSERT_EQUAL(load_be32(run.octets->data + HEADER + 20), 1234);
	run_close(&run);
}

static void test_refusals(void)
{
	static const struct {
		const char *layout;
		struct encoder_options options;
		const char *says;
	} wrong[] = {
		{ "standard", { 0 }, "ipVersion" },
		{ "biflow", { 0 }, "one direction" },
		{ "flow uniflow\nip 6\noctetDeltaCount\n", { 0 }, "IPv4" },
		{ "v5", { .domain = 65536 }, "65535" },
		{ "v5", { .sampling = 16384 }, "16383" },
		{ "v5", { .message_max = 71 }, "72" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		struct run run;

		CU_ASSERT_FALSE(run_open(&run, wrong[i].layout, wrong[i].options, &error));
		CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
		CU_ASSERT_PTR_NOT_NULL(strstr(error->message, wrong[i].says));
		run_close(&run);
	}
}

static CU_TestInfo tests[] = {
	{ "a packet is these octets", test_literal },
	{ "a packet has up to 30 records", test_full_packets },
	{ "counters above 32 bits become records that add up", test_wide_counters },
	{ "ICMP has its type and code for a port", test_icmp },
	{ "IPv6 and flows longer than the clock are not told", test_untold },
	{ "what the template leaves out is 0", test_left_out },
	{ "what v5 has no place for is refused by name", test_refusals },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "netflow5", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
