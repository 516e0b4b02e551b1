/* SPDX-License-Identifier: BSD-2-Clause */
/* The native flow table against a hash table of GLib's: thousands of random steps. Tags crowd at
 * the array's end, so that searches wrap around and removals shift cells back over the edge. */
#include <string.h>

#include "capture/table.h"
#include "unit.h"

#define IDLE  FLOW_SECOND_NS
#define STEPS 20000
#define IDS   200

struct known {
	guint64 last_ns;
	guint64 ended_ns;
	guint64 packets;
};

struct model {
	struct flow_table *table;
	GHashTable *flows; /* guint64 id -> struct known */
	guint32 max_flows;
	guint64 now_ns; /* the latest */
	guint64 state;	/* of the random numbers */
	guint64 evicted;
	bool claiming;
};

static guint64 next(struct model *model)
{
	guint64 z = model->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Half of the flows have one of three tags, all are at home in the last cells or the first. */
static guint64 hash_of(guint64 id)
{
	guint64 tag = id % 2 ? 0xffffffff - id % 3 : (id / 2 % 8 - 4) << 24 | id;

	return tag << 32 | 0x55;
}

static guint64 deadline_of(const struct known *known)
{
	return known->ended_ns ? known->ended_ns + FLOW_LINGER_NS : known->last_ns + IDLE;
}

static void on_leave(void *data, const struct flow *flow, enum flow_end end)
{
	struct model *model = data;
	guint64 id = flow->key.low[0];
	const struct known *known = g_hash_table_lookup(model->flows, &id);

	CU_ASSERT_PTR_NOT_NULL_FATAL(known);
	CU_ASSERT_FATAL(flow->last_ns == known->last_ns);
	CU_ASSERT_FATAL(flow->side[0].packets == known->packets);
	if (end == FLOW_END_RESOURCES) {
		model->evicted++;
		CU_ASSERT_FATAL(model->claiming);
		CU_ASSERT_FATAL(g_hash_table_size(model->flows) == model->max_flows);
	} else {
		CU_ASSERT_FATAL(end == (known->ended_ns ? FLOW_END_DETECTED : FLOW_END_IDLE));
		CU_ASSERT_FATAL(model->now_ns > deadline_of(known));
	}
	g_hash_table_remove(model->flows, &id);
}

static struct flow *find(const struct model *model, guint64 id)
{
	struct flow_key key = { .low = { id } };

	return flow_table_find(model->table, &key, hash_of(id));
}

static void add(struct model *model, guint64 id, guint64 now_ns)
{
	struct known *known = g_new0(struct known, 1);
	struct flow *flow;

	model->claiming = true;
	flow = flow_table_claim(model->table, hash_of(id), model->now_ns);
	model->claiming = false;
	memset(flow, 0, flow_size(FLOW_DETAIL_BASIC));
	flow->key.low[0] = id;
	flow->last_ns = now_ns;
	flow->side[0].packets = 1;
	flow_table_filed(model->table, flow);
	known->last_ns = now_ns;
	known->packets = 1;
	g_hash_table_insert(model->flows, g_memdup2(&id, sizeof(id)), known);
}

static void grow(struct flow *flow, struct known *known, guint64 now_ns)
{
	known->last_ns = flow->last_ns = MAX(known->last_ns, now_ns);
	flow->side[0].packets = ++known->packets;
}

static void end_flow(struct model *model, struct flow *flow, struct known *known)
{
	known->ended_ns = flow->side[FLOW_FROM_HIGH].whole = known->last_ns;
	flow_table_filed(model->table, flow);
}

static void step(struct model *model)
{
	guint64 id = next(model) % IDS;
	guint64 kind = next(model) % 100;
	guint64 now_ns = model->now_ns + next(model) % (FLOW_SECOND_NS / 50);
	struct known *known;
	struct flow *flow;

	if (kind < 2)
		now_ns += next(model) % (90 * FLOW_SECOND_NS);
	else if (kind < 12)
		now_ns -= next(model) % FLOW_SECOND_NS;
	model->now_ns = MAX(model->now_ns, now_ns);
	flow_table_advance(model->table, now_ns);
	known = g_hash_table_lookup(model->flows, &id);
	flow = find(model, id);
	CU_ASSERT_FATAL((flow != NULL) == (known != NULL));
	if (!flow)
		add(model, id, now_ns);
	else if (kind > 95 && !known->ended_ns)
		end_flow(model, flow, known);
	else
		grow(flow, known, now_ns);
}

static void check_all(const struct model *model)
{
	CU_ASSERT_FATAL(flow_table_count(model->table) == g_hash_table_size(model->flows));
	CU_ASSERT_FATAL(flow_table_evicted(model->table) == model->evicted);
	for (guint64 id = 0; id < IDS; id++) {
		const struct known *known = g_hash_table_lookup(model->flows, &id);
		const struct flow *flow = find(model, id);

		CU_ASSERT_FATAL((flow != NULL) == (known != NULL));
		CU_ASSERT_FATAL(!flow || flow->side[0].packets == known->packets);
	}
}

static guint64 run(guint32 max_flows, guint64 seed)
{
	struct model model = {
		.max_flows = max_flows,
		.state = seed,
		.now_ns = 1000 * FLOW_SECOND_NS,
	};
	struct flow_table_options options = {
		.max_flows = max_flows,
		.idle_ns = IDLE,
		.leave = on_leave,
		.data = &model,
	};

	model.flows = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	model.table = flow_table_new(&options, NULL);
	for (guint i = 0; i < STEPS; i++) {
		step(&model);
		if (i % 50 == 0)
			check_all(&model);
	}
	model.now_ns += 100 * FLOW_SECOND_NS;
	flow_table_advance(model.table, model.now_ns);
	flow_table_flush(model.table, model.now_ns);
	CU_ASSERT_EQUAL(g_hash_table_size(model.flows), 0);
	g_hash_table_destroy(model.flows);
	flow_table_free(model.table);
	return model.evicted;
}

static void test_roomy(void)
{
	for (guint64 seed = 1; seed <= 5; seed++)
		CU_ASSERT_EQUAL(run(IDS, seed), 0);
}

static void test_crowded(void)
{
	static const guint32 sizes[] = { 1, 2, 7, 8, 9, 30, 64 };

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
		CU_ASSERT_TRUE(run(sizes[i], 100 + i) > 0);
}

static CU_TestInfo tests[] = {
	{ "a table with room agrees with the model", test_roomy },
	{ "a table that is always full agrees with the model", test_crowded },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "table_model", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
