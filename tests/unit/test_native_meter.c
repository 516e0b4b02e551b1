/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter's native home: counters add up, and what comes out does not depend on how frames were
 * handed in, nor on the seed. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/native_meter.h"
#include "frame_build.h"
#include "unit.h"

#define FRAMES 1000
#define START  (1000 * FLOW_SECOND_NS)

/* Frames that own their octets. */
struct traffic {
	struct frame frames[FRAMES];
	guint count;
};

struct outcome {
	GByteArray *records;
	guint batches;
	guint count;
	guint full; /* batches of FLOW_BATCH_MAX records */
	guint64 packets;
	guint64 octets;
	guint ends[FLOW_END_RESOURCES + 1];
	struct meter_counts counts;
};

static void on_batch(void *data, struct flow_batch *batch)
{
	struct outcome *outcome = data;

	outcome->batches++;
	outcome->full += batch->count == FLOW_BATCH_MAX;
	for (size_t i = 0; i < batch->count; i++) {
		const struct flow_record *record = &batch->records[i];

		outcome->count++;
		outcome->packets += flow_packets(&record->flow);
		outcome->octets += flow_octets(&record->flow);
		outcome->ends[record->end]++;
		g_byte_array_append(outcome->records, (const guint8 *)record,
				    (guint)flow_record_size((enum flow_detail)record->detail));
	}
}

static struct native_options options_of(guint32 max_flows, guint64 seed)
{
	return (struct native_options){
		.idle_ns = 15 * FLOW_SECOND_NS,
		.active_ns = 60 * FLOW_SECOND_NS,
		.max_flows = max_flows,
		.detail = FLOW_DETAIL_FULL,
		.circumstances = FLOW_FILE_CLOCK,
		.seed = seed,
		.sink = on_batch,
	};
}

static struct outcome run(const struct traffic *traffic, struct native_options options,
			  guint a_call)
{
	struct outcome outcome = { .records = g_byte_array_new() };
	struct native_meter *meter;

	options.data = &outcome;
	meter = native_meter_new(&options, NULL);
	for (guint i = 0; i < traffic->count; i += a_call)
		native_meter_frames(meter, traffic->frames + i, MIN(a_call, traffic->count - i));
	native_meter_finish(meter);
	CU_ASSERT_EQUAL(native_meter_flows(meter), 0);
	outcome.counts = *native_meter_counts(meter);
	native_meter_free(meter);
	return outcome;
}

static void outcome_clear(struct outcome *outcome)
{
	g_byte_array_free(outcome->records, TRUE);
}

static void add(struct traffic *traffic, const struct made_frame *made, guint64 now_ns)
{
	struct frame *frame = &traffic->frames[traffic->count++];

	*frame = made_at(made, now_ns);
	frame->data = g_memdup2(made->octets, made->size);
}

/* UDP and TCP of many hosts, a frame every 20 ms, and one in ten that cannot be metered. */
static struct traffic *make_mix(void)
{
	struct traffic *traffic = g_new0(struct traffic, 1);
	struct made_frame made;

	for (guint i = 0; i < FRAMES; i++) {
		struct made_ip ip = { .from = (guint8)(i % 7),
				      .to = (guint8)(i % 11 + 100),
				      .payload = i % 900 };
		struct made_tcp tcp = { .source = 1000,
					.destination = (guint16)(i % 13),
					.flags = i % 97 ? 0x10 : 0x04,
					.seq = i };

		if (i % 3)
			made_udp4(&made, &ip, (guint16)(i % 17), 53);
		else
			made_tcp4(&made, &ip, &tcp);
		if (i % 10 == 9)
			made_patch16(&made, 12, 0x0806);
		add(traffic, &made, START + i * (FLOW_SECOND_NS / 50));
	}
	return traffic;
}

static void traffic_free(struct traffic *traffic)
{
	for (guint i = 0; i < traffic->count; i++)
		g_free((void *)traffic->frames[i].data);
	g_free(traffic);
}

static void test_counters(void)
{
	struct traffic *traffic = make_mix();
	struct outcome outcome = run(traffic, options_of(1000, 1), 50);
	guint64 wire = 0;
	guint64 frame_octets = 0;

	for (guint i = 0; i < FRAMES; i++)
		wire += traffic->frames[i].length;
	for (guint i = 0; i < METER_VERDICTS; i++)
		frame_octets += outcome.counts.frame_octets[i];
	CU_ASSERT_EQUAL(outcome.counts.packets[METER_OK], 900);
	CU_ASSERT_EQUAL(outcome.counts.packets[METER_NOT_IP], 100);
	CU_ASSERT_EQUAL(outcome.packets, 900);
	CU_ASSERT_EQUAL(outcome.octets, outcome.counts.octets);
	CU_ASSERT_EQUAL(outcome.counts.octets, outcome.counts.frame_octets[METER_OK] - 900 * 14);
	CU_ASSERT_EQUAL(frame_octets, wire);
	CU_ASSERT_EQUAL(outcome.counts.evicted, 0);
	CU_ASSERT_EQUAL(outcome.ends[FLOW_END_RESOURCES], 0);
	outcome_clear(&outcome);
	traffic_free(traffic);
}

