/* SPDX-License-Identifier: BSD-2-Clause */
/* What databases say, against what mmdblookup says, and what becomes of their answers. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "enrich/geo.h"
#include "unit.h"

#define FOLDER TEST_DATA "/geoip/"

static struct geo *geo_of(const char *first, const char *second)
{
	g_autofree char *one = first ? g_strconcat(FOLDER, first, ".mmdb", NULL) : NULL;
	g_autofree char *other = second ? g_strconcat(FOLDER, second, ".mmdb", NULL) : NULL;
	const char *const paths[] = { one, other, NULL };
	g_autoptr(GError) error = NULL;
	struct geo *geo = geo_new(paths, &error);

	if (!geo)
		printf("%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(geo);
	return geo;
}

static guint8 octets_of(const char *text, guint8 ret_octets[16])
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);
	gsize length;

	CU_ASSERT_PTR_NOT_NULL_FATAL(address);
	length = g_inet_address_get_native_size(address);
	memset(ret_octets, 0, 16);
	if (length == 4)
		memset(ret_octets + 10, 0xff, 2);
	memcpy(ret_octets + 16 - length, g_inet_address_to_bytes(address), length);
	return length == 4 ? 4 : 6;
}

static const struct flow_place *find(struct geo *geo, const char *text, guint *ret_bits)
{
	guint8 octets[16];
	guint8 version = octets_of(text, octets);

	return geo_find(geo, octets, version, ret_bits);
}

/* As truth.tsv writes it. */
static char *text_of(const struct flow_place *place, enum flow_place_value value)
{
	if (!flow_place_knows(place, value))
		return g_strdup("");
	switch (flow_place_kind(value)) {
	case FLOW_PLACE_TEXT:
		return g_strndup(place->cells[value].text.octets, place->cells[value].text.length);
	case FLOW_PLACE_REAL:
		return g_strdup_printf("%.6f", place->cells[value].real);
	default:
		return g_strdup_printf("%" G_GUINT64_FORMAT, place->cells[value].number);
	}
}

static bool says(const struct flow_place *place, enum flow_place_value value, const char *wanted)
{
	g_autofree char *text = text_of(place, value);

	if (strcmp(text, wanted) != 0)
		printf("\n%s is '%s', not '%s'", flow_place_name(value), text, wanted);
	return strcmp(text, wanted) == 0;
}

static char *read_gzip(const char *path)
{
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileInputStream) packed = g_file_read(file, NULL, NULL);
	g_autoptr(GZlibDecompressor) gzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
	g_autoptr(GInputStream) plain = NULL;
	g_autoptr(GOutputStream) all = g_memory_output_stream_new_resizable();

	CU_ASSERT_PTR_NOT_NULL_FATAL(packed);
	plain = g_converter_input_stream_new(G_INPUT_STREAM(packed), G_CONVERTER(gzip));
	CU_ASSERT_TRUE_FATAL(
		g_output_stream_splice(all, plain, G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL) > 0);
	g_output_stream_write_all(all, "", 1, NULL, NULL, NULL);
	g_output_stream_close(all, NULL, NULL);
	return g_memory_output_stream_steal_data(G_MEMORY_OUTPUT_STREAM(all));
}

/* --- truth --- */

enum column {
	COLUMN_DATABASE,
	COLUMN_ADDRESS,
	COLUMN_NETWORK,
	COLUMN_COUNTRY,
	COLUMN_REGISTERED,
	COLUMN_CONTINENT,
	COLUMN_CITY,
	COLUMN_SUBDIVISION,
	COLUMN_LATITUDE,
	COLUMN_LONGITUDE,
	COLUMN_TIME_ZONE,
	COLUMN_ASN,
	COLUMN_AS_NAME,
	COLUMNS,
};

static const enum flow_place_value value_of[COLUMNS] = {
	[COLUMN_COUNTRY] = FLOW_PLACE_COUNTRY,	   [COLUMN_CONTINENT] = FLOW_PLACE_CONTINENT,
	[COLUMN_CITY] = FLOW_PLACE_CITY,	   [COLUMN_SUBDIVISION] = FLOW_PLACE_SUBDIVISION,
	[COLUMN_LATITUDE] = FLOW_PLACE_LATITUDE,   [COLUMN_LONGITUDE] = FLOW_PLACE_LONGITUDE,
	[COLUMN_TIME_ZONE] = FLOW_PLACE_TIME_ZONE, [COLUMN_ASN] = FLOW_PLACE_AS_NUMBER,
	[COLUMN_AS_NAME] = FLOW_PLACE_AS_NAME,
};

static void check_row(struct geo *geo, char **row)
{
	const struct flow_place *place = find(geo, row[COLUMN_ADDRESS], NULL);
	bool good = true;

	for (int i = COLUMN_COUNTRY; i < COLUMNS; i++) {
		if (i != COLUMN_REGISTERED)
			good &= says(place, value_of[i], row[i]);
	}
	if (!good)
		printf(" of %s in %s", row[COLUMN_ADDRESS], row[COLUMN_DATABASE]);
	CU_ASSERT_TRUE(good);
}

