/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of flows joined, against the flows metered whole: captures are metered once by one meter,
 * and once with their packets dealt to several, as CPUs would have them. */
#include <string.h>

#include "drain/join.h"
#include "flow/fields.h"
#include "join_runs.h"
#include "unit.h"

static guint key_hash_of(gconstpointer key)
{
	guint hash = 0;

	for (size_t i = 0; i < sizeof(struct flow_key); i++)
		hash = hash * 31 + ((const guint8 *)key)[i];
	return hash;
}

static gboolean key_same(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(struct flow_key)) == 0;
}

static void free_list(gpointer list)
{
	g_ptr_array_free(list, TRUE);
}

/* What left, by key. */
static GHashTable *by_key(const struct run *run)
{
	GHashTable *table = g_hash_table_new_full(key_hash_of, key_same, NULL, free_list);

	for (guint i = 0; i < run->list->len; i++) {
		struct left *left = g_ptr_array_index(run->list, i);
		GPtrArray *list = g_hash_table_lookup(table, &left->record.flow.key);

		if (!list) {
			list = g_ptr_array_new();
			g_hash_table_insert(table, &left->record.flow.key, list);
		}
		g_ptr_array_add(list, left);
	}
	return table;
}

/* As the kernel would have found: parts that began before this one left, and left after it. */
static void look_elsewhere(const struct run *run)
{
	g_autoptr(GHashTable) table = by_key(run);

	for (guint i = 0; i < run->list->len; i++) {
		struct left *left = g_ptr_array_index(run->list, i);
		const GPtrArray *list = g_hash_table_lookup(table, &left->record.flow.key);

		for (guint k = 0; k < list->len; k++) {
			const struct left *other = g_ptr_array_index(list, k);

			if (other->record.cpu != left->record.cpu && other->number > left->number &&
			    flow_first_ns(&other->record.flow) <= left->now_ns)
				left->record.elsewhere |= 1ULL << other->record.cpu;
		}
	}
}

static struct run join_run(const struct run *parts, guint64 active_ns, guint32 slots,
			   struct join_counts *ret_counts)
{
	struct run joined = { .list = g_ptr_array_new_with_free_func(g_free),
			      .detail = parts->detail };
	gsize octets = join_pool_octets(slots, parts->detail);
	g_autofree void *pool = g_malloc0(octets);
	const struct join_options options = { .pool = pool,
					      .octets = octets,
					      .resume = G_MAXUINT64,
					      .idle_ns = IDLE_NS,
					      .active_ns = active_ns,
					      .seed = 1,
					      .detail = parts->detail,
					      .sink = on_joined,
					      .data = &joined };
	struct join *join = join_new(&options);

	for (guint i = 0; i < parts->list->len; i++) {
		const struct left *left = g_ptr_array_index(parts->list, i);

		joined.now_ns = left->now_ns;
		join_tick(join, left->now_ns);
		join_record(join, &left->record, i);
		if (i % 5 == 0)
			join_commit(join);
	}
	join_flush(join);
	*ret_counts = join_counts(join);
	CU_ASSERT_EQUAL(ret_counts->waiting, 0);
	join_free(join);
	return joined;
}

/* --- comparing --- */

struct comparison {
	const char *name;
	bool stretches; /* both sides are scattered, and no part may have seen the end */
	const struct left *whole;
	const struct left *joined;
	guint differences;
	guint flows;
	guint joins;
	guint handshakes; /* of flows that were joined: known whole, known joined */
	guint handshakes_joined;
};

static void differ(struct comparison *comparison, const char *what, guint64 whole, guint64 joined)
{
	if (comparison->differences++ < 5)
		fprintf(stderr,
			"\n%s: port %u: %s: whole %" G_GUINT64_FORMAT ", joined %" G_GUINT64_FORMAT,
			comparison->name,
			GUINT16_FROM_BE(comparison->whole->record.flow.key.low_port), what, whole,
			joined);
}

static bool named(const struct field *field, const char *const *names)
{
	return g_strv_contains(names, field->name);
}

