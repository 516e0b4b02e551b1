/* SPDX-License-Identifier: BSD-2-Clause */
/* What the writer of MaxMind databases writes, read by libmaxminddb. */
#include <string.h>

#include "base/error.h"
#include "enrich/mmdb_write.h"
#include "mmdb_base.h"
#include "unit.h"

static void set(struct base *base, const char *network, guint32 number)
{
	struct mmdb_range range = { 0 };

	CU_ASSERT_TRUE_FATAL(mmdb_range_parse(network, &range));
	mmdb_tree_set(base->tree, &range, number);
}

static void set_text(struct base *base, const char *network, const char *text)
{
	set(base, network, means(base, mmdb_utf8(base->values, text)));
}

static void check_text(const MMDB_s *mmdb, const char *address, const char *text)
{
	g_autofree char *found = text_at(mmdb, address);

	if (g_strcmp0(found, text) != 0)
		fprintf(stderr, "%s: %s, not %s\n", address, found, text);
	CU_ASSERT_STRING_EQUAL(found ? found : "nothing", text ? text : "nothing");
}

static void overriding(void)
{
	struct base base = base_new();
	MMDB_s mmdb;

	set_text(&base, "192.0.2.0/24", "outer");
	set_text(&base, "192.0.2.64/26", "inner");
	set_text(&base, "2001:db8::/32", "six");
	set_text(&base, "2001:db8::1", "one");
	set_text(&base, "198.51.100.0/25", "gone");
	set_text(&base, "198.51.100.0/24", "over");
	write_with(&base, 0);
	mmdb = read_back(&base);
	check_text(&mmdb, "192.0.1.255", NULL);
	check_text(&mmdb, "192.0.2.0", "outer");
	check_text(&mmdb, "192.0.2.63", "outer");
	check_text(&mmdb, "192.0.2.64", "inner");
	check_text(&mmdb, "192.0.2.127", "inner");
	check_text(&mmdb, "192.0.2.128", "outer");
	check_text(&mmdb, "192.0.3.0", NULL);
	check_text(&mmdb, "198.51.100.1", "over");
	check_text(&mmdb, "2001:db8::", "six");
	check_text(&mmdb, "2001:db8::1", "one");
	check_text(&mmdb, "2001:db8::2", "six");
	check_text(&mmdb, "2001:db9::", NULL);
	MMDB_close(&mmdb);
	base_free(&base);
}

static void places_of_ipv4(void)
{
	struct base base = base_new();
	MMDB_s mmdb;

	set_text(&base, "::/0", "six");
	set_text(&base, "203.0.113.0/24", "four");
	write_with(&base, 0);
	mmdb = read_back(&base);
	check_text(&mmdb, "203.0.113.9", "four");
	check_text(&mmdb, "::203.0.113.9", "four");
	check_text(&mmdb, "::ffff:203.0.113.9", "four");
	check_text(&mmdb, "64:ff9b::203.0.113.9", "four");
	check_text(&mmdb, "2002:cb00:7109::1", "four");
	check_text(&mmdb, "203.0.114.0", NULL);
	check_text(&mmdb, "::ffff:203.0.114.0", NULL);
	check_text(&mmdb, "2003::", "six");
	check_text(&mmdb, "2001:0:cb00:7109::", "six");
	check_text(&mmdb, "::1:0:0", "six");
	check_text(&mmdb, "ffff::", "six");
	MMDB_close(&mmdb);
	base_free(&base);
}

static void no_networks(void)
{
	struct base base = base_new();
	struct mmdb_size size = write_with(&base, 0);
	MMDB_s mmdb = read_back(&base);

	CU_ASSERT_EQUAL(size.nodes, 1);
	CU_ASSERT_EQUAL(mmdb.metadata.node_count, 1);
	check_text(&mmdb, "192.0.2.1", NULL);
	check_text(&mmdb, "2001:db8::1", NULL);
	MMDB_close(&mmdb);
	base_free(&base);
}

static void one_for_all(void)
{
	struct base base = base_new();
	MMDB_s mmdb;

	set_text(&base, "0.0.0.0/0", "all");
	base.meaning->len = 2;
	set(&base, "::/0", 1);
	CU_ASSERT_EQUAL(write_with(&base, 0).nodes, 1);
	mmdb = read_back(&base);
	check_text(&mmdb, "0.0.0.0", "all");
	check_text(&mmdb, "255.255.255.255", "all");
	check_text(&mmdb, "ffff::", "all");
	MMDB_close(&mmdb);
	base_free(&base);
}

