/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v9, octet by octet where it is short, and at its boundaries where it is long. Whole
 * captures are read back in tests/golden. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/statistics.h"
#include "flow_maker.h"
#include "netflow_run.h"
#include "sample.h"
#include "unit.h"

#define HEADER 20

struct run {
	struct netflow_run base; /* the first member: the sink is given it */
	GPtrArray *packets;	 /* of GBytes */
	guint refuse_from;	 /* the sink fails at this packet; 0: never */
};

static bool keep(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct run *run = data;

	if (run->refuse_from > 0 && run->packets->len + 1 >= run->refuse_from) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, "full");
		return false;
	}
	g_ptr_array_add(run->packets, g_bytes_new(octets, length));
	return true;
}

static void unref(gpointer bytes)
{
	g_bytes_unref(bytes);
}

static bool run_open(struct run *run, const char *layout, struct encoder_options options,
		     GError **error)
{
	*run = (struct run){ .base.ops = &netflow9_encoder,
			     .packets = g_ptr_array_new_with_free_func(unref) };
	return netflow_run_open(&run->base, layout, options, keep, error);
}

static void run_close(struct run *run)
{
	netflow_run_close(&run->base);
	g_ptr_array_unref(run->packets);
}

static bool run_encode(struct run *run, const struct flow_record *record, GError **error)
{
	return netflow_run_encode(&run->base, record, error);
}

static void run_flows(struct run *run, guint64 count)
{
	g_autofree struct flow_batch *batch = g_new0(struct flow_batch, 1);

	for (guint64 done = 0; done < count; done += batch->count) {
		flow_maker_fill(batch, done, count - done);
		CU_ASSERT_TRUE(netflow9_encoder.encode(run->base.encoder, batch, &run->base.records,
						       NULL));
	}
}

static bool flush(struct run *run)
{
	return netflow9_encoder.flush(run->base.encoder, NULL);
}

static const guint8 *packet(const struct run *run, guint index, gsize *ret_length)
{
	CU_ASSERT_TRUE_FATAL(index < run->packets->len);
	return g_bytes_get_data(g_ptr_array_index(run->packets, index), ret_length);
}

#define SHORT                                                                                 \
	"flow uniflow\nip 4\nflowStartMilliseconds\nflowEndMilliseconds\nsourceIPv4Address\n" \
	"octetDeltaCount\ntcpControlBits\nminimumTTL\n"

/* Both directions of sample_tcp() under the layout SHORT; the whole first packet. */
static void test_literal(void)
{
	/* clang-format off */
	static const guint8 expected[] = {
		0, 9, 0, 7, 0x40, 0x00, 0x00, 0xb0, 0x6b, 0x01, 0x49, 0x6c, 0, 0, 0, 0, 0, 0, 0, 7,
		/* the template */
		0, 0, 0, 40, 1, 0, 0, 8, 0, 22, 0, 4, 0, 152, 0, 8, 0, 21, 0, 4, 0, 153, 0, 8,
		0, 8, 0, 4, 0, 1, 0, 8, 0, 6, 0, 1, 0, 52, 0, 1,
		/* two templates of options */
		0, 1, 0, 44, 1, 2, 0, 4, 0, 8, 0, 1, 0, 4, 0, 34, 0, 4, 0, 35, 0, 1,
		1, 3, 0, 4, 0, 12, 0, 1, 0, 4, 0, 40, 0, 8, 0, 41, 0, 8, 0, 42, 0, 8,
		/* their data: every 100th packet; nothing sent yet */
		1, 2, 0, 16, 0, 0, 0, 7, 0, 0, 0, 100, 1, 0, 0, 0,
		1, 3, 0, 32, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,
		/* from 198.51.100.7, and from 192.0.2.1 */
		1, 0, 0, 80,
		0x3f, 0xff, 0xf1, 0x8b, 0x00, 0x00, 0x01, 0xa1, 0xfd, 0x06, 0xbe, 0xbb,
		0x3f, 0xff, 0xfb, 0x4f, 0x00, 0x00, 0x01, 0xa1, 0xfd, 0x06, 0xc8, 0x7f,
		198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0x04, 0xd2, 0x1b, 60,
		0x3f, 0xff, 0xf1, 0x8c, 0x00, 0x00, 0x01, 0xa1, 0xfd, 0x06, 0xbe, 0xbc,
		0x3f, 0xff, 0xfd, 0x43, 0x00, 0x00, 0x01, 0xa1, 0xfd, 0x06, 0xca, 0x73,
		192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0x13, 0x88, 0x13, 250,
	};
	/* clang-format on */
	const struct flow_record record = sample_tcp();
	struct run run;
	gsize length;

	CU_ASSERT_TRUE_FATAL(run_open(
		&run, SHORT, (struct encoder_options){ .domain = 7, .sampling = 100 }, NULL));
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL));
	CU_ASSERT_EQUAL(run.base.records, 2);
	CU_ASSERT_EQUAL(run.packets->len, 0);
	CU_ASSERT_TRUE(flush(&run));
	CU_ASSERT_EQUAL(run.packets->len, 1);
	packet(&run, 0, &length);
	CU_ASSERT_EQUAL_FATAL(length, sizeof(expected));
	for (gsize i = 0; i < length; i++) {
		CU_ASSERT_EQUAL(packet(&run, 0, NULL)[i], expected[i]);
		if (packet(&run, 0, NULL)[i] != expected[i])
			printf("octet %zu is %02x\n", i, packet(&run, 0, NULL)[i]);
	}
	run_close(&run);
}

