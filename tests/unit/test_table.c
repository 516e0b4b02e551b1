/* SPDX-License-Identifier: BSD-2-Clause */
/* The native flow table: what it finds, who leaves when and why, and odd clocks. */
#include <string.h>

#include "capture/table.h"
#include "unit.h"

#define SECOND FLOW_SECOND_NS
#define IDLE   (15 * SECOND)
#define SLOT   (1ULL << 24) /* the wheel's, where the idle time-out is below a minute */
#define START  (1000 * SECOND)
#define DAY    (86400 * SECOND)
#define LEFT   4096

/* A table and who left it, in that order. */
struct bed {
	guint64 now_ns; /* the latest there was */
	struct flow_table *table;
	guint64 id[LEFT];
	enum flow_end end[LEFT];
	guint left;
};

static void on_leave(void *data, const struct flow *flow, enum flow_end end)
{
	struct bed *bed = data;

	g_assert_cmpuint(bed->left, <, LEFT);
	bed->id[bed->left] = flow->key.low[0];
	bed->end[bed->left++] = end;
}

static struct bed *bed_new(guint32 max_flows, guint64 idle_ns)
{
	struct bed *bed = g_new0(struct bed, 1);
	struct flow_table_options options = {
		.max_flows = max_flows,
		.idle_ns = idle_ns,
		.leave = on_leave,
		.data = bed,
	};

	bed->table = flow_table_new(&options, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bed->table);
	return bed;
}

static void bed_free(struct bed *bed)
{
	flow_table_free(bed->table);
	g_free(bed);
}

static guint64 hash_of(guint64 id)
{
	return id * 0x9e3779b97f4a7c15ULL;
}

static struct flow *look(const struct bed *bed, guint64 id)
{
	struct flow_key key = { .low = { id } };

	flow_table_prefetch_index(bed->table, hash_of(id));
	flow_table_prefetch_flow(bed->table, hash_of(id));
	return flow_table_find(bed->table, &key, hash_of(id));
}

static void advance(struct bed *bed, guint64 now_ns)
{
	bed->now_ns = MAX(bed->now_ns, now_ns);
	flow_table_advance(bed->table, bed->now_ns);
}

/* A packet of flow id comes at this time. */
static struct flow *use(struct bed *bed, guint64 id, guint64 now_ns)
{
	struct flow *flow;

	advance(bed, now_ns);
	flow = look(bed, id);
	if (flow) {
		flow->last_ns = MAX(flow->last_ns, now_ns);
		return flow;
	}
	flow = flow_table_claim(bed->table, hash_of(id), bed->now_ns);
	memset(flow, 0, flow_size(FLOW_DETAIL_BASIC));
	flow->key.low[0] = id;
	flow->last_ns = now_ns;
	flow_table_filed(bed->table, flow);
	return flow;
}

static void end_flow(struct bed *bed, guint64 id, guint64 now_ns)
{
	struct flow *flow = use(bed, id, now_ns);

	flow->side[FLOW_FROM_HIGH].whole = now_ns;
	flow_table_filed(bed->table, flow);
}

static void expect_left(const struct bed *bed, guint at, guint64 id, enum flow_end end)
{
	CU_ASSERT_TRUE(at < bed->left);
	CU_ASSERT_EQUAL(bed->id[at], id);
	CU_ASSERT_EQUAL(bed->end[at], end);
}

static void test_fill(void)
{
	struct bed *bed = bed_new(1000, IDLE);
	struct flow_key stranger = { .low = { 5 }, .high = { 1 } };

	for (guint64 id = 0; id < 1000; id++) {
		CU_ASSERT_PTR_NULL(look(bed, id));
		use(bed, id, START + id);
	}
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 1000);
	CU_ASSERT_EQUAL(bed->left, 0);
	for (guint64 id = 0; id < 1000; id++) {
		const struct flow *flow = look(bed, id);

		CU_ASSERT_PTR_NOT_NULL_FATAL(flow);
		CU_ASSERT_EQUAL(flow->key.low[0], id);
		CU_ASSERT_EQUAL(flow->last_ns, START + id);
	}
	/* Another key of the same hash is another flow. */
	CU_ASSERT_PTR_NULL(flow_table_find(bed->table, &stranger, hash_of(5)));
	bed_free(bed);
}

