/* SPDX-License-Identifier: BSD-2-Clause */
#include <json-glib/json-glib.h>
#include <string.h>

#include "top/filter.h"
#include "top/reading.h"
#include "top/table.h"
#include "unit.h"

#define IPV4(a, b, c, d)                             \
	{                                            \
		[10] = 0xff, [11] = 0xff, a, b, c, d \
	}

/* Two hosts and a server, by TCP and UDP; the first conversation is opened from both ends. */
static const struct top_reading readings[] = {
	{ .flow = { .id = 1,
		    .end = { { .address = IPV4(10, 0, 0, 1),
			       .port = 50000,
			       .country = "DE",
			       .as_number = 3320,
			       .as_name = "Telekom",
			       .interface = "eth0" },
			     { .address = IPV4(192, 0, 2, 9),
			       .port = 443,
			       .country = "US",
			       .interface = "eth1" } },
		    .proto = 6,
		    .version = 4,
		    .knows_tcp = true,
		    .rtt_us = 3000 },
	  .record = 1,
	  .first_ns = 1,
	  .finished = true,
	  .counts = { .packets = { 10, 20 },
		      .octets = { 1000, 20000 },
		      .retransmitted = { 0, 2 } } },
	{ .flow = { .id = 2,
		    .end = { { .address = IPV4(192, 0, 2, 9), .port = 20, .country = "US" },
			     { .address = IPV4(10, 0, 0, 1),
			       .port = 2000,
			       .country = "DE",
			       .as_number = 3320 } },
		    .proto = 6,
		    .version = 4,
		    .knows_tcp = true,
		    .rtt_us = 1000 },
	  .record = 1,
	  .first_ns = 1,
	  .finished = true,
	  .counts = { .packets = { 5, 4 }, .octets = { 500, 400 } } },
	{ .flow = { .id = 3,
		    .end = { { .address = IPV4(10, 0, 0, 2), .port = 53000, .country = "DE" },
			     { .address = IPV4(192, 0, 2, 9), .port = 53, .country = "US" } },
		    .proto = 17,
		    .version = 4 },
	  .record = 1,
	  .first_ns = 1,
	  .finished = true,
	  .counts = { .packets = { 100, 0 }, .octets = { 6000, 0 } } },
};

static struct top_model *model_of_readings(void)
{
	struct top_model *model = top_model_new(16);

	for (size_t i = 0; i < G_N_ELEMENTS(readings); i++)
		top_model_read(model, &readings[i]);
	return model;
}

/* "LABEL octets sent/received packets flows", a row a line. */
static char *told(struct top_model *model, const struct top_query *query)
{
	struct top_table *table = top_table_new(model, query);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < table->count; i++) {
		const struct top_row *row = &table->rows[i];
		g_autofree char *label = top_groups[query->group].label(&row->key, row->as_name);

		g_string_append_printf(text,
				       "%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT
				       " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
				       label, row->sums.all.octets[0], row->sums.all.octets[1],
				       top_packets(&row->sums.all), row->sums.flows);
	}
	top_table_free(table);
	return g_string_free(text, FALSE);
}

static void check(const struct top_query *query, const char *expected)
{
	struct top_model *model = model_of_readings();
	g_autofree char *text = told(model, query);

	CU_ASSERT_STRING_EQUAL(text, expected);
	top_model_free(model);
}