/* What may differ, and how; the rest is equal. */
static bool excused(const struct comparison *comparison, const struct field *field, guint64 whole,
		    guint64 joined)
{
	/* 3 ms where one place would have known the handshake's round trip. */
	static const char *const judged[] = { "tcpRetransmittedPacketCount",
					      "tcpRetransmittedOctetCount", "tcpOutOfOrderCount",
					      NULL };
	const struct flow_record *record = &comparison->joined->record;

	if (strcmp(field->name, "metricValidity") == 0)
		return (joined & ~0x3800u & ~0x30u) == (whole & ~0x30u & ~0x80u) ||
		       (joined & ~0x3800u & ~0xb0u) == (whole & ~0xb0u);
	if (!(record->circumstances & FLOW_JOINED))
		return false;
	if (named(field, judged))
		return true;
	if (strcmp(field->name, "tcpCaptureGapOctetCount") == 0)
		return joined <= whole;
	if (strcmp(field->name, "tcpStateAtEnd") == 0)
		return comparison->stretches;
	/* Without TCP quality nothing remembers what was acknowledged before the first FIN. */
	if (strcmp(field->name, "flowEndReason") == 0)
		return comparison->stretches && whole == FLOW_END_DETECTED;
	return false;
}

/* A shape that needs the order of a side's packets has no way to be absent but 0. */
static bool absent(const struct field *field, const struct flow_view *view)
{
	static const char *const ordered[] = { "octetsPerSecondMaximum",
					       "pauseCount",
					       "interArrivalCount",
					       "interArrivalMean",
					       "interArrivalDeviation",
					       "interArrivalMaximum",
					       NULL };

	if (field->known && !field->known(view))
		return true;
	return view->record->flow.side[view->from].state & FLOW_SCATTERED && named(field, ordered);
}

static void compare_field(struct comparison *comparison, const struct field *field,
			  const struct flow_view *whole, const struct flow_view *joined)
{
	union field_value a = { 0 };
	union field_value b = { 0 };

	if (field->type == FIELD_STRING || field->detail > whole->record->detail)
		return;
	field->get(whole, &a);
	field->get(joined, &b);
	if (strcmp(field->name, "tcpHandshakeRtt") == 0 &&
	    joined->record->circumstances & FLOW_JOINED) {
		comparison->handshakes += field->known(whole);
		comparison->handshakes_joined += field->known(whole) && field->known(joined);
	}
	if (absent(field, joined)) {
		CU_ASSERT_EQUAL(b.number, 0);
		return;
	}
	if (memcmp(&a, &b, sizeof(a)) == 0 || excused(comparison, field, a.number, b.number))
		return;
	differ(comparison, field->name, a.number, b.number);
}

/* Data that came again, or late, is counted as either. */
static void compare_again(struct comparison *comparison, int side)
{
	const struct flow *whole = &comparison->whole->record.flow;
	const struct flow *joined = &comparison->joined->record.flow;
	const struct tcp_tally *a = &whole->tcp[side].tally;
	const struct tcp_tally *b = &joined->tcp[side].tally;

	if (comparison->joined->record.detail < FLOW_DETAIL_TCP ||
	    joined->side[side].state & FLOW_SCATTERED)
		return;
	if (a->retransmitted_packets + a->out_of_order !=
	    b->retransmitted_packets + b->out_of_order)
		differ(comparison, "sent again or late", a->retransmitted_packets,
		       b->retransmitted_packets);
}

static void compare_record(struct comparison *comparison)
{
	struct flow_view whole = flow_view_of(&comparison->whole->record, NULL);
	struct flow_view joined = flow_view_of(&comparison->joined->record, NULL);

	comparison->flows++;
	comparison->joins += !!(comparison->joined->record.circumstances & FLOW_JOINED);
	if (comparison->joined->record.circumstances & FLOW_PART)
		differ(comparison, "a part that was not found", 0, 1);
	for (int direction = 0; direction < 2; direction++) {
		for (size_t i = 0; i < fields_count; i++)
			compare_field(comparison, &fields[i], &whole, &joined);
		whole = flow_view_reverse(&whole);
		joined = flow_view_reverse(&joined);
	}
	compare_again(comparison, 0);
	compare_again(comparison, 1);
}

static gint by_first(gconstpointer a, gconstpointer b)
{
	guint64 left = flow_first_ns(&(*(struct left *const *)a)->record.flow);
	guint64 right = flow_first_ns(&(*(struct left *const *)b)->record.flow);

	return (left > right) - (left < right);
}

/* A connection on the ports of one that has just ended: that the first one did, no part knew. */
static bool reuses_ports(const GPtrArray *whole)
{
	for (guint i = 0; i + 1 < whole->len; i++) {
		const struct left *left = g_ptr_array_index(whole, i);
		const struct left *next = g_ptr_array_index(whole, i + 1);

		if (left->record.end == FLOW_END_DETECTED &&
		    flow_first_ns(&next->record.flow) <= flow_last_ns(&left->record.flow) + IDLE_NS)
			return true;
	}
	return false;
}