static void test_evict_order(void)
{
	struct bed *bed = bed_new(4, IDLE);

	for (guint64 id = 1; id <= 4; id++)
		use(bed, id, START + id * 2 * SLOT);
	use(bed, 1, START + 10 * SLOT);
	use(bed, 3, START + 12 * SLOT);
	for (guint64 id = 5; id <= 8; id++)
		use(bed, id, START + (10 + 2 * id) * SLOT);
	CU_ASSERT_EQUAL(bed->left, 4);
	expect_left(bed, 0, 2, FLOW_END_RESOURCES);
	expect_left(bed, 1, 4, FLOW_END_RESOURCES);
	expect_left(bed, 2, 1, FLOW_END_RESOURCES);
	expect_left(bed, 3, 3, FLOW_END_RESOURCES);
	CU_ASSERT_EQUAL(flow_table_evicted(bed->table), 4);
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 4);
	bed_free(bed);
}

/* Within a slot's width: first come, first out. */
static void test_evict_in_slot(void)
{
	struct bed *bed = bed_new(3, IDLE);

	for (guint64 id = 1; id <= 6; id++)
		use(bed, id, START);
	for (guint i = 0; i < 3; i++)
		expect_left(bed, i, i + 1, FLOW_END_RESOURCES);
	CU_ASSERT_EQUAL(bed->left, 3);
	bed_free(bed);
	/* A flow used a slot's width later is behind the one that was not. */
	bed = bed_new(2, IDLE);
	use(bed, 1, START);
	use(bed, 2, START);
	use(bed, 1, START + SLOT);
	use(bed, 3, START + SLOT);
	expect_left(bed, 0, 2, FLOW_END_RESOURCES);
	bed_free(bed);
}

/* A flow whose time-out had passed unnoticed leaves for that, and is no eviction. */
static void test_evict_expired(void)
{
	struct bed *bed = bed_new(2, IDLE);

	use(bed, 1, START);
	end_flow(bed, 2, START + SECOND);
	use(bed, 3, START + 2 * SECOND + 1);
	expect_left(bed, 0, 2, FLOW_END_DETECTED);
	use(bed, 4, START + IDLE + 1);
	expect_left(bed, 1, 1, FLOW_END_IDLE);
	CU_ASSERT_EQUAL(flow_table_evicted(bed->table), 0);
	bed_free(bed);
}

/* Its place in wheel and index is free, and nobody is told. */
static void test_drop(void)
{
	struct bed *bed = bed_new(3, IDLE);

	for (guint64 id = 1; id <= 3; id++)
		use(bed, id, START);
	flow_table_drop(bed->table, look(bed, 2));
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 2);
	CU_ASSERT_PTR_NULL(look(bed, 2));
	CU_ASSERT_PTR_NOT_NULL(look(bed, 3));
	use(bed, 4, START + SLOT);
	use(bed, 2, START + SLOT);
	CU_ASSERT_EQUAL(bed->left, 1);
	expect_left(bed, 0, 1, FLOW_END_RESOURCES);
	flow_table_flush(bed->table, START + SLOT);
	CU_ASSERT_EQUAL(bed->left, 4);
	bed_free(bed);
}