/* Once as they come, once again from memory. */
static void test_truth(void)
{
	g_autofree char *text = read_gzip(FOLDER "truth.tsv.gz");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *name = g_strdup("");
	struct geo *geo = NULL;
	guint rows = 0;

	for (guint i = 1; lines[i] && *lines[i]; i++) {
		g_auto(GStrv) row = g_strsplit(lines[i], "\t", -1);

		CU_ASSERT_EQUAL_FATAL(g_strv_length(row), COLUMNS);
		if (strcmp(row[COLUMN_DATABASE], name) != 0) {
			geo_free(geo);
			g_free(name);
			name = g_strdup(row[COLUMN_DATABASE]);
			geo = geo_of(name, NULL);
		}
		check_row(geo, row);
		check_row(geo, row);
		rows++;
	}
	geo_free(geo);
	CU_ASSERT_EQUAL(rows, 7822);
}

/* --- what databases hold --- */

static void test_every_value(void)
{
	struct geo *geo = geo_of("GeoIP2-Enterprise-Test", NULL);
	const struct flow_place *place = find(geo, "74.209.24.0", NULL);

	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CLASS, "global"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_COUNTRY, "US"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CONTINENT, "NA"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_SUBDIVISION, "NY"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CITY, "Chatham"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_POSTAL_CODE, "12037"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_LATITUDE, "42.347800"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_LONGITUDE, "-73.554900"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_ACCURACY_RADIUS, "27"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_TIME_ZONE, "America/New_York"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_AS_NUMBER, "14671"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_AS_NAME, "FairPoint Communications"));
	CU_ASSERT_TRUE(place->database &&
		       g_str_has_prefix(place->database->type.octets, "GeoIP2-Enterprise"));
	CU_ASSERT_TRUE(place->database &&
		       place->database->built_ns > G_GUINT64_CONSTANT(1400000000000000000));
	geo_free(geo);
}

static void test_several(void)
{
	struct geo *geo = geo_of("GeoLite2-ASN-Test", "GeoIP2-City-Test");
	const struct flow_place *place = find(geo, "81.2.69.160", NULL);
	guint bits;

	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CITY, "London"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_AS_NUMBER, ""));
	CU_ASSERT_PTR_EQUAL(find(geo, "81.2.69.191", &bits), place);
	CU_ASSERT_EQUAL(bits, 27);
	place = find(geo, "67.43.156.1", NULL); /* in both */
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_COUNTRY, "BT"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_AS_NUMBER, "35908"));
	CU_ASSERT_TRUE(place->database && place->database->type.length == 12 &&
		       memcmp(place->database->type.octets, "GeoLite2-ASN", 12) == 0);
	CU_ASSERT_EQUAL(geo_databases(geo), 2);
	CU_ASSERT_EQUAL(geo_holds_at(geo, 0),
			1u << FLOW_PLACE_AS_NUMBER | 1u << FLOW_PLACE_AS_NAME);
	geo_free(geo);
}

/* A database for IPv4 alone, and trees with and without IPv4 in them. */
static void test_trees(void)
{
	struct geo *geo = geo_of("GeoIP2-City-Test", NULL);
	guint bits;

	CU_ASSERT_TRUE(says(find(geo, "2001:218::1", &bits), FLOW_PLACE_COUNTRY, "JP"));
	CU_ASSERT_EQUAL(bits, 32);
	CU_ASSERT_TRUE(says(find(geo, "1.1.1.1", NULL), FLOW_PLACE_COUNTRY, ""));
	geo_free(geo);
}

static void test_forms_of_ipv4(void)
{
	static const char *const same[][2] = {
		{ "81.2.69.160", "global" },
		{ "::ffff:81.2.69.160", "ipv4-mapped" },
		{ "2002:5102:45a0::1", "6to4" },
		{ "64:ff9b::81.2.69.160", "nat64" },
		{ "::81.2.69.160", "ipv4-compatible" },
		{ "2001:0:4136:e378:8000:63bf:aefd:ba5f", "teredo" },
	};
	static const char *const private[] = {
		"10.1.2.3",	     "::ffff:10.1.2.3", "2002:a01:203::1",
		"64:ff9b::10.1.2.3", "2001::f5fe:fdfc",
	};
	struct geo *geo = geo_of("GeoIP2-City-Test", NULL);

	for (guint i = 0; i < G_N_ELEMENTS(same); i++) {
		const struct flow_place *place = find(geo, same[i][0], NULL);

		CU_ASSERT_TRUE(says(place, FLOW_PLACE_CITY, "London"));
		CU_ASSERT_TRUE(says(place, FLOW_PLACE_CLASS, same[i][1]));
	}
	for (guint i = 0; i < G_N_ELEMENTS(private); i++)
		CU_ASSERT_TRUE(says(find(geo, private[i], NULL), FLOW_PLACE_CLASS, "private"));
	geo_free(geo);
}