/* Records of a packet by its own account, every flowset and the padding looked at. */
static guint records_of(const guint8 *octets, gsize length, const gsize sizes[4])
{
	guint records = 0;

	for (gsize at = HEADER; at < length; at += load_be16(octets + at + 2)) {
		guint16 id = load_be16(octets + at);
		gsize content = load_be16(octets + at + 2) - 4u;

		CU_ASSERT_EQUAL_FATAL(content % 4, 0);
		CU_ASSERT_TRUE_FATAL(content > 0 && at + 4 + content <= length);
		if (id < 256) { /* one packet only: all templates of each kind in one set */
			records += 2;
			continue;
		}
		CU_ASSERT_TRUE(id <= 259);
		records += (guint)(content / sizes[id - 256]);
		CU_ASSERT_TRUE(content % sizes[id - 256] < 4);
	}
	return records;
}

static gsize size_of(const guint8 *templates, guint number)
{
	gsize size = 0;

	for (guint i = 0; i < number; i++, templates += 4)
		size += load_be16(templates + 2);
	return size;
}

/* Every packet is within the limit, counts what it holds, and follows the one before it. */
static void check_packets(const struct run *run, gsize max)
{
	const guint8 *first = packet(run, 0, NULL);
	guint columns = load_be16(first + HEADER + 6);
	const guint8 *second = first + HEADER + 8 + 4 * (gsize)columns;
	gsize sizes[4] = { size_of(first + HEADER + 8, columns),
			   size_of(second + 4, load_be16(second + 2)), 9, 28 };
	guint64 records = 0;

	for (guint i = 0; i < run->packets->len; i++) {
		gsize length;
		const guint8 *octets = packet(run, i, &length);

		CU_ASSERT_TRUE(length <= max);
		CU_ASSERT_EQUAL(load_be16(octets), 9);
		CU_ASSERT_EQUAL(load_be32(octets + 12), i);
		CU_ASSERT_EQUAL(load_be16(octets + 2), records_of(octets, length, sizes));
		records += load_be16(octets + 2);
	}
	CU_ASSERT_EQUAL(records,
			run->base.records + 6); /* four templates, two records of options */
}

static void test_limits(void)
{
	for (guint16 max = 336; max < 356; max++) {
		struct run run;

		CU_ASSERT_TRUE_FATAL(
			run_open(&run, "v9", (struct encoder_options){ .message_max = max }, NULL));
		run_flows(&run, 60);
		CU_ASSERT_TRUE(flush(&run));
		check_packets(&run, max);
		CU_ASSERT_TRUE(run.packets->len > 20);
		run_close(&run);
	}
}

static void test_default_limit(void)
{
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "ntop", (struct encoder_options){ 0 }, NULL));
	run_flows(&run, 500);
	CU_ASSERT_TRUE(flush(&run));
	check_packets(&run, 1400);
	CU_ASSERT_EQUAL(run.base.records, 500);
	CU_ASSERT_TRUE(flush(&run)); /* and nothing is left */
	check_packets(&run, 1400);
	run_close(&run);
}

/* The value of the statistics: octets, packets and records before. */
static void check_statistics(const guint8 *octets, gsize templates, const guint64 sent[3])
{
	const guint8 *at = octets + HEADER + templates + 44 + 16;

	CU_ASSERT_EQUAL_FATAL(load_be16(at), 259);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(load_be32(at + 8 + i * 8 + 4), sent[i]);
}