static void compare_runs(struct comparison *comparison, const struct run *whole,
			 const struct run *joined)
{
	g_autoptr(GHashTable) wholes = by_key(whole);
	g_autoptr(GHashTable) joins = by_key(joined);
	GHashTableIter at;
	gpointer key;
	gpointer value;

	g_hash_table_iter_init(&at, wholes);
	while (g_hash_table_iter_next(&at, &key, &value)) {
		GPtrArray *a = value;
		GPtrArray *b = g_hash_table_lookup(joins, key);

		g_ptr_array_sort(a, by_first);
		if (reuses_ports(a))
			continue;
		comparison->whole = g_ptr_array_index(a, 0);
		if (!b || a->len != b->len) {
			differ(comparison, "records", a->len, b ? b->len : 0);
			continue;
		}
		g_ptr_array_sort(b, by_first);
		for (guint i = 0; i < a->len; i++) {
			comparison->whole = g_ptr_array_index(a, i);
			comparison->joined = g_ptr_array_index(b, i);
			compare_record(comparison);
		}
	}
	CU_ASSERT_EQUAL(g_hash_table_size(wholes), g_hash_table_size(joins));
}

static guint64 sum_of(const struct run *run, guint64 (*of)(const struct flow *))
{
	guint64 sum = 0;

	for (guint i = 0; i < run->list->len; i++)
		sum += of(&((const struct left *)g_ptr_array_index(run->list, i))->record.flow);
	return sum;
}

static void check_totals(const struct run *whole, const struct run *joined)
{
	CU_ASSERT_EQUAL(sum_of(whole, flow_packets), sum_of(joined, flow_packets));
	CU_ASSERT_EQUAL(sum_of(whole, flow_octets), sum_of(joined, flow_octets));
}

static void free_run(struct run *run)
{
	g_ptr_array_free(run->list, TRUE);
}

static void check_capture(struct comparison *comparison, const GArray *frames,
			  enum flow_detail detail, deal *how)
{
	struct run whole = meter_frames(frames, detail, G_MAXUINT64, NULL);
	struct run parts = meter_frames(frames, detail, G_MAXUINT64, how);
	struct join_counts counts;
	struct run joined;

	look_elsewhere(&parts);
	joined = join_run(&parts, G_MAXUINT64, FRAMES_MAX, &counts);
	compare_runs(comparison, &whole, &joined);
	check_totals(&whole, &joined);
	free_run(&whole);
	free_run(&parts);
	free_run(&joined);
}

/* Every capture of the folder. */
static void each_capture(void (*check)(const GArray *frames, const char *name, void *data),
			 void *data)
{
	const char *folder = TEST_DATA "/pcap";
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		GArray *frames;

		if (g_file_test(path, G_FILE_TEST_IS_DIR) || g_str_has_suffix(name, ".tsv"))
			continue;
		frames = read_frames(path);
		check(frames, name, data);
		free_frames(frames);
	}
}

struct deal_case {
	struct comparison comparison;
	enum flow_detail detail;
	deal *how;
};

static void check_deal(const GArray *frames, const char *name, void *data)
{
	struct deal_case *one = data;

	one->comparison.name = name;
	check_capture(&one->comparison, frames, one->detail, one->how);
}

static struct comparison compare_all(enum flow_detail detail, deal *how)
{
	struct deal_case one = { { .stretches = how == by_stretch }, detail, how };

	each_capture(check_deal, &one);
	CU_ASSERT_EQUAL(one.comparison.differences, 0);
	CU_ASSERT(one.comparison.flows > 1000);
	CU_ASSERT(one.comparison.joins > 100);
	return one.comparison;
}

static void test_directions_basic(void)
{
	compare_all(FLOW_DETAIL_BASIC, by_direction);
}

static void test_directions_full(void)
{
	struct comparison told = compare_all(FLOW_DETAIL_FULL, by_direction);

	CU_ASSERT(told.handshakes > 50);
	CU_ASSERT(told.handshakes_joined * 10 >= told.handshakes * 9);
}

static void test_stretches_basic(void)
{
	compare_all(FLOW_DETAIL_BASIC, by_stretch);
}

static void test_stretches_full(void)
{
	compare_all(FLOW_DETAIL_FULL, by_stretch);
}

CU_SuiteInfo test_suites[] = {
	{ "join", NULL, NULL, NULL, NULL,
	  (CU_TestInfo[]){
		  { "directions on different CPUs make the flows they are", test_directions_basic },
		  { "so they do with TCP quality and shape", test_directions_full },
		  { "stretches on different CPUs make the flows they are", test_stretches_basic },
		  { "so they do with TCP quality and shape, order apart", test_stretches_full },
		  CU_TEST_INFO_NULL,
	  } },
	CU_SUITE_INFO_NULL,
};