static void test_nothing_of_use(void)
{
	static const char *const names[] = { "GeoIP2-Anonymous-IP-Test", "MaxMind-DB-test-nested",
					     "MaxMind-DB-string-value-entries",
					     "MaxMind-DB-test-decoder" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_strconcat(FOLDER, names[i], ".mmdb", NULL);
		const char *const paths[] = { path, NULL };
		g_autoptr(GError) error = NULL;

		CU_ASSERT_PTR_NULL(geo_new(paths, &error));
		CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	}
}

static void test_no_file(void)
{
	const char *const paths[] = { FOLDER "nowhere.mmdb", NULL };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(geo_new(paths, &error));
	CU_ASSERT_TRUE_FATAL(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT_TRUE(g_str_has_prefix(error->message, paths[0]));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "; name a geolocation database"));
}

/* --- memory --- */

/* Addresses near each other, as networks are of all lengths. */
static void random_address(guint32 *state, guint8 octets[16], guint8 *ret_version)
{
	static const guint8 near[][4] = { { 81, 2, 69, 0 },
					  { 67, 43, 156, 0 },
					  { 2, 125, 160, 0 } };

	*state = *state * 1664525u + 1013904223u;
	*ret_version = *state >> 31 ? 4 : 6;
	memset(octets, 0, 16);
	if (*ret_version == 6) {
		memcpy(octets, "\x20\x01\x02\x18", 4);
		octets[3] ^= (guint8)(*state >> 8 & 1);
		octets[6] = (guint8)(*state >> 16);
		return;
	}
	memset(octets + 10, 0xff, 2);
	memcpy(octets + 12, near[*state >> 24 & 1], 4);
	octets[15] = (guint8)(*state >> 8);
	octets[14] ^= (guint8)(*state >> 16 & 3);
	if (*state % 7 == 0)
		octets[12] = (guint8)(*state >> 11);
}

/* As one that remembers nothing says. */
static bool is_fresh(const guint8 octets[16], guint8 version, const struct flow_place *place)
{
	struct geo *fresh = geo_of("GeoIP2-City-Test", "GeoIP2-ISP-Test");
	const struct flow_place *again = geo_find(fresh, octets, version, NULL);
	bool same = place->known == again->known;

	for (int value = 0; value < FLOW_PLACE_VALUES; value++) {
		g_autofree char *one = text_of(place, (enum flow_place_value)value);
		g_autofree char *other = text_of(again, (enum flow_place_value)value);

		same &= strcmp(one, other) == 0;
	}
	geo_free(fresh);
	return same;
}

static void test_memory(void)
{
	struct geo *geo = geo_of("GeoIP2-City-Test", "GeoIP2-ISP-Test");
	guint32 state = 1;

	for (guint i = 0; i < 20000; i++) {
		const struct flow_place *place;
		guint8 octets[16];
		guint8 version;

		random_address(&state, octets, &version);
		place = geo_find(geo, octets, version, NULL);
		if (i % 100 == 0)
			CU_ASSERT_TRUE(is_fresh(octets, version, place));
		CU_ASSERT_PTR_EQUAL(geo_find(geo, octets, version, NULL), place);
	}
	CU_ASSERT_EQUAL(geo_counts(geo)->lookups, 40000);
	CU_ASSERT_TRUE(geo_counts(geo)->hits >= 20000);
	geo_free(geo);
}

/* Both ends, whatever the sides sent. */
static void test_batch(void)
{
	struct geo *geo = geo_of("GeoIP2-City-Test", NULL);
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	struct flow_key *key = &batch->records[0].flow.key;

	batch->count = 1;
	key->version = octets_of("81.2.69.160", (guint8 *)key->low);
	octets_of("192.168.1.1", (guint8 *)key->high);
	geo_enrich(geo, batch);
	CU_ASSERT_TRUE(says(batch->extras[0].place[FLOW_FROM_LOW], FLOW_PLACE_COUNTRY, "GB"));
	CU_ASSERT_TRUE(says(batch->extras[0].place[FLOW_FROM_HIGH], FLOW_PLACE_CLASS, "private"));
	g_free(batch);
	geo_free(geo);
}

static CU_TestInfo tests[] = {
	{ "every row of the truth, asked and remembered", test_truth },
	{ "a database has every value", test_every_value },
	{ "the first of several databases that knows is believed", test_several },
	{ "IPv6 and unknown addresses", test_trees },
	{ "an IPv4 address in an IPv6 one is looked up", test_forms_of_ipv4 },
	{ "a database without places is refused", test_nothing_of_use },
	{ "a file that is not there is told with what to do", test_no_file },
	{ "what is remembered is what a database says", test_memory },
	{ "a record gets the places of both ends", test_batch },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "geo", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