static void test_expiry(void)
{
	struct bed *bed = bed_new(100, IDLE);

	use(bed, 1, START);
	use(bed, 2, START + 5 * SLOT);
	use(bed, 1, START + 8 * SLOT);
	end_flow(bed, 3, START + 9 * SLOT);
	/* A second is left to packets that come late. */
	advance(bed, START + 9 * SLOT + 2 * SECOND);
	CU_ASSERT_EQUAL(bed->left, 0);
	advance(bed, START + 11 * SLOT + 2 * SECOND);
	CU_ASSERT_EQUAL(bed->left, 1);
	expect_left(bed, 0, 3, FLOW_END_DETECTED);
	advance(bed, START + 5 * SLOT + IDLE + SECOND);
	CU_ASSERT_EQUAL(bed->left, 1);
	advance(bed, START + 7 * SLOT + IDLE + SECOND);
	CU_ASSERT_EQUAL(bed->left, 2);
	expect_left(bed, 1, 2, FLOW_END_IDLE);
	advance(bed, START + 10 * SLOT + IDLE + SECOND);
	expect_left(bed, 2, 1, FLOW_END_IDLE);
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 0);
	CU_ASSERT_PTR_NULL(look(bed, 1));
	bed_free(bed);
}

static void test_expiry_order(void)
{
	struct bed *bed = bed_new(1000, IDLE);

	for (guint64 id = 0; id < 200; id++)
		use(bed, id * 7 % 200, START + id * 2 * SLOT);
	advance(bed, START + DAY);
	for (guint64 i = 0; i < 200; i++)
		expect_left(bed, (guint)i, i * 7 % 200, FLOW_END_IDLE);
	bed_free(bed);
}

static void test_flush(void)
{
	struct bed *bed = bed_new(100, IDLE);

	use(bed, 1, START);
	end_flow(bed, 2, START + IDLE);
	use(bed, 3, START + IDLE);
	use(bed, 4, START + IDLE + 1);
	flow_table_flush(bed->table, bed->now_ns);
	CU_ASSERT_EQUAL(bed->left, 4);
	expect_left(bed, 0, 1, FLOW_END_IDLE);
	expect_left(bed, 1, 2, FLOW_END_DETECTED);
	expect_left(bed, 2, 3, FLOW_END_FORCED);
	expect_left(bed, 3, 4, FLOW_END_FORCED);
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 0);
	flow_table_flush(bed->table, bed->now_ns);
	CU_ASSERT_EQUAL(bed->left, 4);
	use(bed, 5, START + IDLE + 2); /* the table is good for more */
	flow_table_flush(bed->table, bed->now_ns);
	expect_left(bed, 4, 5, FLOW_END_FORCED);
	bed_free(bed);
}

/* More than a century, ten days at a time: a tick at a time would take hours. */
static void test_jumps(void)
{
	struct bed *bed = bed_new(100, IDLE);

	for (guint64 day = 0; day < 5000; day++) {
		use(bed, day, START + day * 10 * DAY);
		if (day > 0)
			CU_ASSERT_FATAL(bed->left == 1 && bed->id[0] == day - 1);
		bed->left = 0;
	}
	use(bed, 1, START + 50000 * DAY + 40 * 365 * DAY);
	CU_ASSERT_EQUAL(bed->left, 1);
	bed_free(bed);
}