static void metadata(void)
{
	struct base base = base_new();
	struct mmdb_size size;
	MMDB_s mmdb;

	set_text(&base, "192.0.2.0/24", "x");
	size = write_with(&base, 0);
	mmdb = read_back(&base);
	CU_ASSERT_STRING_EQUAL(mmdb.metadata.database_type, "Test");
	CU_ASSERT_EQUAL(mmdb.metadata.build_epoch, MMDB_BASE_EPOCH);
	CU_ASSERT_EQUAL(mmdb.metadata.ip_version, 6);
	CU_ASSERT_EQUAL(mmdb.metadata.binary_format_major_version, 2);
	CU_ASSERT_EQUAL(mmdb.metadata.binary_format_minor_version, 0);
	CU_ASSERT_EQUAL(mmdb.metadata.node_count, size.nodes);
	CU_ASSERT_EQUAL(mmdb.metadata.record_size, 24);
	CU_ASSERT_EQUAL(mmdb.metadata.languages.count, 1);
	CU_ASSERT_STRING_EQUAL(mmdb.metadata.languages.names[0], "en");
	CU_ASSERT_EQUAL(mmdb.metadata.description.count, 1);
	CU_ASSERT_STRING_EQUAL(mmdb.metadata.description.descriptions[0]->description, "A test");
	MMDB_close(&mmdb);
	base_free(&base);
}

static MMDB_entry_data_s value_at(MMDB_lookup_result_s *result, const char *const *path)
{
	MMDB_entry_data_s data = { 0 };

	CU_ASSERT_EQUAL_FATAL(MMDB_aget_value(&result->entry, &data, path), MMDB_SUCCESS);
	CU_ASSERT_TRUE(data.has_data);
	return data;
}

#define AT(...) value_at(&result, (const char *const[]){ __VA_ARGS__, NULL })

static void every_type(void)
{
	struct base base = base_new();
	struct mmdb_values *v = base.values;
	const struct mmdb_pair inner[] = { { "deep", mmdb_utf8(v, "d\xc3\xa9j\xc3\xa0") },
					   { "left out", NULL },
					   { "yes", mmdb_boolean(v, true) },
					   { "no", mmdb_boolean(v, false) } };
	const struct mmdb_value *elements[] = { mmdb_uint32(v, 7), mmdb_utf8(v, "seven") };
	const struct mmdb_pair outer[] = {
		{ "map", mmdb_map(v, inner, G_N_ELEMENTS(inner)) },
		{ "array", mmdb_array(v, elements, G_N_ELEMENTS(elements)) },
		{ "nothing", mmdb_map(v, NULL, 0) },
		{ "double", mmdb_double(v, -12.5) },
		{ "16", mmdb_uint16(v, 65535) },
		{ "0", mmdb_uint32(v, 0) },
		{ "32", mmdb_uint32(v, 4294967295u) },
		{ "64", mmdb_uint64(v, G_MAXUINT64) },
		{ "damaged", mmdb_utf8(v, "a\xff") },
	};
	MMDB_lookup_result_s result;
	MMDB_s mmdb;

	set(&base, "192.0.2.1", means(&base, mmdb_map(v, outer, G_N_ELEMENTS(outer))));
	write_with(&base, 0);
	mmdb = read_back(&base);
	result = look_up(&mmdb, "192.0.2.1");
	CU_ASSERT_TRUE_FATAL(result.found_entry);
	CU_ASSERT_EQUAL(result.netmask, 128);
	CU_ASSERT_EQUAL(memcmp(AT("map", "deep").utf8_string, "d\xc3\xa9j\xc3\xa0", 6), 0);
	CU_ASSERT_EQUAL(AT("map").data_size, 3);
	CU_ASSERT_TRUE(AT("map", "yes").boolean);
	CU_ASSERT_FALSE(AT("map", "no").boolean);
	CU_ASSERT_EQUAL(AT("array", "0").uint32, 7);
	CU_ASSERT_EQUAL(memcmp(AT("array", "1").utf8_string, "seven", 5), 0);
	CU_ASSERT_EQUAL(AT("nothing").data_size, 0);
	CU_ASSERT_EQUAL(AT("double").double_value, -12.5);
	CU_ASSERT_EQUAL(AT("16").uint16, 65535);
	CU_ASSERT_EQUAL(AT("0").uint32, 0);
	CU_ASSERT_EQUAL(AT("32").uint32, 4294967295u);
	CU_ASSERT_EQUAL(AT("64").uint64, G_MAXUINT64);
	CU_ASSERT_EQUAL(memcmp(AT("damaged").utf8_string, "a\xef\xbf\xbd", 4), 0);
	MMDB_close(&mmdb);
	base_free(&base);
}