static void test_groups(void)
{
	static const char *const expected[TOP_GROUPS] = {
		[TOP_HOSTS] = "192.0.2.9 20500/7400 139 3\n"
			      "10.0.0.1 1400/20500 39 2\n"
			      "10.0.0.2 6000/0 100 1\n",
		[TOP_PAIRS] = "10.0.0.1 - 192.0.2.9 1400/20500 39 2\n"
			      "10.0.0.2 - 192.0.2.9 6000/0 100 1\n",
		[TOP_FLOWS_EACH] = "TCP 10.0.0.1:50000 > 192.0.2.9:443 1000/20000 30 1\n"
				   "UDP 10.0.0.2:53000 > 192.0.2.9:53 6000/0 100 1\n"
				   "TCP 192.0.2.9:20 > 10.0.0.1:2000 500/400 9 1\n",
		[TOP_PORTS] = "TCP 443 1000/20000 30 1\n"
			      "UDP 53 6000/0 100 1\n"
			      "TCP 2000 500/400 9 1\n",
		[TOP_PROTOCOLS] = "TCP 1500/20400 39 2\n"
				  "UDP 6000/0 100 1\n",
		[TOP_COUNTRIES] = "DE 7400/20500 139 3\n"
				  "US 20500/7400 139 3\n",
		[TOP_SYSTEMS] = "(unknown) 26500/1400 139 3\n"
				"AS3320 Telekom 1400/20500 39 2\n",
		[TOP_INTERFACES] = "eth1 20000/0 20 1\n"
				   "(unknown) 6900/0 109 3\n"
				   "eth0 1000/0 10 1\n",
	};

	for (int group = 0; group < TOP_GROUPS; group++)
		check(&(struct top_query){ .group = (enum top_group)group }, expected[group]);
}

static void test_sorts(void)
{
	check(&(struct top_query){ .group = TOP_PROTOCOLS, .sort = TOP_BY_PACKETS },
	      "UDP 6000/0 100 1\nTCP 1500/20400 39 2\n");
	check(&(struct top_query){ .group = TOP_PROTOCOLS, .sort = TOP_BY_FLOWS },
	      "TCP 1500/20400 39 2\nUDP 6000/0 100 1\n");
	check(&(struct top_query){ .group = TOP_PORTS, .sort = TOP_BY_RTT },
	      "TCP 443 1000/20000 30 1\nTCP 2000 500/400 9 1\nUDP 53 6000/0 100 1\n");
	check(&(struct top_query){ .group = TOP_PORTS, .sort = TOP_BY_RTT, .ascending = true },
	      "UDP 53 6000/0 100 1\nTCP 2000 500/400 9 1\nTCP 443 1000/20000 30 1\n");
	check(&(struct top_query){ .group = TOP_PORTS, .sort = TOP_BY_RETRANSMISSIONS },
	      "TCP 443 1000/20000 30 1\nUDP 53 6000/0 100 1\nTCP 2000 500/400 9 1\n");
}

static void test_conditions(void)
{
	struct top_model *model = model_of_readings();
	struct top_query query = { .group = TOP_HOSTS };
	struct top_table *table = top_table_new(model, &query);
	g_autofree char *pairs = NULL;

	query.conditions[0] = (struct top_condition){ TOP_HOSTS, table->rows[1].key };
	query.conditions_count = 1;
	query.group = TOP_PAIRS;
	top_table_free(table);
	pairs = told(model, &query);
	CU_ASSERT_STRING_EQUAL(pairs, "10.0.0.1 - 192.0.2.9 1400/20500 39 2\n");
	top_model_free(model);
}

static void check_filter(const char *text, const char *expected)
{
	struct top_filter *filter = top_filter_new(text);

	check(&(struct top_query){ .group = TOP_PORTS, .filter = filter }, expected);
	top_filter_free(filter);
}

static void test_filters(void)
{
	check_filter("udp", "UDP 53 6000/0 100 1\n");
	check_filter("!udp !:443", "TCP 2000 500/400 9 1\n");
	check_filter(":53", "UDP 53 6000/0 100 1\n");
	check_filter("10.0.0.2/31", "UDP 53 6000/0 100 1\n");
	check_filter("10.0.0.0/30 tcp", "TCP 443 1000/20000 30 1\nTCP 2000 500/400 9 1\n");
	check_filter("  AS3320   ETH1 ", "TCP 443 1000/20000 30 1\n");
	check_filter("telekom", "TCP 443 1000/20000 30 1\n");
	check_filter("0.0.2", "UDP 53 6000/0 100 1\n");
	check_filter("2001:db8::/32", "");
	CU_ASSERT_PTR_NULL(top_filter_new("  "));
}