static void test_backwards(void)
{
	struct bed *bed = bed_new(8, IDLE);

	for (guint64 id = 1; id <= 16; id++)
		use(bed, id, START + DAY - id * 100 * SECOND);
	CU_ASSERT_EQUAL(bed->left, 8);
	flow_table_flush(bed->table, bed->now_ns);
	CU_ASSERT_EQUAL(bed->left, 16);
	/* All but the first came so late that their time was over. */
	for (guint i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(bed->end[i], bed->id[i] == 1 ? FLOW_END_FORCED : FLOW_END_IDLE);
	bed_free(bed);
}

/* Times that cannot be: nothing hangs and no flow is lost. */
static void test_ends_of_time(void)
{
	static const guint64 times[] = { 0, G_MAXUINT64, 1, G_MAXUINT64 - 1, G_MAXINT64, 0 };

	for (guint first = 0; first < G_N_ELEMENTS(times); first++) {
		for (guint32 flows = 1; flows <= 3; flows++) {
			struct bed *bed = bed_new(flows, IDLE);

			for (guint i = 0; i < 4 * G_N_ELEMENTS(times); i++)
				use(bed, i, times[(first + i) % G_N_ELEMENTS(times)]);
			flow_table_flush(bed->table, bed->now_ns);
			CU_ASSERT_EQUAL(bed->left, 4 * G_N_ELEMENTS(times));
			bed_free(bed);
		}
	}
}

static void test_one_flow(void)
{
	struct bed *bed = bed_new(1, IDLE);

	for (guint64 id = 1; id <= 1000; id++) {
		use(bed, id, START + id);
		use(bed, id, START + id);
		CU_ASSERT_PTR_NULL(look(bed, id - 1));
	}
	CU_ASSERT_EQUAL(flow_table_evicted(bed->table), 999);
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 1);
	bed_free(bed);
}

static void run_idle(guint64 idle_ns)
{
	struct bed *bed = bed_new(16, idle_ns);
	guint64 now_ns = START;

	for (guint64 id = 0; id < 300; id++)
		use(bed, id % 37, now_ns += idle_ns / 8 + id % 3);
	flow_table_flush(bed->table, bed->now_ns);
	CU_ASSERT_TRUE(bed->left >= 37);
	CU_ASSERT_EQUAL(flow_table_count(bed->table), 0);
	bed->left = 0;
	use(bed, 1, now_ns);
	advance(bed, now_ns + idle_ns + SECOND);
	CU_ASSERT_EQUAL(bed->left, 0);
	advance(bed, now_ns + idle_ns + SECOND + MAX(2 * SLOT, idle_ns / 1000));
	CU_ASSERT_EQUAL(bed->left, 1);
	expect_left(bed, 0, 1, FLOW_END_IDLE);
	bed_free(bed);
}

static void test_idle_timeouts(void)
{
	guint64 idle_ns = 1;

	for (; idle_ns <= 1000000 * SECOND; idle_ns *= 10)
		run_idle(idle_ns);
	run_idle(60 * SECOND);
	run_idle(68 * SECOND);
	run_idle(69 * SECOND);
}

static void test_memory(void)
{
	guint64 basic = flow_table_memory(1000000, FLOW_DETAIL_BASIC);

	CU_ASSERT_TRUE(basic >= 1000000 * (guint64)flow_size(FLOW_DETAIL_BASIC));
	CU_ASSERT_TRUE(basic < 1000000 * (guint64)(flow_size(FLOW_DETAIL_BASIC) + 64));
	CU_ASSERT_TRUE(flow_table_memory(1000000, FLOW_DETAIL_FULL) > basic);
	CU_ASSERT_TRUE(flow_table_memory(1, FLOW_DETAIL_FULL) > 0);
	flow_table_free(NULL);
}

static CU_TestInfo tests[] = {
	{ "a full table finds every flow and no stranger", test_fill },
	{ "the least recently used flow gives way", test_evict_order },
	{ "within a slot the first to come is the first out", test_evict_in_slot },
	{ "a flow whose time was over leaves for that", test_evict_expired },
	{ "a flow that is dropped leaves nothing behind", test_drop },
	{ "flows leave a second and a slot after their time-out", test_expiry },
	{ "flows leave in the order of their time-outs", test_expiry_order },
	{ "a flush says idle of those whose time was over, else forced", test_flush },
	{ "time may jump by decades", test_jumps },
	{ "time may go backwards", test_backwards },
	{ "the first and the last moment of time lose no flow", test_ends_of_time },
	{ "a table of one flow holds one", test_one_flow },
	{ "idle time-outs from 1 ns to 10^6 s are kept", test_idle_timeouts },
	{ "the memory told is about what flows take", test_memory },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "table", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