/* Either side of every size the format tells in another way, and of every length of pointer. */
static void long_texts(void)
{
	static const guint lengths[] = { 0,    1,     28,    29,    30,	   284,	   285,
					 286,  65820, 65821, 65822, 2048,  524288, 600000,
					 1234, 70000, 28,    29,    65821, 600000 };
	struct base base = base_new();
	MMDB_s mmdb;

	for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
		g_autofree char *text = g_strnfill(lengths[i], 'x');
		g_autofree char *network = g_strdup_printf("10.0.%u.0/24", i);
		const struct mmdb_pair pairs[] = {
			{ "the text whose length matters", mmdb_utf8(base.values, text) },
			{ "its number", mmdb_uint32(base.values, i) },
		};

		set(&base, network, means(&base, mmdb_map(base.values, pairs, 2)));
	}
	write_with(&base, 0);
	mmdb = read_back(&base);
	for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
		g_autofree char *address = g_strdup_printf("10.0.%u.77", i);
		MMDB_lookup_result_s result = look_up(&mmdb, address);

		CU_ASSERT_EQUAL(AT("the text whose length matters").data_size, lengths[i]);
		CU_ASSERT_EQUAL(AT("its number").uint32, i);
	}
	MMDB_close(&mmdb);
	base_free(&base);
}

static guint64 octets_with(guint networks)
{
	struct base base = base_new();
	struct mmdb_size size;
	guint64 octets;

	for (guint i = 0; i < networks; i++) {
		g_autofree char *network = g_strdup_printf("10.%u.0.0/16", i);
		g_autofree char *text = g_strnfill(10000, 'x');
		const struct mmdb_pair pair = { "k", mmdb_utf8(base.values, text) };

		set(&base, network, means(&base, mmdb_map(base.values, &pair, 1)));
	}
	size = write_with(&base, 0);
	octets = size.octets;
	base_free(&base);
	return octets;
}

static void kept_once(void)
{
	CU_ASSERT_TRUE(octets_with(5) < octets_with(1) + 1000);
}

static void merged_neighbours(void)
{
	struct base one = base_new();
	struct base many = base_new();

	set_text(&one, "10.0.0.0/8", "x");
	set_text(&many, "10.0.0.0/8", "y");
	set_text(&many, "10.0.0.0/32", "x");
	many.meaning->len = 3;
	for (guint i = 0; i < 256; i++) {
		g_autofree char *network = g_strdup_printf("10.%u.0.0/16", i);

		set(&many, network, 2);
	}
	CU_ASSERT_EQUAL(write_with(&one, 0).nodes, write_with(&many, 0).nodes);
	base_free(&one);
	base_free(&many);
}

/* The data alone needs more than 24 bits. */
static void larger_records(void)
{
	struct base base = base_new();
	struct mmdb_size size;
	MMDB_s mmdb;

	for (guint i = 0; i < 250; i++) {
		g_autofree char *text = g_strnfill(70000, 'x');
		g_autofree char *network = g_strdup_printf("10.0.%u.0/24", i);
		int written = g_snprintf(text, 8, "%u", i);

		text[written] = '.'; /* over the NUL */
		set_text(&base, network, text);
	}
	size = write_with(&base, 0);
	CU_ASSERT_EQUAL(size.record_bits, 28);
	mmdb = read_back(&base);
	for (guint i = 0; i < 250; i++) {
		g_autofree char *address = g_strdup_printf("10.0.%u.1", i);
		g_autofree char *start = g_strdup_printf("%u.x", i);
		g_autofree char *text = text_at(&mmdb, address);

		CU_ASSERT_TRUE(text && g_str_has_prefix(text, start));
	}
	MMDB_close(&mmdb);
	base_free(&base);
}

static void same_octets(void)
{
	g_autofree char *octets[2] = { NULL };
	gsize lengths[2] = { 0 };

	for (guint i = 0; i < 2; i++) {
		struct base base = base_new();

		for (guint n = 0; n < 500; n++) {
			g_autofree char *network = g_strdup_printf("10.%u.%u.0/24", n % 7, n / 7);
			g_autofree char *text = g_strdup_printf("%u", n % 50);

			set_text(&base, network, text);
		}
		write_with(&base, 0);
		CU_ASSERT_TRUE(g_file_get_contents(base.path, &octets[i], &lengths[i], NULL));
		base_free(&base);
	}
	CU_ASSERT_EQUAL(lengths[0], lengths[1]);
	CU_ASSERT_EQUAL(memcmp(octets[0], octets[1], lengths[0]), 0);
	g_free(octets[1]);
}