/* Of a table, the total is of each flow once; others are not searched. */
static void test_totals(void)
{
	struct top_model *model = model_of_readings();
	struct top_filter *filter = top_filter_new("tcp");
	const struct top_counts lost = { .packets = { 3 }, .octets = { 300 } };
	struct top_query query = { .group = TOP_HOSTS };
	struct top_table *table;

	top_model_lose(model, &lost);
	table = top_table_new(model, &query);
	CU_ASSERT_EQUAL(top_octets(&table->total.all), 27900 + 300);
	CU_ASSERT_EQUAL(top_octets(&table->rest.all), 300);
	CU_ASSERT_EQUAL(table->total.flows, 3);
	CU_ASSERT_EQUAL(table->total.rtt_sum_us, 4000);
	top_table_free(table);
	query.filter = filter;
	table = top_table_new(model, &query);
	CU_ASSERT_EQUAL(top_octets(&table->total.all), 21900);
	CU_ASSERT_EQUAL(top_octets(&table->rest.all), 0);
	top_table_free(table);
	top_filter_free(filter);
	top_model_free(model);
}

static bool read_json(const char *text, struct top_reading *ret_reading)
{
	g_autoptr(JsonNode) node = json_from_string(text, NULL);

	*ret_reading = (struct top_reading){ 0 };
	return node && top_reading_of_json(json_node_get_object(node), ret_reading);
}

static void test_json(void)
{
	static const guint8 address[16] = IPV4(10, 0, 0, 1);
	struct top_reading first;
	struct top_reading next;

	CU_ASSERT_FATAL(read_json(
		"{\"id\":\"00aa.1\",\"key\":\"b\",\"sourceIPv4Address\":\"10.0.0.1\","
		"\"destinationIPv4Address\":\"192.0.2.9\",\"sourceTransportPort\":50000,"
		"\"destinationTransportPort\":443,\"protocolIdentifier\":6,\"ipVersion\":4,"
		"\"flowStartNanoseconds\":\"1970-01-01T00:00:02.500000007Z\",\"packetDeltaCount\":3,"
		"\"reversePacketDeltaCount\":4,\"octetDeltaCount\":300,"
		"\"reverseOctetDeltaCount\":4000,\"tcpRetransmittedPacketCount\":1,"
		"\"tcpHandshakeRtt\":50,\"reverseTcpHandshakeRtt\":9,\"reverseTcpRttMean\":1200.4,"
		"\"interfaceName\":\"eth0\",\"destinationCountryCode\":\"US\","
		"\"bgpDestinationAsNumber\":15169,\"destinationAsOrganization\":\"A\\nB\"}",
		&first));
	CU_ASSERT_EQUAL(memcmp(first.flow.end[0].address, address, 16), 0);
	CU_ASSERT_EQUAL(first.flow.end[1].port, 443);
	CU_ASSERT_EQUAL(first.counts.packets[TOP_BACK], 4);
	CU_ASSERT_EQUAL(first.counts.octets[TOP_FORTH], 300);
	CU_ASSERT_EQUAL(top_retransmitted(&first.counts), 1);
	CU_ASSERT_TRUE(first.flow.knows_tcp);
	CU_ASSERT_EQUAL(first.flow.rtt_us, 1250);
	CU_ASSERT_EQUAL(first.first_ns, 2500000007);
	CU_ASSERT_EQUAL(g_strcmp0(first.flow.end[0].interface, "eth0"), 0);
	CU_ASSERT_EQUAL(g_strcmp0(first.flow.end[1].country, "US"), 0);
	CU_ASSERT_EQUAL(g_strcmp0(first.flow.end[1].as_name, "A?B"), 0);
	CU_ASSERT_FALSE(first.finished);
	CU_ASSERT_FATAL(read_json("{\"id\":\"00aa.2\",\"key\":\"b\",\"sourceIPv6Address\":\"::1\","
				  "\"destinationIPv6Address\":\"::2\",\"ipVersion\":6}",
				  &next));
	CU_ASSERT_EQUAL(first.flow.id, next.flow.id);
	CU_ASSERT_NOT_EQUAL(first.record, next.record);
	CU_ASSERT_FALSE(read_json("{\"id\":\"1.1\",\"key\":\"b\",\"ipVersion\":4}", &next));
	CU_ASSERT_FALSE(
		read_json("{\"sourceIPv6Address\":\"::1\",\"destinationIPv6Address\":\"::2\","
			  "\"ipVersion\":6}",
			  &next));
}