static void test_refresh(void)
{
	const struct flow_record record = sample_tcp();
	struct run run;
	gsize length;
	gsize again;

	CU_ASSERT_TRUE_FATAL(run_open(&run, SHORT, (struct encoder_options){ 0 }, NULL));
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL) && flush(&run));
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL));
	netflow9_encoder.refresh(run.base.encoder);
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL) && flush(&run));
	CU_ASSERT_EQUAL_FATAL(run.packets->len, 3);
	packet(&run, 0, &length);
	packet(&run, 1, &again);
	check_statistics(packet(&run, 2, NULL), 40, (const guint64[3]){ length + again, 2, 4 });
	netflow9_encoder.refresh(run.base.encoder);
	CU_ASSERT_TRUE(flush(&run)); /* at once, without a record */
	CU_ASSERT_EQUAL_FATAL(run.packets->len, 4);
	packet(&run, 3, &again);
	CU_ASSERT_EQUAL(again, length - 80);
	CU_ASSERT_EQUAL(run.base.records, 6);
	run_close(&run);
}

static guint64 report(struct run *run, const struct flow_interface *interface)
{
	const struct export_statistics statistics = { .interfaces = &interface,
						      .interfaces_count = 1 };
	const struct export_counts counts = { .message_octets = 7, .messages = 5, .records = 3 };
	guint64 options = 0;

	CU_ASSERT_TRUE(netflow9_encoder.report(run->base.encoder,
					       &(struct export_report){ &statistics, &counts },
					       &options, NULL));
	return options;
}

/* The statistics, then the interface's template and its only record; whole names end in a zero. */
static void test_report(void)
{
	g_autofree char *name = g_strnfill(100, 'n');
	const struct flow_interface interface = { .index = 70000, .name = flow_text_of(name) };
	const struct flow_record record = sample_tcp();
	struct run run;
	const guint8 *at;
	gsize length;

	CU_ASSERT_TRUE_FATAL(run_open(
		&run, SHORT, (struct encoder_options){ .lasting_introduction = true }, NULL));
	CU_ASSERT_EQUAL(report(&run, &interface), 0); /* there is no time yet */
	CU_ASSERT_EQUAL(run.packets->len, 0);
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL) && flush(&run));
	CU_ASSERT_EQUAL(report(&run, &interface), 2);
	CU_ASSERT_EQUAL_FATAL(run.packets->len, 2);
	at = packet(&run, 1, &length) + HEADER;
	CU_ASSERT_EQUAL_FATAL(length, HEADER + 32 + 24 + 4 + 132);
	CU_ASSERT_EQUAL(load_be16(at), 259);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(load_be32(at + 8 + i * 8 + 4), 7 - 2 * (guint32)i);
	CU_ASSERT_EQUAL(load_be16(at + 32), 1);
	CU_ASSERT_EQUAL(load_be16(at + 32 + 24), 260);
	at += 32 + 24 + 4;
	CU_ASSERT_EQUAL(load_be32(at), 70000);
	CU_ASSERT_EQUAL(at[4 + 62], 'n');
	CU_ASSERT_EQUAL(at[4 + 63], 0);
	CU_ASSERT_EQUAL(at[4 + 64], 0);
	/* What is told again and again must not say what was true at the start. */
	packet(&run, 0, &length);
	at = packet(&run, 0, NULL) + HEADER + 40 + 44;
	CU_ASSERT_EQUAL(load_be16(at), 258);
	CU_ASSERT_EQUAL(load_be16(at + 16), 256);
	run_close(&run);
}

static void test_report_in_short_packets(void)
{
	const struct flow_interface interface = { .index = 1, .name = { "eth0", 4 } };
	const struct flow_record record = sample_tcp();
	struct run run;

	CU_ASSERT_TRUE_FATAL(
		run_open(&run, SHORT, (struct encoder_options){ .message_max = 120 }, NULL));
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL) && flush(&run));
	g_ptr_array_set_size(run.packets, 0);
	CU_ASSERT_EQUAL(report(&run, &interface), 1);
	CU_ASSERT_EQUAL_FATAL(run.packets->len, 1); /* only the statistics find room */
	CU_ASSERT_EQUAL(load_be16(packet(&run, 0, NULL) + 2), 1);
	run_close(&run);
}

static void test_refusals(void)
{
	static const struct {
		const char *layout;
		guint16 max;
		const char *says;
	} wrong[] = {
		{ "standard", 0, "biflowDirection" },
		{ "biflow", 0, "transportOctetDeltaCount in a biflow" },
		{ "flow biflow\noctetDeltaCount\nreverseTcpControlBits\n", 0,
		  "reverseTcpControlBits" },
		{ "flow uniflow\noctetDeltaCount\ntcpHandshakeRtt\n", 0, "tcpHandshakeRtt" },
		{ "flow biflow\noctetDeltaCount\npacketTtl1\n", 0, "packetTtl1" },
		{ "flow uniflow\nflowStartNanoseconds\n", 0, "flowStartNanoseconds" },
		{ "flow uniflow\nprotocolIdentifier\nipVersion\n", 0, "padding" },
		{ "v9", 120, "raise mtu" },
		{ "flow uniflow\nip 4\nsourceIPv4Address\n", 51, "raise mtu" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		struct run run;

		CU_ASSERT_FALSE(run_open(&run, wrong[i].layout,
					 (struct encoder_options){ .message_max = wrong[i].max },
					 &error));
		CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
		CU_ASSERT_PTR_NOT_NULL(strstr(error->message, wrong[i].says));
		run_close(&run);
	}
}

static void test_smallest(void)
{
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "flow uniflow\nip 4\nsourceIPv4Address\n",
				      (struct encoder_options){ .message_max = 52 }, NULL));
	run_flows(&run, 5);
	CU_ASSERT_TRUE(flush(&run));
	for (guint i = 0; i < run.packets->len; i++) {
		gsize length;

		packet(&run, i, &length);
		CU_ASSERT_TRUE(length <= 52);
	}
	run_close(&run);
}