static void bad_networks(void)
{
	static const char *const texts[] = {
		"",
		"10.0.0.1/24",
		"10.0.0.0/33",
		"10.0.0/24",
		"10.0.0.0/",
		"10.0.0.0/x",
		"::/129",
		"10.0.0.0/-1",
		"2001:db8::1/64",
		"10.0.0.0/ 8",
		"10.0.0.256",
		"nowhere",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"
	};
	struct mmdb_range range;

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		CU_ASSERT_FALSE(mmdb_range_parse(texts[i], &range));
	CU_ASSERT_TRUE(mmdb_range_parse("0.0.0.0/0", &range));
	CU_ASSERT_TRUE(mmdb_range_parse("::/0", &range));
	CU_ASSERT_FALSE(mmdb_range_between("10.0.0.2", "10.0.0.1", &range));
	CU_ASSERT_FALSE(mmdb_range_between("10.0.0.2", "::1", &range));
	CU_ASSERT_TRUE(mmdb_range_between("10.0.0.2", "10.0.0.2", &range));
}

static void shadowed(void)
{
	struct mmdb_range range;

	mmdb_range_parse("2002:a00::/24", &range);
	CU_ASSERT_TRUE(mmdb_range_is_shadowed(&range));
	mmdb_range_parse("::ffff:10.0.0.0/104", &range);
	CU_ASSERT_TRUE(mmdb_range_is_shadowed(&range));
	mmdb_range_parse("2000::/3", &range);
	CU_ASSERT_FALSE(mmdb_range_is_shadowed(&range));
	mmdb_range_parse("10.0.0.0/8", &range);
	CU_ASSERT_FALSE(mmdb_range_is_shadowed(&range));
}

static void unwritable(void)
{
	static const char *const languages[] = { "en", NULL };
	struct base base = base_new();
	const struct mmdb_content content = {
		base.tree, base.values, (const struct mmdb_value *const *)base.meaning->pdata
	};
	const struct mmdb_info info = { "Test", "A test", languages, MMDB_BASE_EPOCH, 0 };
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) device = NULL;
	struct mmdb_size size;

	CU_ASSERT_FALSE(mmdb_write(&content, &info, "/nowhere/a.mmdb", &size, &missing));
	CU_ASSERT_TRUE(missing && strstr(missing->message, "/nowhere/a.mmdb: "));
	CU_ASSERT_FALSE(mmdb_write(&content, &info, "/dev/null", &size, &device));
	CU_ASSERT_TRUE(g_error_matches(device, WEIR_ERROR, WEIR_ERROR_USAGE));
	base_free(&base);
}

/* What is there stays whole while a new one is made, and is mapped still when that has come. */
static void replaced(void)
{
	struct base base = base_new();
	MMDB_s old;
	MMDB_s new;

	set_text(&base, "10.0.0.0/8", "old");
	write_with(&base, 0);
	old = read_back(&base);
	mmdb_tree_free(base.tree);
	base.tree = mmdb_tree_new();
	set_text(&base, "10.0.0.0/8", "new");
	write_with(&base, 0);
	new = read_back(&base);
	check_text(&old, "10.0.0.1", "old");
	check_text(&new, "10.0.0.1", "new");
	MMDB_close(&old);
	MMDB_close(&new);
	base_free(&base);
}

static CU_TestInfo tests[] = {
	{ "later networks override earlier ones, to the address", overriding },
	{ "IPv4 is found by every way to write it, and IPv6 beside it", places_of_ipv4 },
	{ "a database without networks can be read", no_networks },
	{ "a database of one value can be read", one_for_all },
	{ "the metadata is complete", metadata },
	{ "every type is read as it was given", every_type },
	{ "texts of every length are read, and pointers of every size", long_texts },
	{ "what is equal is kept once", kept_once },
	{ "equal neighbours are one network", merged_neighbours },
	{ "records are as large as they must be", larger_records },
	{ "the same input gives the same octets", same_octets },
	{ "what is no network is refused", bad_networks },
	{ "IPv6 networks where IPv4 is found are known", shadowed },
	{ "what cannot be written is said, and devices are left alone", unwritable },
	{ "a database is replaced as a whole, and the old one lives on with who reads it",
	  replaced },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "mmdb_write", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
