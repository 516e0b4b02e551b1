/* SPDX-License-Identifier: BSD-2-Clause */
/* Databases of layouts other than MaxMind's, made here. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "enrich/geo.h"
#include "enrich/mmdb_write.h"
#include "unit.h"

#define NETWORKS_MAX 4

struct base {
	struct mmdb_values *values;
	struct mmdb_tree *tree;
	const struct mmdb_value *meaning[NETWORKS_MAX + 1];
	guint networks;
	char *path;
};

static struct base base_new(void)
{
	struct base base = { .values = mmdb_values_new(), .tree = mmdb_tree_new() };
	int fd = g_file_open_tmp("weir-geo-XXXXXX", &base.path, NULL);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	return base;
}

static void base_free(struct base *base)
{
	mmdb_tree_free(base->tree);
	mmdb_values_free(base->values);
	g_unlink(base->path);
	g_free(base->path);
}

static void add(struct base *base, const char *network, const struct mmdb_pair *pairs, size_t count)
{
	struct mmdb_range range;

	CU_ASSERT_TRUE_FATAL(mmdb_range_parse(network, &range));
	base->meaning[++base->networks] = mmdb_map(base->values, pairs, count);
	mmdb_tree_set(base->tree, &range, base->networks);
}

static const struct mmdb_value *text(struct base *base, const char *said)
{
	return mmdb_utf8(base->values, said);
}

static const struct mmdb_value *map_of_one(struct base *base, const char *key,
					   const struct mmdb_value *value)
{
	return mmdb_map(base->values, &(struct mmdb_pair){ key, value }, 1);
}

static struct geo *open_base(struct base *base, GError **error)
{
	static const char *const languages[] = { "en", NULL };
	const struct mmdb_info info = { "test", "made for a test", languages, 1700000000, 0 };
	const struct mmdb_content content = { base->tree, base->values, base->meaning };
	const char *const paths[] = { base->path, NULL };
	struct mmdb_size size;

	CU_ASSERT_TRUE_FATAL(mmdb_write(&content, &info, base->path, &size, NULL));
	return geo_new(paths, error);
}

static const struct flow_place *find(struct geo *geo, const guint8 ipv4[4])
{
	guint8 octets[16] = { [10] = 0xff, 0xff };

	memcpy(octets + 12, ipv4, 4);
	return geo_find(geo, octets, 4, NULL);
}

static bool says(const struct flow_place *place, enum flow_place_value value, const char *wanted)
{
	const struct flow_text *found = &place->cells[value].text;

	if (!flow_place_knows(place, value))
		return !wanted;
	return wanted && found->length == strlen(wanted) &&
	       memcmp(found->octets, wanted, found->length) == 0;
}

/* Texts throughout, the name of an AS beside a number that begins with AS. */
static void test_flat(void)
{
	struct base base = base_new();
	const struct mmdb_pair ipinfo[] = {
		{ "as_name", text(&base, "Example") },
		{ "asn", text(&base, "AS64496") },
		{ "city", text(&base, "Paris") },
		{ "continent", text(&base, "Europe") },
		{ "continent_code", text(&base, "EU") },
		{ "country", text(&base, "France") },
		{ "country_code", text(&base, "FR") },
		{ "lat", text(&base, "48.85341") },
		{ "lng", text(&base, "2.3488") },
		{ "postal_code", text(&base, "75000") },
		{ "region", text(&base, "Ile-de-France") },
		{ "timezone", text(&base, "Europe/Paris") },
	};
	struct geo *geo;
	const struct flow_place *place;

	add(&base, "8.8.0.0/16", ipinfo, G_N_ELEMENTS(ipinfo));
	geo = open_base(&base, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(geo);
	place = find(geo, (const guint8[]){ 8, 8, 4, 4 });
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_COUNTRY, "FR"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CONTINENT, "EU"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_SUBDIVISION, "Ile-de-France"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CITY, "Paris"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_POSTAL_CODE, "75000"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_TIME_ZONE, "Europe/Paris"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_AS_NAME, "Example"));
	CU_ASSERT_EQUAL(place->cells[FLOW_PLACE_AS_NUMBER].number, 64496);
	CU_ASSERT_DOUBLE_EQUAL(place->cells[FLOW_PLACE_LATITUDE].real, 48.85341, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(place->cells[FLOW_PLACE_LONGITUDE].real, 2.3488, 1e-9);
	geo_free(geo);
	base_free(&base);
}

/* Labels hold for private networks, other things that a database says of them do not. */
static void test_own(void)
{
	struct base base = base_new();
	const struct mmdb_pair label = { "label", text(&base, "office") };
	const struct mmdb_pair office[] = {
		{ "autonomous_system_number", mmdb_uint32(base.values, 64500) },
		{ "weir", mmdb_map(base.values, &label, 1) },
	};
	const struct mmdb_pair other[] = {
		{ "country", map_of_one(&base, "iso_code", text(&base, "DE")) },
	};
	struct geo *geo;
	const struct flow_place *place;

	add(&base, "10.1.0.0/16", office, G_N_ELEMENTS(office));
	add(&base, "192.168.0.0/16", other, G_N_ELEMENTS(other));
	geo = open_base(&base, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(geo);
	place = find(geo, (const guint8[]){ 10, 1, 2, 3 });
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CLASS, "private"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_LABEL, "office"));
	CU_ASSERT_EQUAL(place->cells[FLOW_PLACE_AS_NUMBER].number, 64500);
	place = find(geo, (const guint8[]){ 10, 2, 2, 3 });
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_LABEL, NULL));
	place = find(geo, (const guint8[]){ 192, 168, 2, 3 });
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_CLASS, "private"));
	CU_ASSERT_TRUE(says(place, FLOW_PLACE_COUNTRY, NULL));
	CU_ASSERT_PTR_NULL(place->database);
	geo_free(geo);
	base_free(&base);
}

static void test_wrong_types(void)
{
	struct base base = base_new();
	const struct mmdb_pair wrong[] = {
		{ "city", mmdb_uint16(base.values, 7) },
		{ "country", map_of_one(&base, "iso_code", mmdb_double(base.values, 3)) },
		{ "lat", text(&base, "north") },
		{ "asn", text(&base, "ASX") },
	};
	g_autofree char *octets = g_strnfill(400, 'x');
	struct mmdb_pair pair = { "city", NULL };
	g_autoptr(GError) error = NULL;
	struct geo *geo;

	add(&base, "8.8.0.0/16", wrong, G_N_ELEMENTS(wrong));
	CU_ASSERT_PTR_NULL(open_base(&base, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	base_free(&base);

	base = base_new(); /* a text too long for a record */
	pair.value = text(&base, octets);
	add(&base, "8.8.0.0/16", &pair, 1);
	geo = open_base(&base, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(geo);
	CU_ASSERT_EQUAL(
		find(geo, (const guint8[]){ 8, 8, 8, 8 })->cells[FLOW_PLACE_CITY].text.length,
		FLOW_TEXT_MAX);
	geo_free(geo);
	base_free(&base);
}

static CU_TestInfo tests[] = {
	{ "a flat database, all texts, is read", test_flat },
	{ "a user's own labels hold for private networks", test_own },
	{ "values of wrong types are none, texts that are too long are cut", test_wrong_types },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "geo_layouts", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