/* A clock of 31 bits would end after 25 days; each packet is right by itself. */
static void test_long_run(void)
{
	static const guint8 days[] = { 0, 10, 13, 30, 29, 200 };
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, SHORT, (struct encoder_options){ 0 }, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(days); i++) {
		struct flow_record record = sample_tcp();
		guint64 later = days[i] * G_GUINT64_CONSTANT(86400) * FLOW_SECOND_NS;

		for (int side = 0; side < 2; side++) {
			record.flow.side[side].first_ns += later;
			record.flow.side[side].last_ns += later;
		}
		CU_ASSERT_TRUE(run_encode(&run, &record, NULL) && flush(&run));
	}
	CU_ASSERT_EQUAL_FATAL(run.packets->len, G_N_ELEMENTS(days));
	for (guint i = 0; i < run.packets->len; i++) {
		gsize length;
		const guint8 *octets = packet(&run, i, &length);
		const guint8 *record = octets + length - 2 * 38; /* the last two of them */
		guint64 boot =
			load_be32(octets + 8) * G_GUINT64_CONSTANT(1000) - load_be32(octets + 4);
		guint64 first_ms = (guint64)load_be32(record + 4) << 32 | load_be32(record + 8);

		CU_ASSERT_TRUE(load_be32(octets + 4) <= G_MAXINT32);
		CU_ASSERT_EQUAL(boot + load_be32(record), first_ms);
		CU_ASSERT_EQUAL(boot % 1000, 0);
	}
	run_close(&run);
}

/* What a clock of 32 bits cannot say is left out and counted by the caller. */
static void test_untellable(void)
{
	struct flow_record record = sample_tcp();
	struct flow_side *side = &record.flow.side[FLOW_FROM_LOW];
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, SHORT, (struct encoder_options){ 0 }, NULL));
	side->last_ns = record.flow.side[FLOW_FROM_HIGH].first_ns + 49 * 86400 * FLOW_SECOND_NS;
	CU_ASSERT_EQUAL(netflow9_encoder.records(run.base.encoder, &record.flow), 2);
	side->last_ns += FLOW_SECOND_NS * 86400;
	CU_ASSERT_EQUAL(netflow9_encoder.records(run.base.encoder, &record.flow), 0);
	CU_ASSERT_TRUE(run_encode(&run, &record, NULL));
	CU_ASSERT_EQUAL(run.base.records, 0);
	record = sample_icmp6(); /* the layout takes IPv4 */
	CU_ASSERT_EQUAL(netflow9_encoder.records(run.base.encoder, &record.flow), 0);
	run_close(&run);
}

static void test_sink_fails(void)
{
	const struct flow_record record = sample_tcp();
	g_autoptr(GError) error = NULL;
	struct run run;
	int tries = 0;

	CU_ASSERT_TRUE_FATAL(run_open(&run, SHORT, (struct encoder_options){ 0 }, NULL));
	run.refuse_from = 1;
	while (tries < 100 && run_encode(&run, &record, &error))
		tries++;
	CU_ASSERT_TRUE(error != NULL && strcmp(error->message, "full") == 0);
	CU_ASSERT_TRUE(tries > 5);
	run_close(&run);
}

static CU_TestInfo tests[] = {
	{ "a packet is these octets", test_literal },
	{ "packets of every length are whole and count themselves [41]", test_limits },
	{ "packets have up to 1400 octets, of biflows as well", test_default_limit },
	{ "templates are told again on request, and what was sent", test_refresh },
	{ "what v9 has no number for is refused by name [43]", test_refusals },
	{ "the smallest packets hold one record each", test_smallest },
	{ "the clock is right for months [44]", test_long_run },
	{ "flows longer than the clock are not told [44]", test_untellable },
	{ "a sink that fails is told on", test_sink_fails },
	{ "reports tell statistics and interfaces, and the introduction none that age",
	  test_report },
	{ "an interface that no packet has room for is left out", test_report_in_short_packets },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "netflow9", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
