/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits for its other part while a process ends and another begins, at each moment. */
#include <string.h>

#include "drain/join.h"
#include "unit.h"

#define SLOTS 64

struct world {
	void *pool; /* outlives each join */
	guint64 commits;
	struct join *join;
	guint records; /* that left */
	guint64 packets;
};

static void on_left(void *data, const struct flow_record *record)
{
	struct world *world = data;

	world->records++;
	world->packets += flow_packets(&record->flow);
}

static void begin(struct world *world, guint64 resume)
{
	const struct join_options options = { .pool = world->pool,
					      .octets = join_pool_octets(SLOTS, FLOW_DETAIL_BASIC),
					      .resume = resume,
					      .commits = &world->commits,
					      .idle_ns = 15 * FLOW_SECOND_NS,
					      .active_ns = 60 * FLOW_SECOND_NS,
					      .detail = FLOW_DETAIL_BASIC,
					      .sink = on_left,
					      .data = world };

	world->join = join_new(&options);
	world->records = 0;
	world->packets = 0;
	join_tick(world->join, FLOW_SECOND_NS);
}

/* The process is gone; the pool is not. */
static void die(struct world *world)
{
	join_free(world->join);
}

/* A direction's part, met by that CPU while the other one had the other direction's. */
static void give(struct world *world, guint cpu, guint64 position)
{
	struct flow_record record = { .end = FLOW_END_IDLE,
				      .detail = FLOW_DETAIL_BASIC,
				      .cpu = (guint16)cpu,
				      .elsewhere = 1ULL << !cpu };
	struct flow_side *side = &record.flow.side[cpu];

	record.flow.key.proto = 17;
	record.flow.key.version = 4;
	record.flow.last_ns = record.flow.gate_ns = FLOW_SECOND_NS;
	record.flow.side[FLOW_FROM_LOW].whole = FLOW_SECOND_NS;
	record.flow.side[cpu].state = cpu ? 0 : FLOW_INITIATOR;
	side->packets = cpu + 1;
	side->octets = 100;
	side->first_ns = side->last_ns = FLOW_SECOND_NS;
	join_record(world->join, &record, position);
}

static void world_open(struct world *world)
{
	*world = (struct world){ .pool = g_malloc0(join_pool_octets(SLOTS, FLOW_DETAIL_BASIC)) };
	begin(world, 0);
}

static void world_clear(struct world *world)
{
	die(world);
	g_free(world->pool);
}

static void test_waits_on(void)
{
	struct world world;

	world_open(&world);
	give(&world, 0, 0);
	CU_ASSERT_EQUAL(world.records, 0);
	die(&world);
	begin(&world, 1);
	CU_ASSERT_EQUAL(join_counts(world.join).waiting, 1);
	give(&world, 1, 1);
	CU_ASSERT_EQUAL(world.records, 1);
	CU_ASSERT_EQUAL(world.packets, 3);
	world_clear(&world);
}

static void test_comes_again(void)
{
	struct world world;

	world_open(&world);
	give(&world, 0, 0);
	die(&world);
	begin(&world, 0); /* the ring still has it */
	CU_ASSERT_EQUAL(join_counts(world.join).waiting, 0);
	give(&world, 0, 0);
	give(&world, 1, 1);
	CU_ASSERT_EQUAL(world.records, 1);
	CU_ASSERT_EQUAL(world.packets, 3);
	world_clear(&world);
}

static void test_left_without_arriving(void)
{
	struct world world;

	world_open(&world);
	give(&world, 0, 0);
	give(&world, 1, 1);
	CU_ASSERT_EQUAL(world.records, 1);
	die(&world);
	begin(&world, 2);
	CU_ASSERT_EQUAL(world.records, 1);
	CU_ASSERT_EQUAL(world.packets, 3);
	world_clear(&world);
}

static void test_left_and_arrived(void)
{
	struct world world;

	world_open(&world);
	world.commits = 7;
	give(&world, 0, 0);
	give(&world, 1, 1);
	world.commits = 8; /* written down, and the process dies before it can say so to the join */
	die(&world);
	begin(&world, 2);
	CU_ASSERT_EQUAL(world.records, 0);
	CU_ASSERT_EQUAL(join_counts(world.join).waiting, 0);
	world_clear(&world);
}

static void test_slots_come_again(void)
{
	struct world world;

	world_open(&world);
	for (guint64 i = 0; i < 10 * SLOTS; i++) {
		give(&world, 0, 2 * i);
		give(&world, 1, 2 * i + 1);
		world.commits++;
		join_commit(world.join);
	}
	CU_ASSERT_EQUAL(world.records, 10 * SLOTS);
	CU_ASSERT_EQUAL(join_counts(world.join).crowded, 0);
	world_clear(&world);
}

static void test_a_full_pool(void)
{
	struct world world;

	world_open(&world);
	for (guint64 i = 0; i < 10 * SLOTS; i++)
		give(&world, 0, i);
	CU_ASSERT_TRUE(join_counts(world.join).crowded > 0);
	join_flush(world.join);
	CU_ASSERT_EQUAL(world.packets, 10 * SLOTS);
	world_clear(&world);
}

CU_SuiteInfo test_suites[] = {
	{ "join_pool", NULL, NULL, NULL, NULL,
	  (CU_TestInfo[]){
		  { "what waits goes on waiting", test_waits_on },
		  { "what the ring still has is not kept twice", test_comes_again },
		  { "what left and did not arrive leaves again", test_left_without_arriving },
		  { "what arrived does not leave again", test_left_and_arrived },
		  { "slots are used again", test_slots_come_again },
		  { "a full pool loses nothing", test_a_full_pool },
		  CU_TEST_INFO_NULL,
	  } },
	CU_SUITE_INFO_NULL,
};
