/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdio.h>

#include "base/buffer.h"
#include "flow/fields.h"
#include "sample.h"
#include "unit.h"

static const struct field *must(const char *name)
{
	const struct field *field = field_by_name(name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(field);
	return field;
}

static union field_value value(const struct flow_record *record, const char *name,
			       enum flow_side_index from, enum field_scope scope)
{
	struct flow_view view = { .record = record, .from = from, .scope = scope };
	union field_value got;

	memset(&got, 0xa5, sizeof(got));
	must(name)->get(&view, &got);
	return got;
}

static guint64 uniflow(const struct flow_record *record, const char *name,
		       enum flow_side_index from)
{
	return value(record, name, from, FIELD_SCOPE_UNIFLOW).number;
}

static void test_unique(void)
{
	for (size_t i = 0; i < fields_count; i++) {
		CU_ASSERT_TRUE(fields[i].id > 0 && fields[i].id < FIELD_REVERSE_BIT);
		CU_ASSERT_PTR_EQUAL(field_by_name(fields[i].name), &fields[i]);
		for (size_t j = 0; j < i; j++)
			CU_ASSERT_FALSE(fields[i].id == fields[j].id &&
					fields[i].own == fields[j].own);
	}
	CU_ASSERT_PTR_NULL(field_by_name("octetdeltacount"));
	CU_ASSERT_PTR_NULL(field_by_name(""));
}

static void test_own_elements_are_documented(void)
{
	for (size_t i = 0; i < fields_count; i++) {
		CU_ASSERT_TRUE(strlen(fields[i].description) > 3);
		CU_ASSERT_TRUE(g_ascii_islower(fields[i].name[0]));
		CU_ASSERT_TRUE(!fields[i].own || fields[i].v9 == 0);
	}
}

/* Ids on the wire are for ever. */
static void test_own_ids(void)
{
	static const struct {
		const char *name;
		guint16 id;
	} known[] = {
		{ "metricValidity", 1 },
		{ "icmpIdentifier", 2 },
		{ "tcpControlBitsFirst", 3 },
		{ "ipClassOfServiceUnion", 4 },
		{ "fragmentCount", 5 },
		{ "octetsPerSecondMaximum", 6 },
		{ "pauseCount", 7 },
		{ "interArrivalCount", 8 },
		{ "interArrivalMean", 9 },
		{ "interArrivalDeviation", 10 },
		{ "interArrivalMaximum", 11 },
		{ "packetLength64", 12 },
		{ "packetLengthMore", 18 },
		{ "packetTtl1", 19 },
		{ "packetTtl255", 28 },
		{ "sourceCountryCode", 62 },
		{ "destinationSite", 87 },
		{ "geoDatabaseType", 88 },
		{ "geoDatabaseBuildTime", 89 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		CU_ASSERT_TRUE(must(known[i].name)->own);
		CU_ASSERT_EQUAL(must(known[i].name)->id, known[i].id);
	}
}

static const char *semantics_name(enum field_semantics semantics)
{
	static const char *const names[] = { "default",	     "quantity",   "totalCounter",
					     "deltaCounter", "identifier", "flags" };

	return names[semantics];
}

/* Columns of IANA's registry as tests/data has it. */
enum column {
	COLUMN_ID,
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_SEMANTICS,
	COLUMN_UNITS,
	COLUMN_REVERSIBLE = 9,
	COLUMNS,
};

static void check_row(char **cells, const struct field *field)
{
	CU_ASSERT_FALSE(field->own);
	CU_ASSERT_EQUAL(field->id, g_ascii_strtoull(cells[COLUMN_ID], NULL, 10));
	CU_ASSERT_STRING_EQUAL(field_type_name(field->type), cells[COLUMN_TYPE]);
	CU_ASSERT_STRING_EQUAL(semantics_name(field->semantics),
			       *cells[COLUMN_SEMANTICS] ? cells[COLUMN_SEMANTICS] : "default");
	CU_ASSERT_STRING_EQUAL(field->units ? field->units : "", cells[COLUMN_UNITS]);
	CU_ASSERT_TRUE(field->direction == FIELD_OF_FLOW ||
		       strcmp(cells[COLUMN_REVERSIBLE], "1") == 0);
}

static void test_iana(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	size_t rows = 0;
	size_t iana = 0;

	CU_ASSERT_TRUE_FATAL(
		g_file_get_contents(TEST_DATA "/ipfix/iana-elements.tsv", &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		g_auto(GStrv) cells = g_strsplit(lines[i], "\t", -1);
		const struct field *field;

		if (g_strv_length(cells) < COLUMNS)
			continue;
		field = field_by_name(cells[COLUMN_NAME]);
		if (!field)
			continue;
		check_row(cells, field);
		rows++;
	}
	for (size_t i = 0; i < fields_count; i++)
		iana += !fields[i].own;
	CU_ASSERT_EQUAL(rows, iana);
}

static void test_names(void)
{
	g_autofree char *reverse = field_reverse_name(must("octetDeltaCount"));

	CU_ASSERT_STRING_EQUAL(reverse, "reverseOctetDeltaCount");
	CU_ASSERT_STRING_EQUAL(field_type_name(FIELD_IPV4_ADDRESS), "ipv4Address");
	CU_ASSERT_EQUAL(field_type_size(FIELD_MAC_ADDRESS), 6);
	for (size_t i = 0; i < FIELD_TYPES; i++) {
		CU_ASSERT_PTR_NOT_NULL(field_type_name(i));
		CU_ASSERT_TRUE(field_type_size(i) > 0);
	}
}

static void test_ends(void)
{
	static const guint8 low[4] = { 192, 0, 2, 1 };
	struct flow_record tcp = sample_tcp();
	struct flow_record icmp6 = sample_icmp6();
	union field_value from_low =
		value(&tcp, "sourceIPv4Address", FLOW_FROM_LOW, FIELD_SCOPE_UNIFLOW);
	union field_value to_low =
		value(&tcp, "destinationIPv4Address", FLOW_FROM_HIGH, FIELD_SCOPE_FORWARD);
	union field_value six =
		value(&icmp6, "destinationIPv6Address", FLOW_FROM_LOW, FIELD_SCOPE_FORWARD);

	CU_ASSERT_EQUAL(memcmp(from_low.octets, low, 4), 0);
	CU_ASSERT_EQUAL(memcmp(to_low.octets, low, 4), 0);
	CU_ASSERT_EQUAL(memcmp(six.octets, icmp6.flow.key.high, 16), 0);
	CU_ASSERT_EQUAL(uniflow(&tcp, "sourceTransportPort", FLOW_FROM_HIGH), 443);
	CU_ASSERT_EQUAL(uniflow(&tcp, "destinationTransportPort", FLOW_FROM_HIGH), 40000);
	CU_ASSERT_EQUAL(uniflow(&tcp, "sourceTransportPort", FLOW_FROM_LOW), 40000);
	CU_ASSERT_EQUAL(uniflow(&tcp, "vlanId", FLOW_FROM_LOW), 42);
	CU_ASSERT_EQUAL(uniflow(&tcp, "protocolIdentifier", FLOW_FROM_LOW), 6);
	CU_ASSERT_EQUAL(uniflow(&tcp, "ipVersion", FLOW_FROM_LOW), 4);
	CU_ASSERT_EQUAL(uniflow(&tcp, "flowId", FLOW_FROM_LOW), flow_id(&tcp.flow));
	CU_ASSERT_EQUAL(uniflow(&tcp, "flowEndReason", FLOW_FROM_LOW), 3);
	CU_ASSERT_EQUAL(uniflow(&tcp, "biflowDirection", FLOW_FROM_HIGH), 1);
	CU_ASSERT_EQUAL(uniflow(&tcp, "biflowDirection", FLOW_FROM_LOW), 2);
}

static void test_icmp(void)
{
	struct flow_record icmp6 = sample_icmp6();
	struct flow_record tcp = sample_tcp();

	CU_ASSERT_EQUAL(uniflow(&icmp6, "sourceTransportPort", FLOW_FROM_LOW), 0);
	CU_ASSERT_EQUAL(uniflow(&icmp6, "destinationTransportPort", FLOW_FROM_LOW), 0);
	CU_ASSERT_EQUAL(uniflow(&icmp6, "icmpIdentifier", FLOW_FROM_LOW), 777);
	CU_ASSERT_EQUAL(uniflow(&icmp6, "icmpTypeCodeIPv6", FLOW_FROM_LOW), 128 << 8);
	CU_ASSERT_EQUAL(uniflow(&icmp6, "icmpTypeCodeIPv6", FLOW_FROM_HIGH), 0);
	/* The word is TCP's sequence number there. */
	CU_ASSERT_EQUAL(uniflow(&tcp, "icmpTypeCodeIPv4", FLOW_FROM_LOW), 0);
	CU_ASSERT_EQUAL(uniflow(&tcp, "icmpIdentifier", FLOW_FROM_LOW), 0);
	/* ICMPv6's number in an IPv4 packet is no ICMP. */
	icmp6.flow.key.version = 4;
	CU_ASSERT_EQUAL(uniflow(&icmp6, "icmpTypeCodeIPv4", FLOW_FROM_LOW), 0);
	icmp6.flow.key.proto = 1;
	CU_ASSERT_EQUAL(uniflow(&icmp6, "icmpTypeCodeIPv4", FLOW_FROM_LOW), 128 << 8);
	CU_ASSERT_EQUAL(uniflow(&icmp6, "sourceTransportPort", FLOW_FROM_LOW), 0);
}

static void test_sides(void)
{
	static const struct {
		const char *name;
		guint64 high;
		guint64 low;
	} rows[] = {
		{ "packetDeltaCount", 4, 3 },
		{ "octetDeltaCount", 1234, 5000 },
		{ "tcpControlBits", 0x1b, 0x13 },
		{ "transportOctetDeltaCount", 1000, 4800 },
		{ "minimumTTL", 60, 250 },
		{ "tcpControlBitsFirst", 0x02, 0x12 },
		{ "maximumTTL", 64, 250 },
		{ "ipClassOfService", 0x10, 0 },
		{ "ingressInterface", 1, 2 },
		{ "ipClassOfServiceUnion", 0x18, 0 },
		{ "metricValidity", 1024 + 8, 1024 + 8 + 1 },
	};
	struct flow_record tcp = sample_tcp();

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		CU_ASSERT_EQUAL(uniflow(&tcp, rows[i].name, FLOW_FROM_HIGH), rows[i].high);
		CU_ASSERT_EQUAL(uniflow(&tcp, rows[i].name, FLOW_FROM_LOW), rows[i].low);
	}
	tcp.flow.side[FLOW_FROM_LOW].state = FLOW_ORPHANS | FLOW_L4_CUT | FLOW_FIN_ACKED;
	CU_ASSERT_EQUAL(uniflow(&tcp, "metricValidity", FLOW_FROM_LOW), 1024 + 2 + 4 + 8);
	tcp.flow.side[FLOW_FROM_HIGH].packets = 0;
	CU_ASSERT_EQUAL(uniflow(&tcp, "metricValidity", FLOW_FROM_LOW), 1024 + 2 + 4);
}

static void test_times(void)
{
	struct flow_record tcp = sample_tcp();
	const guint64 start = SAMPLE_START_NS;

	CU_ASSERT_EQUAL(uniflow(&tcp, "flowStartNanoseconds", FLOW_FROM_LOW), start + 1000000);
	CU_ASSERT_EQUAL(uniflow(&tcp, "flowEndMilliseconds", FLOW_FROM_HIGH), start + 2500000000);
	CU_ASSERT_EQUAL(uniflow(&tcp, "flowDurationMilliseconds", FLOW_FROM_LOW), 2999);
	CU_ASSERT_EQUAL(
		value(&tcp, "flowStartMilliseconds", FLOW_FROM_HIGH, FIELD_SCOPE_FORWARD).number,
		start);
	CU_ASSERT_EQUAL(
		value(&tcp, "flowEndMicroseconds", FLOW_FROM_HIGH, FIELD_SCOPE_FORWARD).number,
		start + 3000000000);
	CU_ASSERT_EQUAL(
		value(&tcp, "flowDurationMicroseconds", FLOW_FROM_HIGH, FIELD_SCOPE_FORWARD).number,
		3000000);
	CU_ASSERT_EQUAL(
		value(&tcp, "flowStartMilliseconds", FLOW_FROM_LOW, FIELD_SCOPE_REVERSE).number,
		start + 1000000);
	/* Longer than the element can tell; and a capture that runs backwards. */
	tcp.flow.side[FLOW_FROM_LOW].last_ns = start + 5000 * FLOW_SECOND_NS;
	CU_ASSERT_EQUAL(uniflow(&tcp, "flowDurationMicroseconds", FLOW_FROM_LOW), G_MAXUINT32);
	tcp.flow.side[FLOW_FROM_LOW].last_ns = start;
	CU_ASSERT_EQUAL(uniflow(&tcp, "flowDurationMicroseconds", FLOW_FROM_LOW), 0);
}

static size_t value_size(enum field_type type)
{
	return type == FIELD_STRING ? sizeof(struct flow_text) : field_type_size(type);
}

/* Also where the meter left something behind. */
static void test_silent(void)
{
	struct flow_record record = sample_tcp();
	union field_value zero;

	memset(&zero, 0, sizeof(zero));
	memset(&record.flow.side[FLOW_FROM_LOW], 0xff, sizeof(struct flow_side));
	memset(&record.flow.shape[FLOW_FROM_LOW], 0xff, sizeof(struct flow_shape));
	memset(&record.flow.tcp[FLOW_FROM_LOW], 0xff, sizeof(struct flow_tcp));
	record.flow.side[FLOW_FROM_LOW].packets = 0;
	record.flow.side[FLOW_FROM_LOW].state = 0;
	for (size_t i = 0; i < fields_count; i++) {
		union field_value got =
			value(&record, fields[i].name, FLOW_FROM_LOW, FIELD_SCOPE_REVERSE);

		if (fields[i].direction == FIELD_OF_SIDE)
			CU_ASSERT_EQUAL(memcmp(&got, &zero, value_size(fields[i].type)), 0);
	}
}

static void test_shape(void)
{
	struct flow_record record = sample_tcp();
	struct flow_shape *shape = &record.flow.shape[FLOW_FROM_HIGH];
	static const guint8 mac[6] = { 2, 0, 0, 0, 0, 9 };
	union field_value got;

	for (guint i = 0; i < FLOW_LENGTH_BUCKETS; i++)
		shape->length_count[i] = 100 + i;
	for (guint i = 0; i < FLOW_TTL_BUCKETS; i++)
		shape->ttl_count[i] = 200 + i;
	shape->length_squares = 1ULL << 40;
	shape->second_octets_max = 999;
	memcpy(shape->mac_source, mac, 6);
	CU_ASSERT_EQUAL(uniflow(&record, "packetLength64", FLOW_FROM_HIGH), 100);
	CU_ASSERT_EQUAL(uniflow(&record, "packetLength1518", FLOW_FROM_HIGH), 105);
	CU_ASSERT_EQUAL(uniflow(&record, "packetLengthMore", FLOW_FROM_HIGH), 106);
	CU_ASSERT_EQUAL(uniflow(&record, "packetTtl1", FLOW_FROM_HIGH), 200);
	CU_ASSERT_EQUAL(uniflow(&record, "packetTtl255", FLOW_FROM_HIGH), 209);
	CU_ASSERT_EQUAL(uniflow(&record, "octetDeltaSumOfSquares", FLOW_FROM_HIGH), 1ULL << 40);
	CU_ASSERT_EQUAL(uniflow(&record, "octetsPerSecondMaximum", FLOW_FROM_HIGH), 999);
	CU_ASSERT_EQUAL(uniflow(&record, "packetLength64", FLOW_FROM_LOW), 0);
	got = value(&record, "sourceMacAddress", FLOW_FROM_HIGH, FIELD_SCOPE_UNIFLOW);
	CU_ASSERT_EQUAL(memcmp(got.octets, mac, 6), 0);
}

static double real(const struct flow_record *record, const char *name)
{
	return value(record, name, FLOW_FROM_HIGH, FIELD_SCOPE_UNIFLOW).real;
}

static void test_gaps(void)
{
	struct flow_record record = sample_tcp();
	struct flow_shape *shape = &record.flow.shape[FLOW_FROM_HIGH];

	CU_ASSERT_EQUAL(real(&record, "interArrivalMean"), 0);
	CU_ASSERT_EQUAL(real(&record, "interArrivalDeviation"), 0);
	/* 2 4 4 4 5 5 7 9: mean 5, deviation 2 */
	shape->gap_count = 8;
	shape->gap_sum_us = 40;
	shape->gap_squares_us2 = 232;
	CU_ASSERT_EQUAL(real(&record, "interArrivalMean"), 5);
	CU_ASSERT_EQUAL(real(&record, "interArrivalDeviation"), 2);
	/* A million gaps of 1999999: in doubles the squares would not cancel. */
	shape->gap_count = 1000000;
	shape->gap_sum_us = 1000000 * 1999999ULL;
	shape->gap_squares_us2 = 1000000 * (1999999ULL * 1999999ULL);
	CU_ASSERT_EQUAL(real(&record, "interArrivalMean"), 1999999);
	CU_ASSERT_EQUAL(real(&record, "interArrivalDeviation"), 0);
	/* One of them a microsecond shorter: sqrt(n - 1) / n. */
	shape->gap_sum_us -= 1;
	shape->gap_squares_us2 -= 1999999ULL * 1999999 - 1999998ULL * 1999998;
	CU_ASSERT_EQUAL(real(&record, "interArrivalDeviation"), sqrt(999999) / 1000000);
}

static guint64 load(const guint8 *from, size_t size)
{
	guint64 number = 0;

	for (size_t i = 0; i < size; i++)
		number |= (guint64)from[G_BYTE_ORDER == G_LITTLE_ENDIAN ? i : size - 1 - i]
			  << 8 * i;
	return number;
}

/* Those who read the number in place must find what the getter finds. */
static void test_places(void)
{
	struct flow_record record = sample_tcp();
	const struct flow *flow = &record.flow;
	const struct flow_view view = { &record, FLOW_FROM_HIGH, FIELD_SCOPE_UNIFLOW, NULL };
	guint8 *octets = (guint8 *)record.flow.tcp;
	struct field_facts facts;
	guint64 id;

	for (size_t i = 0; i < sizeof(record.flow.tcp) + sizeof(record.flow.shape); i++)
		octets[i] = (guint8)(i * 7 + 1);
	field_facts_of(&view, &facts);
	id = flow_id(flow);
	for (size_t i = 0; i < fields_count; i++) {
		const struct field *field = &fields[i];
		const void *const bases[] = {
			[FIELD_IN_KEY] = &flow->key,
			[FIELD_IN_SIDE] = &flow->side[FLOW_FROM_HIGH],
			[FIELD_IN_SHAPE] = &flow->shape[FLOW_FROM_HIGH],
			[FIELD_IN_TCP] = &flow->tcp[FLOW_FROM_HIGH],
			[FIELD_IN_FACTS] = &facts,
			[FIELD_FLOW_ID] = &id,
		};
		union field_value value;

		if (field->place.where == FIELD_COMPUTED)
			continue;
		field->get(&view, &value);
		CU_ASSERT_TRUE(field->place.size <= sizeof(guint64));
		CU_ASSERT_EQUAL(
			load((const guint8 *)bases[field->place.where] + field->place.offset,
			     field->place.size),
			field->type == FIELD_IPV4_ADDRESS ? load_be32(value.octets) : value.number);
	}
}

static CU_TestInfo tests[] = {
	{ "names and ids are unique", test_unique },
	{ "every element is described", test_own_elements_are_documented },
	{ "the ids of our own elements stay what they are", test_own_ids },
	{ "IANA's elements are as IANA's registry has them", test_iana },
	{ "types and reverses have names", test_names },
	{ "each end is the source of its own packets", test_ends },
	{ "ICMP has an identifier, type and code but no ports", test_icmp },
	{ "each side has its own values", test_sides },
	{ "times are a side's in a uniflow, the whole flow's in a biflow", test_times },
	{ "a side that sent nothing reads 0", test_silent },
	{ "shape fields read their own counters", test_shape },
	{ "inter-arrival statistics are exact", test_gaps },
	{ "a field's place holds what its getter reads", test_places },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "fields", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