/* As many as every Nth is, whichever frames a call; and at random, as many as that about. */
static void test_sampling(void)
{
	struct traffic *traffic = make_mix();
	struct native_options options = options_of(1000, 1);

	for (guint n = 1; n < 1200; n += 13) {
		struct outcome outcome;
		guint64 out;

		options.sample = n;
		options.sample_random = false;
		outcome = run(traffic, options, n);
		CU_ASSERT_EQUAL(outcome.counts.packets[METER_NOT_SAMPLED],
				FRAMES - (FRAMES + n - 1) / n);
		CU_ASSERT_EQUAL(outcome.packets, outcome.counts.packets[METER_OK]);
		outcome_clear(&outcome);
		options.sample_random = true;
		outcome = run(traffic, options, n);
		out = outcome.counts.packets[METER_NOT_SAMPLED];
		CU_ASSERT_TRUE(ABS((gint64)(FRAMES - out) - FRAMES / (gint64)n) < 80);
		CU_ASSERT_EQUAL(outcome.counts.packets[METER_OK] +
					outcome.counts.packets[METER_NOT_IP] + out,
				FRAMES);
		outcome_clear(&outcome);
	}
	traffic_free(traffic);
}

static void expect_same(struct outcome *one, struct outcome *other)
{
	CU_ASSERT_EQUAL(one->records->len, other->records->len);
	CU_ASSERT_EQUAL(memcmp(one->records->data, other->records->data,
			       MIN(one->records->len, other->records->len)),
			0);
	CU_ASSERT_EQUAL(memcmp(&one->counts, &other->counts, sizeof(one->counts)), 0);
	outcome_clear(other);
}

static void test_calls_and_seeds(void)
{
	static const guint calls[] = { 1, 2, 63, 64, 65, 127, 128, 129, 999, FRAMES };
	static const guint32 sizes[] = { 1, 5, 1000 };
	struct traffic *traffic = make_mix();

	for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
		struct outcome one = run(traffic, options_of(sizes[s], 1), FRAMES);

		for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
			struct outcome other = run(traffic, options_of(sizes[s], 77 + i), calls[i]);

			expect_same(&one, &other);
		}
		outcome_clear(&one);
	}
	traffic_free(traffic);
}

static void test_details(void)
{
	struct traffic *traffic = make_mix();

	for (guint detail = 0; detail < FLOW_DETAILS; detail++) {
		struct native_options options = options_of(1000, 1);
		struct outcome outcome;

		options.detail = (enum flow_detail)detail;
		outcome = run(traffic, options, 100);
		CU_ASSERT_EQUAL(outcome.packets, 900);
		CU_ASSERT_EQUAL(outcome.records->len,
				outcome.count * flow_record_size((enum flow_detail)detail));
		outcome_clear(&outcome);
	}
	traffic_free(traffic);
}

static void test_evictions(void)
{
	struct traffic *traffic = make_mix();

	for (guint32 flows = 1; flows < 40; flows += 6) {
		struct outcome outcome = run(traffic, options_of(flows, flows), 100);

		CU_ASSERT_TRUE(outcome.counts.evicted > 0);
		CU_ASSERT_EQUAL(outcome.counts.evicted, outcome.ends[FLOW_END_RESOURCES]);
		CU_ASSERT_EQUAL(outcome.packets, 900);
		CU_ASSERT_EQUAL(outcome.octets, outcome.counts.octets);
		outcome_clear(&outcome);
	}
	traffic_free(traffic);
}

/* So many flows that live at once. */
static struct outcome run_flows(guint flows)
{
	struct traffic *traffic = g_new0(struct traffic, 1);
	struct made_ip ip = { .from = 1, .to = 2 };
	struct made_frame made;
	struct outcome outcome;

	for (guint i = 0; i < flows; i++) {
		made_udp4(&made, &ip, (guint16)(i + 1), 53);
		add(traffic, &made, START + i);
	}
	outcome = run(traffic, options_of(1000, 1), FRAMES);
	traffic_free(traffic);
	return outcome;
}

static void test_batches(void)
{
	static const struct {
		guint flows;
		guint batches;
		guint full;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 1, 0 },
		{ FLOW_BATCH_MAX - 1, 1, 0 },
		{ FLOW_BATCH_MAX, 1, 1 },
		{ FLOW_BATCH_MAX + 1, 2, 1 },
		{ 2 * FLOW_BATCH_MAX, 2, 2 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct outcome outcome = run_flows(rows[i].flows);

		CU_ASSERT_EQUAL(outcome.count, rows[i].flows);
		CU_ASSERT_EQUAL(outcome.batches, rows[i].batches);
		CU_ASSERT_EQUAL(outcome.full, rows[i].full);
		CU_ASSERT_EQUAL(outcome.ends[FLOW_END_FORCED], rows[i].flows);
		outcome_clear(&outcome);
	}
}