/* A line of a flow between ::1 and ::2, from one nanosecond of a second to another. */
static struct top_reading spanning(unsigned int from, unsigned int to, unsigned int id, int begins)
{
	g_autofree char *text = g_strdup_printf(
		"{\"id\":\"%x.%x\",\"key\":\"a\",\"ipVersion\":6,\"packetDeltaCount\":5,"
		"\"sourceIPv6Address\":\"::%d\",\"destinationIPv6Address\":\"::%d\","
		"\"flowStartNanoseconds\":\"1970-01-01T00:00:02.%09uZ\","
		"\"flowEndNanoseconds\":\"1970-01-01T00:00:02.%09uZ\"}",
		id, from, begins, 3 - begins, from, to);
	struct top_reading reading;

	CU_ASSERT(read_json(text, &reading));
	return reading;
}

static const struct top_reading *find_reading(const GArray *among, guint64 flow)
{
	static const struct top_reading none;

	for (guint i = 0; i < among->len; i++) {
		if (g_array_index(among, struct top_reading, i).flow.id == flow)
			return &g_array_index(among, struct top_reading, i);
	}
	CU_FAIL("it is not there");
	return &none;
}

static void test_parts(void)
{
	g_autoptr(GArray) last = g_array_new(FALSE, FALSE, sizeof(struct top_reading));
	const struct top_reading whole = spanning(100, 900, 1, 1);
	const struct top_reading before = spanning(10, 20, 2, 1);
	struct top_reading other = spanning(100, 900, 3, 1);
	g_autoptr(GArray) now = g_array_new(FALSE, FALSE, sizeof(struct top_reading));
	const struct top_reading reply = spanning(900, 900, 4, 2);
	const struct top_reading next = spanning(901, 2000, 5, 2);
	const struct top_reading same = spanning(15, 20, 2, 1);
	const struct top_reading rest = spanning(300, 350, 6, 1);
	/* The same flow after an active time-out, told beside what another CPU has of it. */
	const struct top_reading again = spanning(950, 1000, 1, 1);
	g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(struct top_reading));
	const struct top_reading *found;

	other.key++;
	g_array_append_val(last, other);
	g_array_append_val(last, whole);
	g_array_append_val(last, before);
	top_readings_resume(last, none);
	g_array_append_val(now, reply);
	g_array_append_val(now, next);
	g_array_append_val(now, same);
	g_array_append_val(now, rest);
	g_array_append_val(now, again);
	top_readings_resume(now, last);
	CU_ASSERT_EQUAL_FATAL(now->len, 3);
	found = find_reading(now, whole.flow.id);
	CU_ASSERT_TRUE(found->old);
	CU_ASSERT_EQUAL(found->flow.end[TOP_FORTH].address[15], 1);
	CU_ASSERT_EQUAL(found->counts.packets[TOP_BACK], 5);
	CU_ASSERT_EQUAL(found->counts.packets[TOP_FORTH], 5 + 5);
	CU_ASSERT_EQUAL(found->first_ns, 2000000300);
	CU_ASSERT_EQUAL(found->last_ns, 2000001000);
	found = find_reading(now, next.flow.id);
	CU_ASSERT_FALSE(found->old);
	CU_ASSERT_EQUAL(found->counts.packets[TOP_FORTH], 5);
	found = find_reading(now, before.flow.id);
	CU_ASSERT_TRUE(found->old);
}

static void test_held(void)
{
	struct top_reading reading;

	CU_ASSERT_FALSE(
		read_json("{\"id\":\"1.1\",\"key\":\"1\",\"held\":true,\"ipVersion\":6,"
			  "\"sourceIPv6Address\":\"::1\",\"destinationIPv6Address\":\"::2\"}",
			  &reading));
}

static CU_TestInfo tests[] = {
	{ "rows are what flows have in common", test_groups },
	{ "each order has its own first", test_sorts },
	{ "a row can be looked into", test_conditions },
	{ "a filter's words must all fit", test_filters },
	{ "the total has each flow once, and others where everything is shown", test_totals },
	{ "a run's flows are read by the names of elements", test_json },
	{ "what remains of a flow is still that flow", test_parts },
	{ "fragments that are held are no flow yet", test_held },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "top_table", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