static void test_parse_alone(void)
{
	struct traffic *traffic = make_mix();
	struct native_options options = options_of(10, 1);
	struct native_meter *meter = native_meter_new(&options, NULL);

	CU_ASSERT_EQUAL(native_meter_parse(meter, traffic->frames, FRAMES), 900);
	CU_ASSERT_EQUAL(native_meter_counts(meter)->packets[METER_OK], 0);
	CU_ASSERT_EQUAL(native_meter_flows(meter), 0);
	native_meter_free(meter);
	native_meter_free(NULL);
	traffic_free(traffic);
}

/* Fragments through the home's own table: more datagrams in flight than a set holds. */
static void test_fragments(void)
{
	struct traffic *traffic = g_new0(struct traffic, 1);
	struct traffic *later;
	struct outcome outcome;
	struct made_frame made;

	for (guint turn = 0; turn < 2; turn++) {
		for (guint id = 0; id < FRAMES / 2; id++) {
			struct made_ip ip = { .from = 1,
					      .to = 2,
					      .payload = 16,
					      .id = (guint16)(id + 1),
					      .fragment = turn ? 3 : 0x2000 };

			made_udp4(&made, &ip, 1000, 53);
			add(traffic, &made, START + turn * FLOW_SECOND_NS + id);
		}
	}
	outcome = run(traffic, options_of(10, 1), 64);
	CU_ASSERT_EQUAL(outcome.count, 1);
	CU_ASSERT_EQUAL(outcome.packets, FRAMES);
	CU_ASSERT_EQUAL(outcome.counts.orphans, 0);
	outcome_clear(&outcome);
	later = g_new0(struct traffic, 1);
	later->count = FRAMES / 2;
	memcpy(later->frames, traffic->frames + FRAMES / 2,
	       later->count * sizeof(later->frames[0]));
	outcome = run(later, options_of(10, 1), 64);
	CU_ASSERT_EQUAL(outcome.counts.orphans, FRAMES / 2);
	outcome_clear(&outcome);
	g_free(later); /* its octets are the traffic's */
	traffic_free(traffic);
}

/* Each datagram's later fragment, then all the first ones; in a table with room for some of them,
 * and with room for all. */
static void test_held_fragments(void)
{
	struct traffic *traffic = g_new0(struct traffic, 1);
	struct made_frame made;

	for (guint i = 0; i < FRAMES; i++) {
		const bool later = i < FRAMES / 2;
		struct made_ip ip = { .from = 1,
				      .to = 2,
				      .payload = 16,
				      .id = (guint16)(i % (FRAMES / 2) + 1),
				      .fragment = later ? 3 : 0x2000 };

		made_udp4(&made, &ip, 1000, 53);
		add(traffic, &made, START + i);
	}
	for (guint flows = 2; flows < 4 * FRAMES; flows *= 3) {
		const guint room = MIN(flows - 1, FRAMES / 2); /* one is the first ones' */
		struct outcome outcome = run(traffic, options_of(flows, flows), 64);

		CU_ASSERT_EQUAL(outcome.packets, FRAMES);
		CU_ASSERT_EQUAL(outcome.octets, outcome.counts.octets);
		CU_ASSERT_EQUAL(outcome.counts.orphans, outcome.counts.evicted);
		CU_ASSERT_EQUAL(outcome.count, 1 + outcome.counts.evicted);
		CU_ASSERT_EQUAL(outcome.counts.orphans, FRAMES / 2 - room);
		outcome_clear(&outcome);
	}
	traffic_free(traffic);
}

/* What this process maps now, in octets; of sanitizers that is a lot. */
static guint64 mapped(void)
{
	g_autofree char *pages = NULL;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents("/proc/self/statm", &pages, NULL, NULL));
	return g_ascii_strtoull(pages, NULL, 10) * (guint64)sysconf(_SC_PAGESIZE);
}

/* A table larger than what this process may have more: 300 GiB where 1 GiB is left. */
static void test_no_memory(void)
{
	struct native_options options = options_of(1u << 28, 1);
	struct rlimit old;
	struct rlimit small;
	struct native_meter *meter;
	GError *error = NULL;

	getrlimit(RLIMIT_AS, &old);
	small = (struct rlimit){ .rlim_cur = mapped() + (1u << 30), .rlim_max = old.rlim_max };
	setrlimit(RLIMIT_AS, &small);
	meter = native_meter_new(&options, &error);
	setrlimit(RLIMIT_AS, &old);
	CU_ASSERT_PTR_NULL(meter);
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error ? error->message : "", "--max-flows"));
	g_clear_error(&error);
}

static CU_TestInfo tests[] = {
	{ "every frame is in one counter, every packet in one record", test_counters },
	{ "one packet in N is metered, the others are counted", test_sampling },
	{ "records do not depend on frames a call, nor on the seed", test_calls_and_seeds },
	{ "a record is as long as its detail", test_details },
	{ "evictions are counted, and lose nothing", test_evictions },
	{ "a batch is sent when it is full, and the rest at the end", test_batches },
	{ "parsing alone counts nothing", test_parse_alone },
	{ "later fragments find their first among many", test_fragments },
	{ "fragments are held for their first one as long as there is room", test_held_fragments },
	{ "a table that has no memory says what needs less", test_no_memory },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "native_meter", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
